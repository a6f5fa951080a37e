// How the cluster's tests make nodes, and how they move the database's time instead of waiting.

import Logging
import Postgres
import PulserIR
import Store
import TestBed

extension StoreBed {
    /// Runs `body` on a database whose clock goes on by a microsecond whenever it is asked: what
    /// should be in time is in time, however busy the machine is.
    static func withPlayedTime(
        _ body: @Sendable (StoreBed) async throws -> Void
    ) async throws {
        let fresh = try await TestPostgres.shared.freshDatabase()
        let connection = try await PostgresConnection.connect(fresh, logger: logger)
        try await connection.script(
            """
            CREATE SCHEMA played;
            CREATE SEQUENCE played.microseconds;
            CREATE TABLE played.base AS SELECT now() AS at;
            CREATE FUNCTION played.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$
                SELECT at + nextval('played.microseconds') * interval '1 us' FROM played.base
            $$;
            CREATE FUNCTION played.now() RETURNS timestamptz LANGUAGE sql AS
                'SELECT played.clock_timestamp()'
            """
        )
        await connection.close()
        // Found before the system's own, because that is named last.
        let path = " options='-c search_path=public,played,pg_catalog'"
        try await Self.with(PostgresConfiguration(conninfo: fresh.conninfo + path), body)
    }

    /// A node that takes part.
    func active(
        _ address: String,
        protocols: ClosedRange<Int32> = 1...1
    ) async throws -> NodeEpoch {
        let node = try await self.store.join(newNode(address, protocols: protocols))
        try await self.store.activate(node)
        return node
    }

    /// As many nodes as `count`, at addresses of their own.
    func nodes(_ count: Int) async throws -> [NodeEpoch] {
        var nodes: [NodeEpoch] = []
        for number in 0..<count { nodes.append(try await self.active("n\(number)")) }
        return nodes
    }

    /// Lets `seconds` pass for one node: its last renewal and its streak lie further back.
    func pass(_ seconds: Double, for node: NodeEpoch) async throws {
        try await self.text(
            """
            UPDATE node SET lease_until = lease_until - interval '\(seconds) s',
                streak_since = streak_since - interval '\(seconds) s'
            WHERE node_epoch = \(node.number)
            """
        )
    }

    /// Has a node's renewals been unbroken for longer than a lease, and renews it.
    func settle(_ node: NodeEpoch) async throws {
        try await self.text(
            """
            UPDATE node SET streak_since = streak_since - interval '11 s'
            WHERE node_epoch = \(node.number)
            """
        )
        _ = try await self.store.renew(node)
    }

    /// The status in the table, of nodes that are dead too.
    func status(_ node: NodeEpoch) async throws -> String? {
        try await self.text("SELECT status FROM node WHERE node_epoch = \(node.number)")
    }

    /// One shard as it is.
    func shard(_ number: Int32) async throws -> ShardView? {
        try await self.store.shards(changedSince: nil).shards.first { $0.shard == number }
    }

    func version() async throws -> Int64 { try await self.store.view().version }
}

func newNode(
    _ address: String,
    protocols: ClosedRange<Int32> = 1...1,
    hasPredecessorEnded: Bool = false
) -> NewNode {
    NewNode(
        name: "n",
        address: address,
        endpoint: "127.0.0.1:1",
        zone: "z",
        build: "test",
        protocolMin: protocols.lowerBound,
        protocolMax: protocols.upperBound,
        hasPredecessorEnded: hasPredecessorEnded
    )
}

/// Makes two calls of which the first one's reply is taken for lost.
func twice<Value>(_ body: () async throws -> Value) async throws -> Value {
    _ = try await body()
    return try await body()
}
