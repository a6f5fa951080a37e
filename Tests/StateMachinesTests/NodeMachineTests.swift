// Decides when a node trusts its lease, and how nodes come to equal shares.

import StateMachines
import TestKit
import Testing

@Suite
struct LeaseMachineTests {
    @Test("a lease is trusted from the start of its renewal until the margin before its end")
    func trust() {
        var lease = LeaseMachine(sentAt: .zero)
        #expect(lease.trustedUntil == .seconds(8))
        #expect(lease.handle(.tick, at: .milliseconds(7_999)) == nil)
        #expect(lease.handle(.tick, at: .seconds(8)) == .distrust)
        #expect(lease.handle(.tick, at: .seconds(9)) == nil)
        #expect(lease.handle(.renewed(sentAt: .seconds(9)), at: .seconds(10)) == .trust)
        #expect(lease.trustedUntil == .seconds(17))
    }

    @Test("an answer that took longer than the lease gives no trust")
    func lateAnswer() {
        var lease = LeaseMachine(sentAt: .zero)
        #expect(lease.handle(.renewed(sentAt: .seconds(2)), at: .seconds(11)) == .distrust)
        #expect(lease.handle(.tick, at: .seconds(12)) == nil)
    }

    @Test("answers out of order never shorten the trust")
    func order() {
        var lease = LeaseMachine(sentAt: .zero)
        _ = lease.handle(.renewed(sentAt: .seconds(5)), at: .seconds(6))
        _ = lease.handle(.renewed(sentAt: .seconds(3)), at: .seconds(7))
        #expect(lease.trustedUntil == .seconds(13))
    }

    @Test("dead is for ever")
    func dead() {
        var lease = LeaseMachine(sentAt: .zero)
        #expect(lease.handle(.refused, at: .seconds(1)) == .dead)
        #expect(lease.handle(.renewed(sentAt: .seconds(2)), at: .seconds(2)) == nil)
        #expect(lease.handle(.refused, at: .seconds(3)) == nil)
    }
}

@Suite
struct ShardShareMachineTests {
    private static let count = ShardShareMachine.shardCount

    @Test("a draining node takes nothing, gives away what is idle, and the rest when it is")
    func draining() {
        let view = ShardShareMachine.View(
            activeNodes: 2,
            freeShards: 900,
            idle: [7, 3],
            busy: [5],
            isDraining: true
        )
        let decision = ShardShareMachine.decide(view)
        #expect(decision.take == 0 && decision.release == [3, 7] && decision.drain == [5])
    }

    @Test("shares cover all shards with less than one node to spare")
    func share() {
        for nodes in 1...Self.count {
            let share = ShardShareMachine.share(activeNodes: nodes)
            #expect(share * nodes >= Self.count && (share - 1) * nodes < Self.count)
        }
        #expect(ShardShareMachine.share(activeNodes: 0) == Self.count)
    }

    @Test("idle shards leave at once, busy ones are drained for the rest, none below the share")
    func surplus() {
        let view = ShardShareMachine.View(
            activeNodes: 2,
            freeShards: 0,
            idle: Array(0..<100),
            busy: Array(100..<700)
        )
        let decision = ShardShareMachine.decide(view)
        #expect(decision.release.count == 100)
        #expect(decision.drain.count == 88)
        #expect(decision.take == 0)
    }

    @Test("nodes that come and go end with every shard owned and equal shares")
    func convergence() {
        for seed in UInt64(1)...150 {
            var cluster = Cluster(seed: seed)
            for _ in 0..<5 {
                cluster.change()
                for _ in 0..<12 { cluster.round() }
                let counts = cluster.nodes.values.map(\.count)
                #expect(counts.reduce(0, +) == Self.count, "seed \(seed): \(counts)")
                #expect(
                    (counts.max() ?? 0) - (counts.min() ?? 0) < max(2, counts.count),
                    "seed \(seed): \(counts)"
                )
            }
            #expect(cluster.isFair, "a node went below its share, seed \(seed)")
        }
    }

    /// Nodes that look one after the other, in random order, at what is true at that moment.
    private struct Cluster {
        var nodes: [Int: Set<Int>] = [:]
        var free = Set(0..<ShardShareMachine.shardCount)
        var busy: Set<Int> = []
        var next = 0
        var isFair = true
        var generator: SeededGenerator

        init(seed: UInt64) { self.generator = SeededGenerator(seed: seed) }

        mutating func change() {
            let mayLeave = self.nodes.count > 1
            if self.nodes.count < 5, !mayLeave || self.generator.chance(60) {
                self.nodes[self.next] = []
                self.next += 1
            } else if let gone = self.nodes.keys.sorted().randomElement(using: &self.generator) {
                self.free.formUnion(self.nodes.removeValue(forKey: gone) ?? [])
            }
            // Some shards have runs under way; those end by and by.
            self.busy = Set(
                (0..<ShardShareMachine.shardCount).filter { _ in self.generator.chance(30) }
            )
        }

        mutating func round() {
            self.busy = self.busy.filter { _ in self.generator.chance(40) }
            for id in self.nodes.keys.sorted().shuffled(using: &self.generator) {
                let owned = self.nodes[id] ?? []
                let decision = ShardShareMachine.decide(
                    ShardShareMachine.View(
                        activeNodes: self.nodes.count,
                        freeShards: self.free.count,
                        idle: owned.subtracting(self.busy).sorted(),
                        busy: owned.intersection(self.busy).sorted()
                    )
                )
                let share = ShardShareMachine.share(activeNodes: self.nodes.count)
                let leaving = decision.release.count + decision.drain.count
                if leaving > 0, owned.count - leaving < share { self.isFair = false }
                if owned.count + decision.take > share, decision.take > 0 { self.isFair = false }
                let taken = self.free.sorted().prefix(decision.take)
                self.free.subtract(taken)
                self.free.formUnion(decision.release)
                self.nodes[id] = owned.union(taken).subtracting(decision.release)
            }
        }
    }
}
