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
    /// The unique key of each of the runs; `nil` when they need not be unique.
    public var uniqueKey: String?

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
    /// The runs that were made.
    public var runs: [RunID]
    /// Ticks for which none was made, because another run had the unique key.
    public var unmade: [UnmadeTick]
    /// What the owners of lanes are to hear.
    public var news: Set<LaneNews>
}

/// A tick for which no run was made.
public struct UnmadeTick: Sendable, Hashable {
    /// The schedule.
    public var schedule: Int64
    /// The run that has the unique key.
    public var run: RunID
    /// What was done: the run was joined, replaced, debounced, or nothing was.
    public var outcome: StartOutcome
}

/// What came of asking a schedule for runs.
public struct MadeTicks: Sendable, Hashable {
    /// The run of this moment, or the one that has its unique key; the first of several.
    public var run: RunID?
    /// What was done about the run of this moment.
    public var outcome: StartOutcome
    /// How many runs were made.
    public var count: Int
    /// For how many ticks none was made, because another run had the unique key.
    public var unmade: Int
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
    /// - Returns: What came of it. The owners of the lanes are told its news by the caller.
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
                .textArray(decisions.map { $0.uniqueKey?.storable }),
            ]
        )
        var fired = FiredTicks(moved: 0, runs: [], unmade: [], news: [])
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            fired.moved = try row.int(0)
            guard let run = try row.int64IfPresent(2).map({ RunID($0) }) else { continue }
            let outcome = StartOutcome(rawValue: try row.text(3)) ?? .held
            if outcome == .made {
                fired.runs.append(run)
            } else {
                let schedule = try row.int64(1)
                fired.unmade.append(UnmadeTick(schedule: schedule, run: run, outcome: outcome))
            }
            if outcome == .held || outcome == .joined { continue }
            fired.news.insert(Self.news(lane: try row.int64(4), delay: try row.int64(5)))
        }
        return fired
    }

    /// What the owner of a lane is to hear of a run that is made or changed.
    private static func news(lane: Int64, delay: Int64) -> LaneNews {
        delay > 0 ? .due(lane: lane, milliseconds: delay) : .work(lane: lane)
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
    /// - Returns: What was made; `nil` when something else was decided about the schedule since it was
    ///   read.
    /// - Throws: `conflict` when the key was used, or the session is no longer active.
    public func makeRuns(
        of row: ScheduleRow,
        plan: Digest,
        inputs: String,
        ticks: [Int64]?,
        by person: String,
        key: RequestKey?
    ) async throws(StoreError) -> MadeTicks? {
        let all = (try? JSONValue(parsing: inputs)) ?? .object([:])
        let unique = row.said.unique?.named(plan: plan, inputs: all)
        let rows = try await self.execute(
            TicksSQL.make,
            RequestKey.values(key) + [
                .int8(row.id), .int8(row.moveNumber), .bytes(plan.bytes),
                .text(self.seal.sealed(inputs, .inputs(lane: row.said.lane))),
                .int8Array(ticks ?? []), .bool(ticks == nil), .text(person.storable),
                unique.map { .text($0.key.storable) } ?? .null,
            ]
        )
        guard rows.count == 1 else { return nil }
        let made = try Self.made(rows)
        if ticks == nil, made.ticks.run == nil { throw Self.refusal }
        if let news = made.news { await self.tell(news) }
        return made.ticks
    }

    private static func made(
        _ rows: PostgresRows
    ) throws(StoreError) -> (ticks: MadeTicks, news: LaneNews?) {
        let row = try rows.first()
        let ticks = MadeTicks(
            run: try row.int64IfPresent(5).map { RunID($0) },
            outcome: try row.textIfPresent(6).flatMap { StartOutcome(rawValue: $0) } ?? .made,
            count: try row.int(2),
            unmade: try row.int(3)
        )
        guard try row.int(4) > 0 else { return (ticks, nil) }
        return (ticks, Self.news(lane: try row.int64(0), delay: try row.int64(1)))
    }

    /// Runs of a schedule that have not ended, at most a hundred.
    public func openRuns(ofSchedule id: Int64) async throws(StoreError) -> [RunID] {
        let rows = try await self.execute(SchedulesSQL.openRuns, [.int8(id), .int8(100)])
        return try rows.decode { row throws(StoreError) in RunID(try row.int64(0)) }
    }
}
