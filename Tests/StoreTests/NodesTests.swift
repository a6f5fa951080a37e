// Decides when nodes live, die and own shards, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct NodesTests {
    private func join(_ bed: StoreBed, _ address: String) async throws -> NodeEpoch {
        try await bed.store.join(name: "n", address: address, build: "test")
    }

    private func age(_ bed: StoreBed, _ node: NodeEpoch, _ column: String) async throws {
        try await bed.text(
            """
            UPDATE node SET \(column) = clock_timestamp() - interval '11 s'
            WHERE node_epoch = \(node.number)
            """
        )
    }

    @Test("a node that joins buries its predecessor at the address, and only that")
    func predecessor() async throws {
        try await StoreBed.withPlayedTime { bed in
            let old = try await self.join(bed, "a")
            let other = try await self.join(bed, "b")
            let owned = try await bed.store.takeShards(10, for: old)
            let new = try await self.join(bed, "a")
            #expect(new > old)
            #expect(try await bed.store.nodes().map(\.epoch) == [other, new])
            #expect(try await bed.store.renew(old) == nil)
            #expect(try await bed.store.takeShards(1, for: old).isEmpty)
            #expect(await code { try await bed.store.drain(old) } == .stale)
            let taken = try await bed.store.takeShards(10, for: new)
            #expect(taken.map(\.shard).sorted() == owned.map(\.shard).sorted())
            #expect(taken.allSatisfy { $0.generation == 3 })
        }
    }

    @Test("of nodes that join one address at once all but the last end dead or are refused")
    func joinTogether() async throws {
        try await StoreBed.withPlayedTime { bed in
            let refusals = await withTaskGroup(of: StoreError.Code?.self) { group in
                for _ in 0..<6 {
                    group.addTask { await code { _ = try await self.join(bed, "a") } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(refusals.allSatisfy { $0 == nil || $0 == .conflict || $0 == .stale })
            let nodes = try await bed.store.nodes()
            #expect(nodes.count == 1)
        }
    }

    @Test("a late renewal is a renewal and starts a new streak")
    func renew() async throws {
        try await StoreBed.withPlayedTime { bed in
            let node = try await self.join(bed, "a")
            try await self.age(bed, node, "streak_since")
            #expect(try await bed.store.renew(node) != nil)
            let streak = """
                SELECT count(*) FROM node
                WHERE streak_since < clock_timestamp() - interval '10 s'
                """
            #expect(try await bed.number(streak) == 1)
            try await self.age(bed, node, "lease_until")
            #expect(try await bed.store.takeShards(1, for: node).isEmpty)
            #expect(try await bed.store.renew(node) != nil)
            #expect(try await bed.number(streak) == 0)
            #expect(try await bed.store.takeShards(1, for: node).count == 1)
        }
    }

    @Test("only a node with a whole lease of renewals reaps, and only what is over")
    func reap() async throws {
        try await StoreBed.withPlayedTime { bed in
            let dead = try await self.join(bed, "dead")
            let live = try await self.join(bed, "live")
            let me = try await self.join(bed, "me")
            let lost = try await bed.store.takeShards(7, for: dead)
            _ = try await bed.store.takeShards(5, for: live)
            try await self.age(bed, dead, "lease_until")
            #expect(try await bed.store.reap(by: me) == [])
            try await self.age(bed, me, "streak_since")
            try await self.age(bed, me, "lease_until")
            #expect(try await bed.store.reap(by: me) == [])
            _ = try await bed.store.renew(me)
            #expect(try await bed.store.reap(by: me) == [])
            try await self.age(bed, me, "streak_since")
            #expect(try await bed.store.reap(by: me) == [dead])
            #expect(try await bed.store.reap(by: me) == [])
            #expect(try await bed.store.nodes().map(\.epoch) == [live, me])
            #expect(try await bed.store.renew(dead) == nil)
            let taken = try await bed.store.takeShards(1_024, for: me)
            #expect(taken.count == 1_019)
            #expect(Set(lost.map(\.shard)).isSubset(of: Set(taken.map(\.shard))))
        }
    }

    @Test("shards have one owner, whoever takes at once, and are released only as they were taken")
    func shards() async throws {
        try await StoreBed.withPlayedTime { bed in
            let a = try await self.join(bed, "a")
            let b = try await self.join(bed, "b")
            let taken = try await withThrowingTaskGroup(of: [OwnedShard].self) { group in
                for node in [a, b, a, b] {
                    group.addTask { try await bed.store.takeShards(256, for: node) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(taken.map(\.shard)).count == taken.count)
            #expect(try await bed.store.clusterLoad() == (2, 1_024 - taken.count))
            let owned = try #require(try await bed.store.nodes().first { $0.epoch == a }?.shards)
            var wrong = taken
            for index in wrong.indices { wrong[index].generation -= 1 }
            try await bed.store.release(a, wrong)
            try await bed.store.release(NodeEpoch(999), taken)
            #expect(try await bed.store.nodes().first { $0.epoch == a }?.shards == owned)
            try await bed.store.release(a, taken)
            #expect(try await bed.store.nodes().first { $0.epoch == a }?.shards == 0)
            try await bed.store.drain(b)
            #expect(try await bed.store.takeShards(1, for: b).isEmpty)
            try await bed.store.leave(b)
            #expect(try await bed.store.clusterLoad() == (1, 1_024))
        }
    }

    @Test("a node is not declared dead while it takes shards")
    func takeAndReap() async throws {
        try await StoreBed.withPlayedTime { bed in
            let me = try await self.join(bed, "me")
            try await self.age(bed, me, "streak_since")
            for round in 0..<20 {
                let node = try await self.join(bed, "x\(round)")
                await withDiscardingTaskGroup { group in
                    group.addTask { _ = try? await bed.store.takeShards(20, for: node) }
                    group.addTask {
                        try? await self.age(bed, node, "lease_until")
                        _ = try? await bed.store.reap(by: me)
                    }
                }
                _ = try await bed.store.reap(by: me)
            }
            let orphans = """
                SELECT count(*) FROM shard s JOIN node n ON n.node_epoch = s.owner
                WHERE n.status = 'dead'
                """
            #expect(try await bed.number(orphans) == 0)
        }
    }

    @Test("a queued run that nobody could hear of is cancelled at once, another is asked for")
    func cancel() async throws {
        try await StoreBed.withPlayedTime { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let ids = try await bed.enqueue(2, lane: lane)
            #expect(try await bed.store.requestCancel(ids[0], reason: "why") == .cancelled)
            #expect(
                await code { _ = try await bed.store.requestCancel(ids[0], reason: "") }
                    == .conflict
            )
            try await Owner.with(bed) { owner in
                #expect(try await bed.store.requestCancel(ids[1], reason: "why") == .queued)
                let requests = try await bed.store.queuedRequests(of: owner.node, limit: 9)
                #expect(requests.map(\.fence.run) == [ids[1]] && requests.map(\.reason) == ["why"])
                #expect(try await owner.claimOne(lane).cancelReason == "why")
            }
        }
    }
}
