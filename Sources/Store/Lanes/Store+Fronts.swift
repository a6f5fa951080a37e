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
    /// The rank and the number of the first run that can be claimed; `nil` for none.
    public var first: (rank: Int64, run: Int64)?
    /// How long the database read.
    public var cost: Duration
}

extension Store {
    /// Looks for runs without a key that can be claimed before what was taken.
    ///
    /// - Parameter reaches: Up to where, of lanes that are different.
    /// - Returns: One front for each.
    /// - Throws: What the database throws.
    public func fronts(_ reaches: [LaneReach]) async throws(StoreError) -> [LaneFront] {
        let rows = try await self.execute(
            FrontsSQL.fronts,
            [
                .int8Array(reaches.map(\.lane)), .int8Array(reaches.map(\.rank)),
                .int8Array(reaches.map(\.run)),
            ]
        )
        var before: Int64 = 0
        return try rows.decode { row throws(StoreError) in
            let (rank, run) = (try row.int64IfPresent(1), try row.int64IfPresent(2))
            let known = try row.int64(3)
            defer { before = known }
            return LaneFront(
                lane: try row.int64(0),
                first: rank.flatMap { rank in run.map { (rank, $0) } },
                cost: .microseconds(max(0, known - before))
            )
        }
    }
}
