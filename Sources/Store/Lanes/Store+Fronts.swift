// Reading the fronts of queues.

internal import Postgres

/// How far a lane has come in its queue.
public struct LaneReach: Sendable, Hashable {
    /// The lane.
    public var lane: Int64
    /// The rank and the number of the last run that was taken.
    public var rank: Int64
    /// See ``rank``.
    public var run: Int64

    /// A place in a lane's queue.
    public init(lane: Int64, rank: Int64, run: Int64) {
        self.lane = lane
        self.rank = rank
        self.run = run
    }
}

/// What lies before a place in a lane's queue.
public struct LaneFront: Sendable {
    /// The lane.
    public var lane: Int64
    /// The ranks and the numbers of the first and the last run that can be claimed; `nil` for none.
    public var runs: (first: LaneReach, last: LaneReach)?
    /// How many there are, as far as they were counted.
    public var count: Int
    /// How long the database read; `nil` for a lane that takes no runs now, or has limits.
    public var cost: Duration?
}

extension Store {
    /// Looks for runs without a key that can be claimed before what was taken.
    ///
    /// - Parameters:
    ///   - reaches: Up to where, of lanes that are different.
    ///   - limit: How many of each lane to count.
    /// - Returns: One front for each, and how long the database worked.
    /// - Throws: What the database throws.
    public func fronts(
        _ reaches: [LaneReach],
        limit: Int
    ) async throws(StoreError) -> (fronts: [LaneFront], time: Duration) {
        let rows = try await self.execute(
            FrontsSQL.fronts,
            [
                .int8Array(reaches.map(\.lane)), .int8Array(reaches.map(\.rank)),
                .int8Array(reaches.map(\.run)), .int8(Int64(limit)),
            ]
        )
        var before: Int64 = 0
        let fronts = try rows.decode { row throws(StoreError) in
            let lane = try row.int64(0)
            let known = try row.int64(7)
            defer { before = known }
            return LaneFront(
                lane: lane,
                runs: row.isNull(2)
                    ? nil
                    : (
                        LaneReach(lane: lane, rank: try row.int64(2), run: try row.int64(3)),
                        LaneReach(lane: lane, rank: try row.int64(4), run: try row.int64(5))
                    ),
                count: Int(try row.int64IfPresent(6) ?? 0),
                cost: try row.bool(1) ? .microseconds(max(0, known - before)) : nil
            )
        }
        return (fronts, .microseconds(max(0, before)))
    }
}
