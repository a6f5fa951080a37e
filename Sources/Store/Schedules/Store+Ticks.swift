// Ticks: which schedules of a node are due, and how decisions about them become runs, each once.

internal import Postgres
public import PulserIR

/// What was decided about a schedule.
public struct TickDecision: Sendable, Hashable {
    /// The schedule.
    public var schedule: Int64
    /// What had been decided about it when it was read.
    public var moveNumber: Int64
    /// The last tick that is decided about, in seconds since 1970.
    public var cursor: Int64
    /// When the next one is due, in milliseconds since 1970; `nil` for never.
    public var nextMilliseconds: Int64?
    /// Ticks that get no run.
    public var dropped: Int
    /// Why the last of them.
    public var reason: TickDrop?
    /// The lane of its runs.
    public var lane: Int64
    /// The plan of the runs.
    public var plan: Digest
    /// All their inputs, canonical JSON.
    public var inputs: String
    /// Ticks that get a run, in seconds since 1970.
    public var ticks: [Int64]

    /// Describes a decision.
    public init(
        schedule: Int64,
        moveNumber: Int64,
        cursor: Int64,
        nextMilliseconds: Int64?,
        dropped: Int,
        reason: TickDrop?,
        lane: Int64,
        plan: Digest,
        inputs: String,
        ticks: [Int64]
    ) {
        self.schedule = schedule
        self.moveNumber = moveNumber
        self.cursor = cursor
        self.nextMilliseconds = nextMilliseconds
        self.dropped = dropped
        self.reason = reason
        self.lane = lane
        self.plan = plan
        self.inputs = inputs
        self.ticks = ticks
    }
}

/// What came of decisions.
public struct FiredTicks: Sendable, Hashable {
    /// How many of them counted; the others were made on what is not so any more.
    public var moved: Int
    /// The runs.
    public var runs: [RunID]
    /// Lanes that have new work.
    public var lanes: [Int64]
}

extension Store {
    /// Schedules whose lane is a node's and that somebody must look at now, the most urgent first.
    public func dueSchedules(
        of node: NodeEpoch,
        limit: Int
    ) async throws(StoreError) -> [ScheduleRow] {
        let rows = try await self.execute(TicksSQL.due, [.int8(node.number), .int8(Int64(limit))])
        return try rows.decode { row throws(StoreError) in
            try ScheduleRow(row, self.seal)
        }
    }

    /// How long until the first of a node's schedules is due, by the database's clock.
    ///
    /// - Returns: Negative when it is; `nil` when there is none.
    public func untilNextTick(of node: NodeEpoch) async throws(StoreError) -> Duration? {
        let rows = try await self.execute(TicksSQL.next, [.int8(node.number)])
        guard rows.count == 1 else { return nil }
        return .milliseconds(try rows.first().int64(0))
    }

    /// Makes runs of what was decided: ticks, their runs and where each schedule is from now on, in
    /// one statement. Whoever dies before it has decided nothing, whoever dies behind it all of it.
    ///
    /// - Parameter decisions: One for each schedule; one that is out of date counts for nothing.
    /// - Returns: What came of it. The owners of the lanes are told by the caller.
    /// - Throws: What the database throws; then nothing of it is decided.
    public func fire(_ decisions: [TickDecision]) async throws(StoreError) -> FiredTicks {
        let ticks = decisions.flatMap { decision in
            decision.ticks.map { (schedule: decision.schedule, second: $0) }
        }
        let rows = try await self.execute(
            TicksSQL.fire,
            [
                .int8Array(decisions.map(\.schedule)), .int8Array(decisions.map(\.moveNumber)),
                .int8Array(decisions.map(\.cursor)), .int8Array(decisions.map(\.nextMilliseconds)),
                .int8Array(decisions.map { Int64($0.dropped) }),
                .textArray(decisions.map { $0.reason?.rawValue }),
                .byteaArray(decisions.map(\.plan.bytes)),
                .textArray(decisions.map { self.seal.sealed($0.inputs, .inputs(lane: $0.lane)) }),
                .int8Array(ticks.map(\.schedule)), .int8Array(ticks.map(\.second)),
            ]
        )
        var fired = FiredTicks(moved: 0, runs: [], lanes: [])
        var lanes: Set<Int64> = []
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            fired.moved = try row.int(0)
            guard let run = try row.int64IfPresent(1) else { continue }
            fired.runs.append(RunID(run))
            lanes.insert(try row.int64(2))
        }
        fired.lanes = lanes.sorted()
        return fired
    }

    /// Makes a run of a schedule now, or of ticks that may have one already.
    ///
    /// - Parameters:
    ///   - row: The schedule as it was read.
    ///   - plan: The plan of the runs.
    ///   - inputs: All their inputs, canonical JSON.
    ///   - ticks: In seconds since 1970; `nil` for a run of this moment.
    ///   - person: Who asks.
    ///   - key: Under which it happens once.
    /// - Returns: The run of this moment and how many were made; `nil` when something else was decided
    ///   about the schedule since it was read.
    /// - Throws: `conflict` when the key was used, or the session is no longer active.
    public func makeRuns(
        of row: ScheduleRow,
        plan: Digest,
        inputs: String,
        ticks: [Int64]?,
        by person: String,
        key: RequestKey?
    ) async throws(StoreError) -> (run: RunID?, count: Int)? {
        let rows = try await self.execute(
            TicksSQL.make,
            RequestKey.values(key) + [
                .int8(row.id), .int8(row.moveNumber), .bytes(plan.bytes),
                .text(self.seal.sealed(inputs, .inputs(lane: row.said.lane))),
                .int8Array(ticks ?? []), .bool(ticks == nil), .text(person.storable),
            ]
        )
        guard rows.count == 1 else { return nil }
        let answer = try rows.first()
        let run = try answer.int64IfPresent(2).map { RunID($0) }
        if ticks == nil, run == nil { throw Self.refusal }
        if run != nil { await self.tell(.work(lane: try answer.int64(0))) }
        return (run, try answer.int(1))
    }

    /// Runs of a schedule that have not ended, at most a hundred.
    public func openRuns(ofSchedule id: Int64) async throws(StoreError) -> [RunID] {
        let rows = try await self.execute(SchedulesSQL.openRuns, [.int8(id), .int8(100)])
        return try rows.decode { row throws(StoreError) in RunID(try row.int64(0)) }
    }
}
