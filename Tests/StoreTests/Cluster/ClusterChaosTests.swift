// Decides that the protocol's SQL keeps its rules whatever nodes do at the same time.

import Postgres
import PulserIR
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(4)))
struct ClusterChaosTests {
    private static let nodes = 7
    private static let steps = 250

    /// Has leases, votes, terms and hand-offs run out at random until it is cancelled.
    private func age(_ bed: StoreBed) async throws {
        var dice = SeededGenerator(seed: 99)
        while !Task.isCancelled {
            do {
                try await self.ageOne(bed, &dice)
            } catch let error as PostgresError where error.code == .cancelled { return }
        }
    }

    /// One row at a time, so that it waits for nobody while somebody waits for it.
    private func ageOne(_ bed: StoreBed, _ dice: inout SeededGenerator) async throws {
        let seconds = dice.pick([1, 4, 6, 11, 16])
        let row = Int.random(in: 0..<8, using: &dice)
        switch Int.random(in: 0..<10, using: &dice) {
        case 0:
            try await bed.text(
                """
                UPDATE node SET lease_until = lease_until - interval '\(seconds) s',
                    streak_since = streak_since - interval '12 s'
                WHERE address = 'n\(row)' AND status <> 'dead'
                """
            )
        case 1..<4:
            try await bed.text(
                """
                UPDATE suspicion SET first_at = first_at - interval '\(seconds) s'
                WHERE ctid = (SELECT ctid FROM suspicion OFFSET \(row) LIMIT 1)
                """
            )
        case 4..<9:
            let shard = Int.random(in: 0..<Int(ChaosLog.shards), using: &dice)
            try await bed.text(
                """
                UPDATE shard SET state_since = state_since - interval '16 s'
                WHERE shard_id = \(shard)
                """
            )
        default:
            try await bed.text(
                "UPDATE cluster SET coord_until = coord_until - interval '\(seconds) s'"
            )
        }
    }

    /// Runs `body` with a pool of its own.
    private func withPool(
        _ bed: StoreBed,
        _ body: @Sendable (PostgresPool) async throws -> Void
    ) async throws {
        var configuration = PostgresPoolConfiguration(connection: bed.configuration)
        configuration.connectionsMax = 2
        let pool = PostgresPool(configuration, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            defer { group.cancelAll() }
            try await body(pool)
        }
    }

    @Test("whatever nodes do at once, and whatever replies are lost, every rule holds")
    func chaos() async throws {
        try await StoreBed.with { bed in
            try await ChaosLog.begin(bed)
            try await withThrowingTaskGroup(of: Void.self) { ager in
                ager.addTask { try await self.age(bed) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<Self.nodes {
                        group.addTask {
                            try await self.withPool(bed) { pool in
                                let store = Store(pool: pool, logger: logger)
                                var node = ChaosNode(number, store: store, pool: pool)
                                try await node.run(steps: Self.steps)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                ager.cancelAll()
                try await ager.waitForAll()
            }
            for (rule, violations) in ChaosLog.rules {
                #expect(try await bed.number(violations) == 0, "\(rule)")
            }
            for (what, count, atLeast) in ChaosLog.coverage {
                #expect(try await bed.number(count) >= atLeast, "\(what)")
            }
            try await self.recovers(bed)
        }
    }

    /// When all others are gone, one node owns everything and writes.
    private func recovers(_ bed: StoreBed) async throws {
        let last = try await bed.active("last")
        for node in try await bed.store.view().nodes where node.epoch != last {
            try await bed.store.evict(node.epoch)
        }
        try await bed.text("UPDATE cluster SET coord_until = clock_timestamp() - interval '1 s'")
        let term = try #require(try await bed.store.elect(last))
        let owners = Dictionary(uniqueKeysWithValues: (0..<1_024).map { (Int32($0), last) })
        let owned = try await bed.store.assign(term, owners)
        #expect(owned.count == 1_024)
        let started = try await bed.store.start(
            last,
            owned.map { OwnedShard(shard: $0.shard, generation: $0.generation) }
        )
        #expect(started.count == 1_024 && started.allSatisfy { $0.state == .running })
        for (rule, violations) in ChaosLog.rules {
            #expect(try await bed.number(violations) == 0, "\(rule)")
        }
    }
}
