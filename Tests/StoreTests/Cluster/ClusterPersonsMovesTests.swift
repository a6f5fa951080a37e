// Decides what becomes of shards that a person moves, against a real server.

import Postgres
import PulserIR
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterPersonsMovesTests {
    /// Two nodes, of which the first runs shards 0 to 3; nobody coordinates.
    private func stage(_ bed: StoreBed) async throws -> (NodeEpoch, NodeEpoch, [OwnedShard]) {
        let nodes = try await bed.nodes(2)
        return (nodes[0], nodes[1], try await bed.store.takeShards(4, for: nodes[0]))
    }

    @Test("a person moves shards without a coordinator; who has them hands them over")
    func move() async throws {
        try await StoreBed.withPlayedTime { bed in
            let (owner, other, owned) = try await self.stage(bed)
            let moves = try await bed.store.move([0: other, 1: owner, 9: other])
            #expect(moves.map(\.standing.shard.shard) == [0, 1, 9])
            #expect(moves.map(\.outcome) == [.moves, .there, .passedOver])
            let marked = ShardView(
                shard: 0,
                owner: owner,
                generation: 1,
                state: .handingOff,
                target: other
            )
            #expect(moves[0].standing.shard == marked)
            #expect(try await bed.shard(0) == marked)
            #expect(try await bed.shard(9)?.state == .free)
            // Sent again it changes nothing; to somebody else it does not go before it is there.
            #expect(try await bed.store.move([0: other]).map(\.outcome) == [.underWay])
            let third = try await bed.active("third")
            #expect(try await bed.store.move([0: third]).map(\.outcome) == [.passedOver])
            #expect(try await bed.shard(0) == marked)
            #expect(try await bed.store.handOver(owner, owned[0], to: other) == 2)
            #expect(try await bed.store.move([0: other]).map(\.outcome) == [.there])
            #expect(try await bed.store.move([0: owner]).map(\.outcome) == [.passedOver])
            _ = try await bed.store.start(other, [OwnedShard(shard: 0, generation: 2)])
            #expect(try await bed.store.move([0: owner]).map(\.outcome) == [.moves])
        }
    }

    @Test("a move is taken back by moving the shard to who has it, as long as it has it")
    func keep() async throws {
        try await StoreBed.withPlayedTime { bed in
            let (owner, other, owned) = try await self.stage(bed)
            _ = try await bed.store.move([0: other, 1: other])
            let dry = try await bed.store.move([0: owner, 2: owner], isDry: true)
            #expect(dry.map(\.outcome) == [.kept, .there])
            #expect(try await bed.shard(0)?.state == .handingOff)
            let kept = try await bed.store.move([0: owner, 2: owner])
            #expect(kept.map(\.outcome) == [.kept, .there])
            let served = ShardView(shard: 0, owner: owner, generation: 1, state: .running)
            #expect(try await bed.shard(0) == served)
            #expect(try await bed.shard(1)?.state == .handingOff, "nobody spoke of it")
            // Who settles it meanwhile finds that it is to go nowhere.
            #expect(try await bed.store.handOver(owner, owned[0], to: other) == nil)
            #expect(try await bed.store.decline(owner, [owned[0]]) == [])
            #expect(try await bed.store.move([0: owner]).map(\.outcome) == [.there])
            // Too late once it was handed over.
            #expect(try await bed.store.handOver(owner, owned[1], to: other) == 2)
            #expect(try await bed.store.move([1: owner]).map(\.outcome) == [.passedOver])
        }
    }

    @Test("nothing goes to who does not take part or whose lease is over")
    func receivers() async throws {
        try await StoreBed.withPlayedTime { bed in
            let (owner, other, _) = try await self.stage(bed)
            let joining = try await bed.store.join(newNode("joining"))
            let draining = try await bed.active("draining")
            try await bed.store.drain(draining)
            try await bed.pass(11, for: other)
            for receiver in [joining, draining, other, NodeEpoch(99)] {
                #expect(try await bed.store.move([0: receiver]).map(\.outcome) == [.passedOver])
            }
            #expect(try await bed.shard(0)?.owner == owner)
            #expect(try await bed.shard(0)?.state == .running)
        }
    }

    @Test("a look says what would be, and changes nothing")
    func dry() async throws {
        try await StoreBed.withPlayedTime { bed in
            let (owner, other, _) = try await self.stage(bed)
            let before = try await bed.store.shards()
            let moves = try await bed.store.move([0: other, 1: owner, 9: other], isDry: true)
            #expect(moves.map(\.outcome) == [.moves, .there, .passedOver])
            #expect(try await bed.store.shards().map(\.shard) == before.map(\.shard))
        }
    }

    @Test("a node's status does not change while shards are marked for it")
    func order() async throws {
        try await StoreBed.with { bed in
            let (_, other, _) = try await self.stage(bed)
            // Somebody changes the membership, and has not committed.
            let slow = try await PostgresConnection.connect(bed.configuration, logger: logger)
            try await slow.script("BEGIN; SELECT FROM cluster FOR NO KEY UPDATE")
            try await withThrowingTaskGroup(of: [ShardMove].self) { group in
                group.addTask { try await bed.store.move([0: other]) }
                try await eventually("the move waits for the change") {
                    let waiting = """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'
                        """
                    return try await bed.number(waiting) == 1
                }
                try await slow.script(
                    "UPDATE node SET status = 'draining' WHERE node_epoch = \(other.number); COMMIT"
                )
                #expect(try await group.next()?.map(\.outcome) == [.passedOver])
            }
            await slow.close()
            #expect(try await bed.shard(0)?.state == .running)
        }
    }

    @Test("who listens hears which shards a person moved")
    func notices() async throws {
        try await StoreBed.withPlayedTime { bed in
            let (_, other, _) = try await self.stage(bed)
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: logger
            )
            var heard = try await connection.listen(Channel.shards.rawValue).makeAsyncIterator()
            _ = try await bed.store.move([0: other, 2: other, 9: other])
            #expect(try #require(try await heard.next()).payload == "0,2")
            await connection.close()
        }
    }
}
