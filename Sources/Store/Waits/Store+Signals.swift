// Signals: stored before anybody waits, each taken by one attempt of one step.

internal import Postgres
public import PulserIR

extension Store {
    /// Stores a signal and tells the run's owner.
    ///
    /// - Parameter signal: What is sent to which run.
    /// - Returns: The signal as it is stored, and whether an earlier request with the key stored it.
    /// - Throws: `notFound`; `conflict` when the run has ended, too many signals wait, or the key was
    ///   used for another signal.
    public func send(
        _ signal: NewSignal
    ) async throws(StoreError) -> (row: SignalRow, isReplay: Bool) {
        let run = PostgresValue.int8(signal.run.number)
        let name = signal.name.storable
        let rows = try await self.transaction([
            PostgresRequest(WaitsSQL.lock, [run]),
            PostgresRequest(
                SignalsSQL.send,
                [
                    run, .text(name),
                    .text(self.seal.sealed(signal.payload, .signal(run: signal.run, name: name))),
                    .text(signal.sender.storable), signal.key.map { .text($0.storable) } ?? .null,
                    .int8(Int64(Limits.signalsOpenMax)),
                ]
            ),
        ])
        guard rows.count == 2, rows[1].count == 1 else {
            guard rows[0].count == 0 else {
                throw StoreError(
                    .conflict,
                    "\(Limits.signalsOpenMax) signals of run \(signal.run) wait to be taken already"
                )
            }
            let status = try await self.run(signal.run).status
            throw StoreError(.conflict, "run \(signal.run) is \(status.rawValue) already")
        }
        let first = try rows[1].first()
        let row = try SignalRow(first, of: signal.run, self.seal)
        let isReplay = try first.bool(8)
        if isReplay, row.name != name || row.payload != signal.payload {
            throw Self.signalKeyInUse
        }
        // A run that has ended is told nothing.
        if rows[0].count == 1 {
            await self.tell(.request(lane: try rows[0].first().int64(1), run: signal.run.number))
        }
        return (row, isReplay)
    }

    /// Signals of a run in their order, taken or not.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - sequence: Only those after this one.
    ///   - limit: At most so many.
    /// - Returns: The signals.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func signals(
        _ run: RunID,
        after sequence: Int64 = 0,
        limit: Int
    ) async throws(StoreError) -> [SignalRow] {
        let rows = try await self.bounded(
            SignalsSQL.list,
            [.int8(run.number), .int8(sequence), .int8(Int64(limit))]
        )
        return try rows.decode { row throws(StoreError) in
            try SignalRow(row, of: run, self.seal)
        }
    }

    /// Takes the oldest signal of a name for an attempt whose intent is on record; one that this
    /// attempt took before is found again.
    ///
    /// - Parameters:
    ///   - name: The signal's name.
    ///   - step: The step that waits.
    ///   - attempt: Its attempt.
    ///   - timeout: How long after the attempt's beginning a signal still counts, in milliseconds.
    ///   - fence: The right to write about the run.
    /// - Returns: The signal, if there is one, and how long is left.
    /// - Throws: `stale` when the run or the attempt belongs to somebody else by now.
    public func takeSignal(
        _ name: String,
        for step: String,
        attempt: Int,
        within timeout: Int64?,
        fence: RunFence
    ) async throws(StoreError) -> SignalLook {
        let rows = try await self.transaction([
            PostgresRequest(WaitsSQL.hold, fence.values),
            PostgresRequest(
                SignalsSQL.take,
                fence.values + [
                    .text(step), .int4(Int32(clamping: attempt)), .text(name.storable),
                    timeout.map { .int8($0) } ?? .null,
                ]
            ),
        ])
        guard rows.count == 2, rows[1].count == 1 else { throw Self.lost }
        let row = try rows[1].first()
        return SignalLook(
            signal: row.isNull(1) ? nil : try SignalRow(row.from(1), of: fence.run, self.seal),
            leftMilliseconds: try row.int64IfPresent(0)
        )
    }

    /// What a key gives that was used for another signal of its run.
    public static let signalKeyInUse = StoreError(
        .conflict,
        "the key was used for another signal of this run"
    )

    static let lost = StoreError(.stale, "the run was taken over by another claim")
}

extension RunFence {
    /// What ``WaitsSQL/isHeld`` asks for.
    var values: [PostgresValue] {
        [
            .int8(self.run.number), .int8(self.claimNumber), .int4(self.shard.shard),
            .int8(self.shard.generation),
        ]
    }
}
