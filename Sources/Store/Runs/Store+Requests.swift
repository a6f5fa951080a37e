// Whose end somebody wants, as the owners of these runs read it.

internal import Postgres
public import PulserIR

/// What somebody asks of a run.
public struct RunRequest: Sendable, Hashable {
    /// The run with all that a write needs.
    public var fence: RunFence
    /// Why, for people.
    public var reason: String
    /// Whether it is late, not cancelled.
    public var isTimeout: Bool
}

/// How far somebody has read the requests of queued runs.
public struct RequestPlace: Sendable, Hashable {
    let shard: Int32
    let run: Int64

    /// Before all of them.
    public static let first = RequestPlace(shard: .min, run: .min)

    private init(shard: Int32, run: Int64) { (self.shard, self.run) = (shard, run) }

    /// Behind this one.
    public init(after request: RunRequest) {
        self.init(shard: request.fence.shard.shard, run: request.fence.run.number)
    }
}

extension Store {
    /// What is asked of runs under way that this node owns.
    ///
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func requests(of node: NodeEpoch) async throws(StoreError) -> [RunRequest] {
        try await self.requests(RequestsSQL.underWay, [.int8(node.number)])
    }

    /// Queued runs of this node's shards whose end somebody wants.
    ///
    /// - Parameters:
    ///   - node: Whose shards.
    ///   - place: After which.
    ///   - limit: At most so many.
    /// - Returns: The requests, shard by shard.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func queuedRequests(
        of node: NodeEpoch,
        after place: RequestPlace = .first,
        limit: Int
    ) async throws(StoreError) -> [RunRequest] {
        try await self.requests(
            RequestsSQL.queued,
            [
                .int8(node.number), .int8(Int64(place.shard)), .int8(place.run),
                .int8(Int64(limit)),
            ]
        )
    }

    private func requests(
        _ statement: PostgresStatement,
        _ values: [PostgresValue]
    ) async throws(StoreError) -> [RunRequest] {
        try await self.execute(statement, values).decode { row throws(StoreError) in
            RunRequest(
                fence: RunFence(
                    run: RunID(try row.int64(0)),
                    lane: try row.int64(1),
                    shard: OwnedShard(
                        shard: Int32(try row.int64(2)),
                        generation: try row.int64(3)
                    ),
                    claimNumber: try row.int64(4)
                ),
                reason: try row.text(5),
                isTimeout: try row.bool(6)
            )
        }
    }
}
