// Reads which runs are next: for all lanes that ask while the last answer is under way, at once.

internal import Postgres
internal import PulserIR

/// The reading side of claims. A run that is found is nobody's before its first write.
///
/// Runs on: default pool. Ends: cancellation, then everyone who waits is told so.
struct NextReader: Sendable {
    let store: Store
    /// Where lanes are claimed that have runs with keys: there keys take turns.
    let keyed: WriterInbox
    let inbox = WriterInbox()

    init(store: Store, keyed: WriterInbox) {
        self.store = store
        self.keyed = keyed
    }

    /// Works until cancelled.
    func run() async {
        while let work = await self.inbox.take(atMost: WriterActor.submissionsMax) {
            var round = ClaimRound(work.claims)
            while let turn = round.next() { await self.answer(turn) }
        }
        for claim in self.inbox.end().claims { claim.answer(.failure(WriterActor.ending)) }
    }

    private func answer(_ turn: ClaimRound.Turn) async {
        do throws(StoreError) {
            let runs = try await self.read(turn.wants)
            for claim in turn.claims {
                let own = claim.request.wants.compactMap { runs[$0.lane] }
                if own.contains(where: { $0 == nil }) {
                    // One that was read and not claimed yet must not be claimed beside that.
                    guard !claim.request.wants.contains(where: \.hasUnclaimed) else {
                        claim.answer(.success([]))
                        continue
                    }
                    if !self.keyed.put(claim) { claim.answer(.failure(WriterActor.ending)) }
                } else {
                    claim.answer(.success(own.flatMap { $0 ?? [] }))
                }
            }
        } catch {
            for claim in turn.claims { claim.answer(.failure(error)) }
        }
    }

    /// Each lane's next runs in their order; `nil` for a lane that has runs with keys.
    private func read(_ wants: [ClaimWant]) async throws(StoreError) -> [Int64: [ClaimedRun]?] {
        let rows = try await self.store.execute(
            ClaimSQL.next,
            [
                .int8Array(wants.map(\.lane)), .int8Array(wants.map { Int64($0.limit) }),
                .int8Array(wants.map(\.cursor.rank)), .int8Array(wants.map(\.cursor.run)),
            ]
        )
        let lanes = Dictionary(wants.map { ($0.lane, $0.shard) }) { $1 }
        let found = try rows.decode { row throws(StoreError) in
            (
                lane: try row.int64(1),
                run: try row.int64IfPresent(0) == nil ? nil : try ClaimedRun(row, lanes)
            )
        }
        var runs: [Int64: [ClaimedRun]?] = [:]
        for (lane, run) in found {
            if let run { runs[lane, default: []]?.append(run) } else { runs[lane] = .some(nil) }
        }
        return runs.mapValues { $0?.sorted { ($0.rank, $0.fence.run) < ($1.rank, $1.fence.run) } }
    }
}
