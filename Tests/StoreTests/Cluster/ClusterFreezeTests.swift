// Decides what a transaction that takes its time does to the others, against a real server.

import Postgres
import PulserIR
import TestKit
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
struct ClusterFreezeTests {
    /// A process that begins a batch with its fence and then sends nothing more.
    private func freeze(
        _ bed: StoreBed,
        holding shard: OwnedShard,
        of node: NodeEpoch
    ) async throws -> PostgresConnection {
        let frozen = try await PostgresConnection.connect(bed.configuration, logger: logger)
        try await frozen.script(
            """
            BEGIN; SELECT FROM shard WHERE shard_id = \(shard.shard) AND owner = \(node.number)
            AND generation = \(shard.generation) FOR SHARE
            """
        )
        return frozen
    }

    @Test(
        "a node frozen in the middle of a batch is buried, its shards are free, its batch is void"
    )
    func buried() async throws {
        try await StoreBed.with { bed in
            let nodes = try await bed.nodes(2)
            let owned = try await bed.store.takeShards(3, for: nodes[1])
            let frozen = try await self.freeze(bed, holding: owned[0], of: nodes[1])
            try await bed.pass(11, for: nodes[1])
            try await bed.settle(nodes[0])
            #expect(try await bed.store.reap(by: nodes[0]) == [nodes[1]])
            #expect(try await bed.store.shards(of: nodes[1]).isEmpty)
            await #expect(throws: PostgresError.self) { try await frozen.script("COMMIT") }
            await frozen.close()
        }
    }

    @Test("a frozen coordinator holds up no change of membership")
    func coordinator() async throws {
        try await StoreBed.with { bed in
            let frozen = try await PostgresConnection.connect(bed.configuration, logger: logger)
            try await frozen.script("BEGIN; SELECT FROM cluster FOR SHARE")
            _ = try await bed.active("a")
            await #expect(throws: PostgresError.self) { try await frozen.script("COMMIT") }
            await frozen.close()
        }
    }

    @Test("votes that are not enough ask for no lock: they wait for nobody, and clear nobody away")
    func votes() async throws {
        try await StoreBed.with { bed in
            let nodes = try await bed.nodes(3)
            let dead = try await bed.active("dead")
            try await bed.store.evict(dead)
            _ = try #require(try await bed.store.elect(nodes[0]))
            try await bed.store.suspect(nodes[2], by: nodes[0], isHard: true)
            // Somebody has every row that a change of membership must have.
            let other = try await PostgresConnection.connect(bed.configuration, logger: logger)
            try await other.script(
                "BEGIN; SELECT FROM cluster FOR UPDATE; SELECT FROM node FOR UPDATE"
            )
            for isHard in [true, false] {
                for executor in nodes.prefix(2) {
                    #expect(
                        try await !bed.store.evict(nodes[2], by: executor, isHard: isHard),
                        "one vote of two"
                    )
                }
                #expect(try await bed.store.evict(dead, by: nodes[0], isHard: isHard))
                #expect(try await !bed.store.evict(NodeEpoch(99), by: nodes[0], isHard: isHard))
            }
            // Who waits for a lock ends a session that has it for so long.
            try await other.script("COMMIT")
            await other.close()
            try await bed.store.suspect(nodes[2], by: nodes[1], isHard: true)
            #expect(try await bed.store.evict(nodes[2], by: nodes[0], isHard: true))
        }
    }

    @Test("sessions that hold nothing of the cluster, or work, are left alone")
    func others() async throws {
        try await StoreBed.with { bed in
            let nodes = try await bed.nodes(2)
            let owned = try await bed.store.takeShards(2, for: nodes[1])
            let reader = try await PostgresConnection.connect(bed.configuration, logger: logger)
            try await reader.script("BEGIN; SELECT FROM shard; SELECT FROM run FOR UPDATE")
            let worker = try await PostgresConnection.connect(bed.configuration, logger: logger)
            let frozen = try await self.freeze(bed, holding: owned[0], of: nodes[1])
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Busy all the while with a transaction that has a row of another shard.
                group.addTask {
                    try await worker.script(
                        """
                        BEGIN; SELECT FROM shard WHERE shard_id = 1000 FOR SHARE;
                        DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity
                            WHERE pid = \(frozen.backendPID)) LOOP
                            PERFORM pg_stat_clear_snapshot(); END LOOP; END $$;
                        COMMIT
                        """
                    )
                }
                try await bed.store.evict(nodes[1])
                try await group.waitForAll()
            }
            try await reader.script("COMMIT")
            for connection in [reader, worker, frozen] { await connection.close() }
        }
    }

    @Test("a target does not die between the look at it and the commit that gives it a shard")
    func targetDies() async throws {
        try await StoreBed.with { bed in
            let nodes = try await bed.nodes(3)
            let (owner, other) = (nodes[1], nodes[2])
            let coordinator = try #require(try await bed.store.elect(nodes[0]))
            _ = try await bed.store.assign(coordinator, [0: owner])
            _ = try await bed.store.start(owner, [OwnedShard(shard: 0, generation: 1)])
            _ = try await bed.store.mark(coordinator, [0: other])
            // The transaction of a hand-over, before its commit.
            let slow = try await PostgresConnection.connect(bed.configuration, logger: logger)
            try await slow.script("BEGIN")
            let target = PostgresValue.int8(other.number)
            _ = try await slow.execute(MovesSQL.holdTarget, [target])
            _ = try await slow.execute(
                MovesSQL.handOver,
                [.int8(owner.number), .int4(0), .int8(1), target]
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await bed.store.evict(other) }
                try await eventually("the burial waits for a lock") {
                    let waiting = """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'
                        """
                    return try await bed.number(waiting) == 1
                }
                try await slow.script("COMMIT")
                try await group.waitForAll()
            }
            await slow.close()
            let freed = try #require(try await bed.shard(0))
            #expect(freed.owner == nil && freed.generation == 3)
        }
    }
}
