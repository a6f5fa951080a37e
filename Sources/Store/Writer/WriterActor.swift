// The one place from which a node writes about its work: batches, fences, commits, answers.

internal import Logging
internal import Metrics
internal import Postgres
public import PulserIR

/// Group commit. The next batch leaves as soon as the previous one is acknowledged: alone a write
/// travels at once, under load batches grow by themselves.
///
/// Owner: the node. Runs on: default pool. Ends: cancellation, then every waiter is told so.
/// While the database is away the batch is kept and sent again; its statements find what they wrote
/// themselves, so a commit whose acknowledgement was lost happens once. Memory stays bounded
/// because every submitter waits.
public actor WriterActor {
    /// Rows of one batch; what is beyond waits for the next.
    static let submissionsMax = 1_000

    private let store: Store
    private let node: NodeEpoch
    private let logger: Logger
    private var submissions: [Submission] = []
    private var claims: [(want: ClaimRequest, waiter: CheckedContinuation<ClaimAnswer, Never>)] = []
    private var dirty: [Int64: LaneLog] = [:]
    private var wake: CheckedContinuation<Void, Never>?
    private var isEnded = false
    private let notifier: NotifierActor
    private let onCommitted: (@Sendable ([CommittedChunk]) -> Void)?

    struct ClaimRequest {
        var wants: [ClaimWant]
        var adopting: [RunID]
    }

    private typealias ClaimAnswer = Result<[ClaimedRun], StoreError>

    /// Makes the writer of a node; it works while ``run()`` does.
    ///
    /// - Parameters:
    ///   - store: Where it writes.
    ///   - node: For whom.
    ///   - onCommitted: Called with what every commit added to the logs, as soon as the commit is
    ///     acknowledged and before anybody who waits for it hears so; a lane's chunks come in order.
    ///     The writer waits for it: it hands the chunks on and does nothing else.
    public init(
        store: Store,
        node: NodeEpoch,
        onCommitted: (@Sendable ([CommittedChunk]) -> Void)? = nil
    ) {
        self.store = store
        self.onCommitted = onCommitted
        self.node = node
        self.logger = store.logger
        self.notifier = NotifierActor(store: store)
    }

    /// Stores these writes together with all events that wait in `log`.
    ///
    /// - Throws: `stale` when the shard or the run belongs to somebody else by now: stop the work.
    public func submit(
        _ writes: [RunWrite],
        fence: RunFence,
        log: LaneLog
    ) async throws(StoreError) {
        if self.isEnded { throw StoreError(.cancelled, "the node is stopping") }
        if let failure = log.failure { throw failure }
        self.dirty[log.lane] = log
        let failure = await withCheckedContinuation { waiter in
            self.submissions.append(
                Submission(fence: fence, writes: writes, log: log, waiter: waiter)
            )
            self.wakeUp()
        }
        if let failure { throw failure }
        if let failure = log.failure { throw failure }
    }

    /// Has the events that wait in `log` stored with the next commit, without waiting for it.
    public func flush(_ log: LaneLog) {
        guard !self.isEnded, !log.isLost else { return }
        self.dirty[log.lane] = log
        self.wakeUp()
    }

    /// Takes queued runs, each lane's in its order.
    public func claim(_ wants: [ClaimWant]) async throws(StoreError) -> [ClaimedRun] {
        try await self.claim(ClaimRequest(wants: wants, adopting: []))
    }

    /// Takes over runs that an earlier owner had under way.
    public func adopt(
        _ runs: [RunID],
        lanes: [ClaimWant]
    ) async throws(StoreError) -> [ClaimedRun] {
        if runs.isEmpty { return [] }
        return try await self.claim(ClaimRequest(wants: lanes, adopting: runs))
    }

    private func claim(_ request: ClaimRequest) async throws(StoreError) -> [ClaimedRun] {
        if self.isEnded { throw StoreError(.cancelled, "the node is stopping") }
        let answer = await withCheckedContinuation { waiter in
            self.claims.append((request, waiter))
            self.wakeUp()
        }
        return try answer.get()
    }

    private func wakeUp() {
        self.wake?.resume()
        self.wake = nil
    }

    /// Works until cancelled.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.notifier.run() }
            group.addTask {
                await withTaskCancellationHandler {
                    await self.loop()
                } onCancel: {
                    // SAFETY: ends at once; it only wakes the loop, which sees the cancellation.
                    Task { await self.wakeUp() }
                }
            }
        }
    }

    private func loop() async {
        while !Task.isCancelled {
            if self.submissions.isEmpty, self.claims.isEmpty, self.dirty.isEmpty {
                await withCheckedContinuation { self.wake = $0 }
                continue
            }
            await self.commitNext()
        }
        self.isEnded = true
        let ending = StoreError(.cancelled, "the node is stopping")
        for submission in self.submissions { submission.waiter?.resume(returning: ending) }
        for claim in self.claims { claim.waiter.resume(returning: .failure(ending)) }
        self.submissions = []
        self.claims = []
    }

    private func commitNext() async {
        var submissions = Array(self.submissions.prefix(Self.submissionsMax))
        self.submissions.removeFirst(submissions.count)
        for index in submissions.indices {
            submissions[index].appendEvents()
            // A submission that waited for a batch of its own comes when its log was taken already.
            let log = submissions[index].log
            if !log.isLost { self.dirty[log.lane] = log }
        }
        let claims = self.claims
        self.claims = []
        var chunks: [(log: LaneLog, chunk: LaneLog.Chunk)] = []
        for log in self.dirty.values.sorted(by: { $0.lane < $1.lane }) {
            if let chunk = log.take() { chunks.append((log, chunk)) }
        }
        self.dirty = [:]
        if !submissions.isEmpty || !chunks.isEmpty {
            await self.commit(submissions, chunks)
        }
        await self.answerClaims(claims)
    }

    /// Claims of many lanes go in one statement, and so do adoptions.
    private func answerClaims(
        _ claims: [(want: ClaimRequest, waiter: CheckedContinuation<ClaimAnswer, Never>)]
    ) async {
        for isAdoption in [false, true] {
            var left = claims.filter { $0.want.adopting.isEmpty != isAdoption }
            while !left.isEmpty {
                // Who asks for a lane that another asks for too comes after it: a run has one taker.
                var lanes: Set<Int64> = []
                let together = left.prefix { claim in
                    let own = Set(claim.want.wants.map(\.lane))
                    defer { lanes.formUnion(own) }
                    return lanes.isDisjoint(with: own)
                }
                left.removeFirst(together.count)
                let wants = together.flatMap(\.want.wants)
                let adopting = together.flatMap(\.want.adopting)
                let answer = await self.perform(ClaimRequest(wants: wants, adopting: adopting))
                for claim in together {
                    let own = Set(claim.want.wants.map(\.lane))
                    claim.waiter.resume(
                        returning: answer.map { $0.filter { own.contains($0.fence.lane) } }
                    )
                }
            }
        }
    }

    private func commit(
        _ submissions: [Submission],
        _ chunks: [(log: LaneLog, chunk: LaneLog.Chunk)]
    ) async {
        do {
            let batch = WriteBatch(
                submissions: submissions,
                chunks: chunks,
                node: self.node
            )
            let began = ContinuousClock.now
            let answers = try await self.send(batch.requests)
            StoreMetrics.batch.record(duration: ContinuousClock.now - began)
            StoreMetrics.submissions.record(submissions.count)
            let accepted = try batch.accepted(answers)
            self.answer(submissions, chunks, accepted)
        } catch {
            guard error.code != .cancelled, submissions.count + chunks.count > 1 else {
                self.logger.error("batch refused", metadata: ["reason": "\(error.message)"])
                for submission in submissions { submission.waiter?.resume(returning: error) }
                for chunk in chunks { chunk.log.lose(error) }
                return
            }
            // One bad row must not take the others with it: each goes alone.
            for chunk in chunks { await self.commit([], [chunk]) }
            for submission in submissions { await self.commit([submission], []) }
        }
    }

    private func answer(
        _ submissions: [Submission],
        _ chunks: [(log: LaneLog, chunk: LaneLog.Chunk)],
        _ accepted: WriteBatch.Accepted
    ) {
        for chunk in chunks where !accepted.lanes.contains(chunk.log.lane) { chunk.log.lose() }
        let stored = chunks.filter { accepted.lanes.contains($0.log.lane) }
        if let onCommitted = self.onCommitted, !stored.isEmpty {
            onCommitted(stored.map { CommittedChunk(lane: $0.log.lane, $0.chunk) })
        }
        for submission in submissions {
            let claim = WriteBatch.ClaimKey(submission.fence)
            let isAccepted = submission.writes.allSatisfy { write in
                switch write {
                case .journal(let record):
                    accepted.journal.contains(
                        WriteBatch.JournalKey(
                            claim: claim,
                            step: record.step,
                            attempt: Int64(record.attempt)
                        )
                    )
                case .transition: accepted.runs.contains(claim)
                case .artifact: accepted.artifacts.contains(claim)
                case .event: true
                }
            }
            if !isAccepted { StoreMetrics.stale.increment() }
            submission.waiter?.resume(
                returning: isAccepted
                    ? nil : StoreError(.stale, "the run was taken over by another claim")
            )
        }
        self.notifier.note(
            stored.map { (lane: $0.log.lane, end: $0.chunk.firstSequence + Int64($0.chunk.count)) }
        )
    }

    /// Sends a batch until the database has answered it.
    private func send(_ requests: [PostgresRequest]) async throws(StoreError) -> [PostgresRows] {
        var wait = Duration.milliseconds(50)
        while true {
            do {
                return try await self.store.transaction(requests)
            } catch {
                guard error.isTransient, !Task.isCancelled else { throw error }
                self.logger.warning(
                    "database unavailable, batch kept",
                    metadata: ["reason": "\(error.message)"]
                )
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(2))
            }
        }
    }

    private func perform(_ request: ClaimRequest) async -> ClaimAnswer {
        let wants = request.wants.sorted { $0.shard.shard < $1.shard.shard }
        let shards = Dictionary(wants.map { ($0.shard.shard, $0.shard.generation) }) { $1 }
            .sorted { $0.key < $1.key }
        do {
            let answers = try await self.store.transaction([
                PostgresRequest(
                    WriterSQL.fence,
                    [
                        .int8(self.node.number), .int4Array(shards.map(\.key)),
                        .int8Array(shards.map(\.value)),
                    ]
                ),
                PostgresRequest(
                    WriterSQL.claim,
                    [
                        .int8(self.node.number), .int4Array(wants.map(\.shard.shard)),
                        .int8Array(wants.map(\.shard.generation)), .int8Array(wants.map(\.lane)),
                        .int8Array(wants.map { Int64($0.room) }),
                        .int8Array(request.adopting.map(\.number)),
                    ]
                ),
            ])
            let lanes = Dictionary(wants.map { ($0.lane, $0.shard) }) { $1 }
            let runs = try answers[1].decode { row throws(StoreError) in
                try ClaimedRun(row, lanes)
            }
            return .success(
                runs.sorted { ($1.priority, $0.fence.run) < ($0.priority, $1.fence.run) }
            )
        } catch {
            return .failure(error)
        }
    }
}

extension ClaimedRun {
    init(_ row: StoreRow, _ lanes: [Int64: OwnedShard]) throws(StoreError) {
        let lane = try row.int64(1)
        guard let digest = Digest(bytes: try row.bytes(2)), let shard = lanes[lane] else {
            throw StoreError(.corrupt, "a claimed run cannot be read")
        }
        self.init(
            fence: RunFence(
                run: RunID(try row.int64(0)),
                lane: lane,
                shard: shard,
                claimNumber: try row.int64(6)
            ),
            planDigest: digest,
            inputs: try row.text(3),
            attempt: try row.int(4),
            retryCount: try row.int(5),
            depth: try row.int(7),
            priority: try row.int(8),
            cancelReason: try row.textIfPresent(10) == nil ? nil : row.textIfPresent(9),
            firstSequence: try row.int64IfPresent(11),
            ageMilliseconds: try row.int64(12),
            hasJournal: try row.bool(13),
            pause: RunPause(
                run: RunID(try row.int64(0)),
                lane: lane,
                by: try row.textIfPresent(14),
                number: try row.int64(15)
            )
        )
    }
}
