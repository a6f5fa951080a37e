// Runs as clients use them: look up, list, ask to cancel, retry.

internal import Postgres
public import PulserIR

extension Store {
    /// A run.
    ///
    /// - Throws: `notFound`.
    public func run(_ id: RunID) async throws(StoreError) -> RunRow {
        let rows = try await self.execute(RunsSQL.get, [.int8(id.number)])
        guard rows.count == 1 else { throw StoreError(.notFound, "there is no run \(id)") }
        return try RunRow(rows.first(), self.seal)
    }

    /// The run that `text` names by all its letters or their beginning.
    ///
    /// - Throws: `notFound`, or `ambiguous` naming the candidates.
    public func resolveRun(_ text: String) async throws(StoreError) -> RunID {
        if let id = RunID(text) {
            return try await self.run(id).id
        }
        guard let range = RunID.prefixRange(text) else {
            throw StoreError(.notFound, "'\(text)' is not a run id")
        }
        let rows = try await self.execute(
            RunsSQL.resolvePrefix,
            [.int8(Int64(range.lowerBound)), .int8(Int64(range.upperBound))]
        )
        let ids = try rows.decode { row throws(StoreError) in RunID(try row.int64(0)) }
        guard let id = ids.first else {
            throw StoreError(.notFound, "no run starts with '\(text)'")
        }
        guard ids.count == 1 else {
            let names = ids.map(\.description).joined(separator: ", ")
            throw StoreError(.ambiguous, "'\(text)' names several runs: \(names)")
        }
        return id
    }

    /// The newest runs that fit.
    public func runs(_ filter: RunFilter) async throws(StoreError) -> [RunRow] {
        let rows = try await self.execute(
            RunsSQL.list,
            [
                .textArray(filter.statuses.map(\.rawValue)),
                filter.session.map { .text($0) } ?? .null,
                filter.lane.map { .text($0) } ?? .null,
                .int8(filter.before?.number ?? Int64.max),
                .int8(Int64(filter.limit)), filter.key.map { .text($0.storable) } ?? .null,
            ]
        )
        return try rows.decode { row throws(StoreError) in
            try RunRow(row, self.seal)
        }
    }

    /// How many runs have each status.
    public func runCounts() async throws(StoreError) -> [String: Int64] {
        let rows = try await self.execute(RunsSQL.countByStatus)
        let pairs = try rows.decode { row throws(StoreError) in
            (try row.text(0), try row.int64(1))
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    /// Asks for a run's end and tells its owner.
    ///
    /// - Returns: The status at once; live runs are `cancelled` when their owner has stopped them.
    /// - Throws: `conflict` when the run has ended.
    public func requestCancel(
        _ id: RunID,
        reason: String
    ) async throws(StoreError) -> RunStatus {
        let rows = try await self.execute(
            RunsSQL.requestCancel,
            [.int8(id.number), .text(reason.storable)]
        )
        guard rows.count == 1 else {
            let run = try await self.run(id)
            throw StoreError(.conflict, "run \(id) is \(run.status.rawValue) already")
        }
        await self.tell(.request(lane: try rows.first().int64(1), run: id.number))
        return RunStatus(rawValue: try rows.first().text(0)) ?? .queued
    }

    /// Queues an ended or waiting run again.
    ///
    /// - Parameters:
    ///   - run: As read just now: a change since then is a conflict.
    ///   - steps: Steps whose journal no longer counts.
    ///   - inputs: New inputs, canonical JSON; `nil` keeps the old ones.
    ///   - person: Who asks for it: with new inputs the run is theirs, and they do not approve it where
    ///     its starter may not.
    ///   - bulk: The action on many runs that is marked as done for this one in the same commit.
    ///   - key: Under which it happens once; it is kept with the steps.
    ///   - byHand: What a person did of it, which the journal keeps from then on; the step's earlier
    ///     attempts no longer count.
    /// - Throws: `conflict` when the run changed meanwhile or has not ended, the key was used, or
    ///   another run has its unique key by now.
    public func retry(
        _ run: RunRow,
        steps: [String],
        inputs: String?,
        by person: String? = nil,
        bulk: BulkClaim? = nil,
        key: RequestKey? = nil,
        byHand: StepRecord? = nil
    ) async throws(StoreError) {
        var marks = Self.marks(run, steps, bulk, key)
        let aside = steps + [byHand?.step].compactMap { $0 }
        let done = byHand.map { FoldedStep($0, doneInsteadOf: run, self.seal) }
        let starter: PostgresValue =
            inputs == nil ? .null : person.map { .text($0.storable) } ?? .null
        let inputs =
            inputs.map { PostgresValue.text(self.seal.sealed($0, .inputs(lane: run.lane))) }
            ?? .null
        let isQueued: Bool
        if let ended = run.finishedMilliseconds {
            let unfold = try await self.unfold(run, putting: aside, done)
            let again = PostgresRequest(
                RunsSQL.revive,
                [.int8(run.id.number), .int8(run.claimNumber), inputs, .int8(ended), starter]
            )
            if run.unique != nil {
                marks.append(PostgresRequest(UniqueSQL.again, [.int8(run.id.number)]))
            }
            isQueued =
                try await self.queueing(again: run, [again, unfold] + marks).first?.count == 1
        } else {
            let rows = try await self.transaction(
                [
                    PostgresRequest(
                        RunsSQL.supersede,
                        [.int8(run.id.number), .textArray(aside), .int8(run.claimNumber)]
                    ),
                    PostgresRequest(
                        RunsSQL.retry,
                        [.int8(run.id.number), .int8(run.claimNumber), inputs, starter]
                    ),
                ] + (done.map { [Self.unfold(run, [$0], isAside: [false])] } ?? []) + marks
            )
            isQueued = rows.count > 1 && rows[1].count == 1
        }
        guard isQueued else {
            throw StoreError(.conflict, "run \(run.id) changed meanwhile or has not ended")
        }
        await self.tell(.request(lane: run.lane, run: run.id.number))
        await self.tell(.work(lane: run.lane))
    }

    /// What is written with a retry, so that it happens once.
    private static func marks(
        _ run: RunRow,
        _ steps: [String],
        _ bulk: BulkClaim?,
        _ key: RequestKey?
    ) -> [PostgresRequest] {
        var marks: [PostgresRequest] = []
        if let bulk {
            marks.append(
                PostgresRequest(
                    BulkSQL.markRetried,
                    [.int8(bulk.id), .int8(run.id.number), .int8(run.claimNumber)]
                )
            )
        }
        if let key {
            marks.append(
                PostgresRequest(
                    RequestKeysSQL.retried,
                    RequestKey.values(key) + [
                        .int8(run.id.number), .int8(run.claimNumber),
                        .text(JSONValue.array(steps.map { .string($0) }).canonicalText),
                    ]
                )
            )
        }
        return marks
    }

    /// Gives an ended run its journal back, with the steps that run again put aside: those named,
    /// their items and all rollbacks.
    private func unfold(
        _ run: RunRow,
        putting steps: [String],
        _ done: FoldedStep?
    ) async throws(StoreError) -> PostgresRequest {
        let again = Set(steps)
        // It stays as it is for as long as the run has this claim.
        let rows = try FoldedStep.all(
            try await self.execute(JournalSQL.read, [.int8(run.id.number)])
        )
        let isAside = rows.map { row in
            let step = row.key.step
            return row.isSuperseded || again.contains(step) || step.contains("!")
                || again.contains(String(step.prefix { $0 != "[" }))
        }
        return Self.unfold(
            run,
            rows + [done].compactMap { $0 },
            isAside: isAside + (done == nil ? [] : [false])
        )
    }

    private static func unfold(
        _ run: RunRow,
        _ rows: [FoldedStep],
        isAside: [Bool]
    ) -> PostgresRequest {
        PostgresRequest(
            RunsSQL.unfold,
            [
                .int8(run.id.number), .int8(run.claimNumber), .textArray(rows.map(\.key.step)),
                .int8Array(rows.map(\.key.attempt)), .int8Array(rows.map(\.claim)),
                .textArray(rows.map(\.state)), .textArray(rows.map(\.record)),
                .boolArray(isAside), .int8Array(rows.map { $0.begun ?? 0 }),
                .int8Array(rows.map(\.ended)),
            ]
        )
    }

    /// Runs under way in these shards, with their lanes, oldest first.
    public func liveRuns(
        shards: [Int32]
    ) async throws(StoreError) -> [(run: RunID, lane: Int64)] {
        let rows = try await self.execute(RunsSQL.recover, [.int4Array(shards)])
        return try rows.decode { row throws(StoreError) in
            (run: RunID(try row.int64(0)), lane: try row.int64(1))
        }
    }

    /// Lanes of this node that have runs which can be claimed, with their settings.
    ///
    /// - Parameters:
    ///   - node: Whose shards.
    ///   - lanes: Lanes that are passed over, whatever they have.
    /// - Returns: The lanes.
    /// - Throws: What the database throws.
    public func readyLanes(
        of node: NodeEpoch,
        except lanes: [Int64] = []
    ) async throws(StoreError) -> [LaneSettings] {
        let rows = try await self.execute(
            RunsSQL.readyLanes,
            [.int8(node.number), .int8Array(lanes)]
        )
        return try rows.decode { row throws(StoreError) in
            LaneSettings(
                lane: try row.int64(0),
                width: try row.int(1),
                priority: try row.int(2),
                worker: LaneWorker(rawValue: try row.text(3)) ?? .room,
                limits: try row.text(4)
            )
        }
    }

    /// Whether there is anything to do, for whichever node.
    ///
    /// - Parameter atReady: Whether to look for runs that can be claimed, too.
    /// - Returns: What was seen.
    /// - Throws: What the database throws.
    public func glance(atReady: Bool) async throws(StoreError) -> Glance {
        let row = try await self.execute(atReady ? DueSQL.glance : DueSQL.glanceAtAsked).first()
        let (isEnding, isPausing) = (try row.bool(1), try row.bool(2))
        return Glance(
            isReady: try row.bool(0),
            isAsked: isEnding || isPausing,
            dueMilliseconds: try row.int64IfPresent(3)
        )
    }

    /// Puts runs that are due into the queues of this node's lanes, the earliest first.
    ///
    /// - Parameters:
    ///   - node: Whose shards.
    ///   - limit: How many at most.
    /// - Returns: Their lanes, one for each run.
    /// - Throws: What the database throws.
    public func passDue(
        of node: NodeEpoch,
        limit: Int
    ) async throws(StoreError) -> [Int64] {
        let rows = try await self.execute(DueSQL.pass, [.int8(node.number), .int8(Int64(limit))])
        return try rows.decode { row throws(StoreError) in try row.int64(0) }
    }

    /// The children of a run and their statuses, in the order of their ids.
    public func children(of run: RunID) async throws(StoreError) -> [(RunID, RunStatus)] {
        let rows = try await self.execute(RunsSQL.children, [.int8(run.number)])
        let children = try rows.decode { row throws(StoreError) in
            (RunID(try row.int64(0)), RunStatus(rawValue: try row.text(1)) ?? .queued)
        }
        return children.sorted { $0.0 < $1.0 }
    }
}

/// What a node sees at a glance.
public struct Glance: Sendable, Hashable {
    /// Somebody has runs that can be claimed; `false` where it was not asked.
    public var isReady: Bool
    /// Something is asked of somebody's runs: an end, a pause, to go on.
    public var isAsked: Bool
    /// When the next run for later is due; `nil` when there is none.
    public var dueMilliseconds: Int64?
}
