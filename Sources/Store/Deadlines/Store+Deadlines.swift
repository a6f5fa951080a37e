// Deadlines of runs: until when one must have begun or ended.

internal import Postgres
public import PulserIR

/// Until when a run must have begun or ended; `nil` means any time.
public struct RunDeadline: Sendable, Hashable {
    /// A run that has not begun so long after its enqueuing does not begin any more.
    public var startMilliseconds: Int64?
    /// The run has ended by then, in milliseconds since 1970.
    public var endsAt: Int64?
    /// The run has ended so long after it began first. Only without ``endsAt``.
    public var runMilliseconds: Int64?

    /// Describes what a run is given.
    public init(
        startMilliseconds: Int64? = nil,
        endsAt: Int64? = nil,
        runMilliseconds: Int64? = nil
    ) {
        self.startMilliseconds = startMilliseconds
        self.endsAt = endsAt
        self.runMilliseconds = runMilliseconds
    }
}

extension RunDeadline {
    /// What statements take that store it.
    var values: [PostgresValue] {
        [
            self.startMilliseconds, self.endsAt,
            self.endsAt == nil ? self.runMilliseconds : nil,
        ].map { $0.map { .int8($0) } ?? .null }
    }
}

/// A deadline as it stands.
public struct StandingDeadline: Sendable, Hashable {
    /// Whether it is about the run's beginning, not its end.
    public var isStart: Bool
    /// When it is, in milliseconds since 1970; `nil` as long as the run has not begun.
    public var milliseconds: Int64?
    /// How long after the run's beginning, where that was said.
    public var afterMilliseconds: Int64?
}

/// When somebody must look at deadlines again.
public struct NextDeadline: Sendable, Hashable {
    /// How long until the next one; `nil` for never.
    public var milliseconds: Int64?
    /// Whether some count from a beginning that was not seen yet.
    public var hasOpen: Bool
}

extension Store {
    /// How long an owner has to end a run that is late.
    public static let deadlineGrace: Duration = .seconds(30)

    /// The statement that stores a deadline with the run that was made just before it.
    static func set(_ deadline: RunDeadline) -> PostgresRequest {
        PostgresRequest(DeadlinesSQL.set, deadline.values)
    }

    /// The deadlines of a run that are to come.
    ///
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func deadlines(of run: RunID) async throws(StoreError) -> [StandingDeadline] {
        let rows = try await self.execute(DeadlinesSQL.get, [.int8(run.number)])
        return try rows.decode { row throws(StoreError) in
            StandingDeadline(
                isStart: try row.text(0) == "start",
                milliseconds: try row.int64IfPresent(1),
                afterMilliseconds: try row.int64IfPresent(2)
            )
        }
    }

    /// When somebody must look again.
    ///
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func nextDeadline() async throws(StoreError) -> NextDeadline {
        let row = try await self.execute(DeadlinesSQL.next).first()
        return NextDeadline(
            milliseconds: try row.int64IfPresent(0),
            hasOpen: try row.bool(1)
        )
    }

    /// Counts from the beginning of runs that have begun since somebody looked last.
    ///
    /// - Parameter limit: Runs at most.
    /// - Returns: Of how many.
    /// - Throws: `unavailable` when the database cannot answer in time.
    @discardableResult
    public func beginDeadlines(limit: Int) async throws(StoreError) -> Int {
        try await self.execute(DeadlinesSQL.begun, [.int8(Int64(limit))]).count
    }

    /// Has deadlines be over of runs that are gone, and that count from a beginning nobody saw.
    ///
    /// - Parameters:
    ///   - run: After which run's.
    ///   - limit: Deadlines that are looked at.
    /// - Returns: Up to which run these were, `nil` when that were the last; and how many are over.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func endLeftDeadlines(
        after run: RunID?,
        limit: Int
    ) async throws(StoreError) -> (last: RunID?, count: Int) {
        let row = try await self.execute(
            DeadlinesSQL.leftOver,
            [.int8(run?.number ?? 0), .int8(Int64(limit))]
        ).first()
        return (last: try row.int64IfPresent(0).map { RunID($0) }, count: try row.int(1))
    }

    /// Ends what is late, or has its owner do so.
    ///
    /// - Parameters:
    ///   - limit: Deadlines at most.
    ///   - grace: How long an owner that is told has.
    /// - Returns: How many runs ended at once, and of how many the owner was told.
    /// - Throws: `unavailable` when the database cannot answer in time.
    @discardableResult
    public func passDeadlines(
        limit: Int,
        grace: Duration = Self.deadlineGrace
    ) async throws(StoreError) -> (ended: Int, told: Int) {
        let rows = try await self.execute(
            DeadlinesSQL.pass,
            [.int8(Int64(limit)), .int8(Int64(grace / .milliseconds(1)))]
        )
        let late = try rows.decode { row throws(StoreError) in
            (run: try row.int64(0), lane: try row.int64(1), what: try row.text(2))
        }
        for run in late { await self.tell(.request(lane: run.lane, run: run.run)) }
        return (
            ended: late.count { $0.what == "ended" }, told: late.count { $0.what == "told" }
        )
    }
}
