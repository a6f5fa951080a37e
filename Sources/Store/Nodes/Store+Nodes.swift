// Nodes and shards as the node's own actor uses them.

internal import Postgres
public import PulserIR

extension Store {
    /// Joins the cluster under `address`, burying an older incarnation there.
    ///
    /// The address is what is exclusive to this process, its data directory say: an older node at
    /// the same address must already have ended.
    public func join(
        name: String,
        address: String,
        build: String
    ) async throws(StoreError) -> NodeEpoch {
        let rows = try await self.transaction([
            PostgresRequest(NodesSQL.buryPredecessor, [.text(address)]),
            PostgresRequest(NodesSQL.join, [.text(name), .text(address), .text(build)]),
        ])
        guard let joined = rows.last, joined.count == 1 else {
            throw StoreError(.conflict, "another node joined at this address")
        }
        let epoch = NodeEpoch(try joined.first().int64(0))
        try await self.setStatus(epoch, "active")
        return epoch
    }

    /// Marks the node as draining: it keeps what it has and takes nothing more.
    public func drain(_ node: NodeEpoch) async throws(StoreError) {
        try await self.setStatus(node, "draining")
    }

    private func setStatus(_ node: NodeEpoch, _ status: String) async throws(StoreError) {
        let rows = try await self.execute(
            NodesSQL.activate,
            [.int8(node.number), .text(status)]
        )
        guard rows.count == 1 else { throw StoreError(.stale, "this node was declared dead") }
    }

    /// Renews the node's lease.
    ///
    /// - Returns: False when the node was declared dead.
    public func renew(_ node: NodeEpoch) async throws(StoreError) -> Bool {
        try await self.execute(NodesSQL.renew, [.int8(node.number)]).count == 1
    }

    /// Declares nodes dead whose lease is over and frees their shards.
    ///
    /// - Returns: How many nodes and shards.
    public func reap(by node: NodeEpoch) async throws(StoreError) -> (nodes: Int64, shards: Int64) {
        let rows = try await self.execute(NodesSQL.reap, [.int8(node.number)])
        return (try rows.first().int64(0), try rows.first().int64(1))
    }

    /// Ends the node and frees its shards at once.
    public func leave(_ node: NodeEpoch) async throws(StoreError) {
        _ = try await self.execute(NodesSQL.leave, [.int8(node.number)])
    }

    /// Nodes that are not dead.
    public func nodes() async throws(StoreError) -> [NodeRow] {
        let rows = try await self.execute(NodesSQL.list)
        return try rows.decode { row throws(StoreError) in try NodeRow(row) }
    }

    /// The application name of commands that use another process's server.
    public static let guestName = "opsroom guest"

    /// How many connections such commands have.
    public func guests() async throws(StoreError) -> Int {
        try await self.execute(NodesSQL.guests, [.text(Self.guestName)]).first().int(0)
    }

    /// How many nodes share the work, and how many shards nobody owns.
    public func clusterLoad() async throws(StoreError) -> (activeNodes: Int, freeShards: Int) {
        let rows = try await self.execute(NodesSQL.activeCount)
        return (try rows.first().int(0), try rows.first().int(1))
    }

    /// Takes up to `limit` free shards.
    public func takeShards(
        _ limit: Int,
        for node: NodeEpoch
    ) async throws(StoreError) -> [OwnedShard] {
        let rows = try await self.execute(
            ShardsSQL.take,
            [.int8(node.number), .int8(Int64(limit))]
        )
        return try rows.decode { row throws(StoreError) in
            OwnedShard(shard: try Int32(row.int64(0)), generation: try row.int64(1))
        }
    }

    /// Gives shards away.
    public func releaseShards(
        _ shards: [OwnedShard],
        of node: NodeEpoch
    ) async throws(StoreError) {
        _ = try await self.execute(
            ShardsSQL.release,
            [
                .int8(node.number),
                .int4Array(shards.map(\.shard)),
                .int8Array(shards.map(\.generation)),
            ]
        )
    }
}
