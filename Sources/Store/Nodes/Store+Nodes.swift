// Nodes and shards as the node's own actor uses them.

internal import Postgres
public import PulserIR

extension Store {
    /// Joins the cluster under `address` and takes part at once.
    ///
    /// The address is what is exclusive to this process, its data directory say: an older node at
    /// the same address must already have ended.
    ///
    /// - Parameters:
    ///   - name: Its name for people.
    ///   - address: What only this process has.
    ///   - build: What it was built from.
    /// - Returns: Its identity, with a first lease.
    /// - Throws: `stale` when another node joined at this address meanwhile.
    public func join(
        name: String,
        address: String,
        build: String
    ) async throws(StoreError) -> NodeEpoch {
        let node = NewNode(name: name, address: address, build: build, hasPredecessorEnded: true)
        let epoch = try await self.join(node)
        try await self.activate(epoch)
        return epoch
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
}
