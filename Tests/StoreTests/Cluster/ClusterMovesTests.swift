// Decides how shards come to nodes, go from one to another and are let go, against a real server.

import Postgres
import PulserIR
import Store
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterMovesTests {
    /// A coordinator, a node that runs shards 0 to 3, and another one.
    private struct Stage: Sendable {
        var term: CoordinatorTerm
        var owner: NodeEpoch
        var other: NodeEpoch
        var owned: [OwnedShard]
    }

    private func stage(_ bed: StoreBed) async throws -> Stage {
        let nodes = try await bed.nodes(3)
        let term = try #require(try await bed.store.elect(nodes[0]))
        let owned = (0..<4).map { OwnedShard(shard: Int32($0), generation: 1) }
        let owners = Dictionary(uniqueKeysWithValues: owned.map { ($0.shard, nodes[1]) })
        #expect(try await bed.store.assign(term, owners).count == 4)
        #expect(try await bed.store.start(nodes[1], owned).count == 4)
        return Stage(term: term, owner: nodes[1], other: nodes[2], owned: owned)
    }

    private func overdue(_ bed: StoreBed) async throws {
        try await bed.text("UPDATE shard SET state_since = state_since - interval '16 s'")
    }

    @Test("free shards are assigned at the next generation, owned ones are left alone")
    func assign() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            let given = try await bed.store.assign(
                stage.term,
                [3: stage.other, 4: stage.other, 5: stage.owner]
            )
            #expect(
                given == [
                    ShardView(shard: 4, owner: stage.other, generation: 1, state: .assigned),
                    ShardView(shard: 5, owner: stage.owner, generation: 1, state: .assigned),
                ]
            )
            let repeated = try await bed.store.assign(stage.term, [4: stage.other])
            #expect(repeated == [])
            #expect(try await bed.shard(4)?.generation == 1)
        }
    }

    @Test("nobody is given shards who does not take part or whose lease is over")
    func receivers() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            let joining = try await bed.store.join(newNode("joining"))
            let dead = try await bed.active("dead")
            try await bed.store.evict(dead)
            try await bed.pass(11, for: stage.other)
            for receiver in [joining, dead, stage.other, NodeEpoch(99)] {
                #expect(try await bed.store.assign(stage.term, [9: receiver]) == [])
                #expect(try await bed.store.mark(stage.term, [0: receiver]) == [])
            }
            _ = try await bed.store.renew(stage.other)
            try await bed.store.drain(stage.other)
            #expect(try await bed.store.assign(stage.term, [9: stage.other]) == [])
        }
    }

    @Test("an owner starts what is its own at that generation, and is told so again")
    func start() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            _ = try await bed.store.assign(stage.term, [9: stage.owner])
            let asked = [
                OwnedShard(shard: 9, generation: 1), OwnedShard(shard: 0, generation: 0),
                OwnedShard(shard: 10, generation: 0),
            ]
            let started = try await twice { try await bed.store.start(stage.owner, asked) }
            #expect(
                started == [
                    ShardView(shard: 9, owner: stage.owner, generation: 1, state: .running)
                ]
            )
            #expect(try await bed.store.start(stage.other, asked) == [])
        }
    }

    @Test(
        "a planned move goes through its states, one generation higher, and effects need not wait"
    )
    func handOver() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            let marked = try await bed.store.mark(stage.term, [0: stage.other, 1: stage.owner])
            #expect(
                marked == [
                    ShardView(
                        shard: 0,
                        owner: stage.owner,
                        generation: 1,
                        state: .handingOff,
                        target: stage.other
                    )
                ],
                "a shard is not handed to who has it"
            )
            #expect(try await bed.store.mark(stage.term, [0: stage.other]) == [])
            // Its owner serves it until it is handed over.
            #expect(try await bed.store.start(stage.owner, [stage.owned[0]]) == marked)
            let next = try await twice {
                try await bed.store.handOver(stage.owner, stage.owned[0], to: stage.other)
            }
            #expect(next == 2)
            let moved = ShardView(shard: 0, owner: stage.other, generation: 2, state: .assigned)
            #expect(try await bed.shard(0) == moved)
        }
    }

    @Test("a shard is handed over by its owner only, to its target only, and only while that lives")
    func handOverRefused() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            let shard = stage.owned[0]
            func handOver(
                _ node: NodeEpoch,
                _ shard: OwnedShard,
                to target: NodeEpoch
            ) async throws -> Int64? {
                try await bed.store.handOver(node, shard, to: target)
            }
            #expect(try await handOver(stage.owner, shard, to: stage.other) == nil, "not marked")
            _ = try await bed.store.mark(stage.term, [0: stage.other, 1: stage.other])
            #expect(try await handOver(stage.owner, shard, to: stage.term.node) == nil)
            #expect(try await handOver(stage.other, shard, to: stage.other) == nil)
            let old = OwnedShard(shard: 0, generation: 0)
            #expect(try await handOver(stage.owner, old, to: stage.other) == nil)
            try await bed.pass(11, for: stage.other)
            #expect(try await handOver(stage.owner, shard, to: stage.other) == nil)
            _ = try await bed.store.renew(stage.other)
            #expect(try await handOver(stage.owner, shard, to: stage.other) == 2)
            try await bed.store.evict(stage.other)
            #expect(try await handOver(stage.owner, stage.owned[1], to: stage.other) == nil)
            #expect(try await bed.shard(1)?.state == .running)
        }
    }

    @Test("an owner keeps what it was to hand over, and only while it is still to hand it over")
    func decline() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            _ = try await bed.store.mark(stage.term, [0: stage.other])
            #expect(try await bed.store.decline(stage.other, [stage.owned[0]]) == [])
            let kept = try await bed.store.decline(stage.owner, [stage.owned[0], stage.owned[1]])
            #expect(kept == [0], "the other one was not marked")
            let shard = try await bed.shard(0)
            #expect(
                shard == ShardView(shard: 0, owner: stage.owner, generation: 1, state: .running)
            )
            let next = try await bed.store.handOver(stage.owner, stage.owned[0], to: stage.other)
            #expect(next == nil)
            #expect(try await bed.store.decline(stage.owner, [stage.owned[0]]) == [])
        }
    }

    @Test("a node that drains hands over what it serves, to nodes that it chooses itself")
    func handOverDraining() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            _ = try await bed.store.mark(stage.term, [1: stage.other])
            try await bed.store.drain(stage.owner)
            let next = try await twice {
                try await bed.store.handOver(stage.owner, stage.owned[0], to: stage.other)
            }
            #expect(next == 2)
            let moved = ShardView(shard: 0, owner: stage.other, generation: 2, state: .assigned)
            #expect(try await bed.shard(0) == moved)
            // What is marked goes where it was to go.
            let elsewhere = try await bed.store.handOver(
                stage.owner,
                stage.owned[1],
                to: stage.term.node
            )
            #expect(elsewhere == nil)
        }
    }

    @Test("what was not handed over in time is forced; the owner learns it when it renews")
    func force() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            _ = try await bed.store.mark(stage.term, [0: stage.other, 1: stage.other])
            #expect(try await bed.store.force(stage.term, [0]) == [], "its time goes on")
            try await self.overdue(bed)
            let forced = try await bed.store.force(stage.term, [0, 2])
            let moved = try #require(forced.first)
            #expect(forced.count == 1, "nobody was asked to hand shard 2 over")
            #expect(moved.owner == stage.other && moved.generation == 2)
            #expect(moved.state == .assigned && moved.target == nil)
            #expect(moved.effectsIn > .seconds(5), "its owner may live and have effects")
            #expect(try await bed.store.renew(stage.owner)?.shardsTaken == 1)
            #expect(try await bed.store.renew(stage.other)?.shardsTaken == 0)
            // What it learned by its renewal ends its effects, so the wait does not grow with it.
            let waits = try #require(try await bed.shard(0)).effectsIn
            #expect(waits <= moved.effectsIn)
            #expect(try await bed.store.handOver(stage.owner, stage.owned[0], to: stage.other) == 2)
            #expect(try await bed.store.force(stage.term, [0]) == [])
        }
    }

    @Test("a shard forced to a node that takes none any more is free")
    func forceNowhere() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            _ = try await bed.store.mark(stage.term, [0: stage.other])
            try await bed.store.drain(stage.other)
            try await self.overdue(bed)
            let moved = try #require(try await bed.store.force(stage.term, [0]).first)
            #expect(moved.owner == nil && moved.state == .free && moved.generation == 2)
        }
    }

    @Test("only the owner at that generation lets a shard go, in whatever state it is")
    func release() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            _ = try await bed.store.mark(stage.term, [0: stage.other])
            #expect(try await bed.store.release(stage.other, stage.owned) == [])
            let old = stage.owned.map { OwnedShard(shard: $0.shard, generation: 0) }
            #expect(try await bed.store.release(stage.owner, old) == [])
            #expect(
                try await bed.store.release(stage.owner, Array(stage.owned.prefix(2))) == [0, 1]
            )
            #expect(try await bed.store.release(stage.owner, Array(stage.owned.prefix(2))) == [])
            #expect(
                try await bed.shard(0)
                    == ShardView(shard: 0, owner: nil, generation: 2, state: .free)
            )
        }
    }

    @Test("changes are told from a horizon on, also those whose commit came late")
    func changes() async throws {
        try await StoreBed.withPlayedTime { bed in
            let stage = try await self.stage(bed)
            let all = try await bed.store.shards(changedSince: nil)
            #expect(all.shards.map(\.shard) == Array(0..<1_024))
            // One began before the others and commits after they were read.
            let late = try await PostgresConnection.connect(bed.configuration, logger: logger)
            try await late.script(
                """
                BEGIN;
                UPDATE shard SET owner = NULL, generation = generation + 1, state = 'free'
                WHERE shard_id = 1
                """
            )
            try await bed.store.release(stage.owner, [stage.owned[2]])
            let first = try await bed.store.shards(changedSince: all.horizon)
            #expect(first.shards.map(\.shard).contains(2))
            #expect(first.shards.allSatisfy { $0.shard != 1 || $0.state == .running })
            try await late.script("COMMIT")
            await late.close()
            let second = try await bed.store.shards(changedSince: first.horizon)
            #expect(second.shards.first { $0.shard == 1 }?.state == .free)
            // Some are told again while transactions of that time go on, also of other databases.
            let horizon = Mutex(second.horizon)
            try await eventually("nothing is told any more") {
                let next = try await bed.store.shards(changedSince: horizon.withLock(\.self))
                horizon.withLock { $0 = next.horizon }
                return next.shards == []
            }
            // The database is younger than the reader remembers: it went back to a standby.
            let younger = try await bed.store.shards(changedSince: second.horizon + 1_000_000_000)
            #expect(younger.shards.count == 1_024)
        }
    }

    @Test("who listens hears which shards moved")
    func notices() async throws {
        try await StoreBed.withPlayedTime { bed in
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: logger
            )
            var heard = try await connection.listen(Channel.shards.rawValue).makeAsyncIterator()
            let stage = try await self.stage(bed)
            _ = try await bed.store.mark(stage.term, [0: stage.other])
            _ = try await bed.store.handOver(stage.owner, stage.owned[0], to: stage.other)
            // Whoever started or handed over says so itself.
            await bed.store.announce([1, 0])
            try await bed.store.release(stage.owner, Array(stage.owned.dropFirst(2)))
            var payloads: [String] = []
            for _ in 0..<4 { payloads.append(try #require(try await heard.next()).payload) }
            #expect(payloads == ["0,1,2,3", "0", "1,0", "2,3"])
            await connection.close()
        }
    }
}
