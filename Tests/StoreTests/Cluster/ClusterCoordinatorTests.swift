// Decides who coordinates, and that nobody else writes in that name, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterCoordinatorTests {
    private func expire(_ bed: StoreBed) async throws {
        try await bed.text("UPDATE cluster SET coord_until = clock_timestamp() - interval '1 s'")
    }

    @Test("of many who want the office one gets it, and the view rises once")
    func together() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(6)
            let version = try await bed.version()
            let terms = try await withThrowingTaskGroup(of: CoordinatorTerm?.self) { group in
                for node in nodes { group.addTask { try await bed.store.elect(node) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let won = terms.compactMap { $0 }
            #expect(won.count == 1 && won.first?.epoch == 1)
            let view = try await bed.store.view()
            #expect(view.coordinator == won.first && view.version == version + 1)
        }
    }

    @Test("an elected node that did not hear of it asks again and is told its term")
    func lostReply() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            let term = try await twice { try await bed.store.elect(nodes[0]) }
            #expect(term == CoordinatorTerm(node: nodes[0], epoch: 1))
            #expect(try await bed.store.elect(nodes[1]) == nil)
            #expect(try await bed.store.renew(nodes[1])?.coordinator == term)
        }
    }

    @Test("only who takes part and has a lease is elected or goes on")
    func eligible() async throws {
        try await StoreBed.withPlayedTime { bed in
            let joining = try await bed.store.join(newNode("joining"))
            #expect(try await bed.store.elect(joining) == nil)
            let node = try await bed.active("a")
            try await bed.pass(11, for: node)
            #expect(try await bed.store.elect(node) == nil)
            _ = try await bed.store.renew(node)
            let term = try #require(try await bed.store.elect(node))
            #expect(try await bed.store.prolong(term))
            try await bed.pass(11, for: node)
            #expect(try await !bed.store.prolong(term))
            _ = try await bed.store.renew(node)
            try await bed.store.drain(node)
            #expect(try await !bed.store.prolong(term))
            try await bed.store.resign(term)
            #expect(try await bed.store.elect(node) == nil)
            try await bed.store.leave(node)
            #expect(try await bed.store.elect(node) == nil)
        }
    }

    @Test("a term that was over stays over, and the next one has a higher epoch")
    func terms() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            let first = try #require(try await bed.store.elect(nodes[0]))
            #expect(try await twice { try await bed.store.prolong(first) })
            try await self.expire(bed)
            #expect(try await !bed.store.prolong(first))
            #expect(try await bed.store.view().coordinator == nil)
            let second = try #require(try await bed.store.elect(nodes[1]))
            #expect(second == CoordinatorTerm(node: nodes[1], epoch: 2))
            #expect(try await !bed.store.prolong(first))
            let version = try await bed.version()
            try await bed.store.resign(first)
            #expect(try await bed.store.view().coordinator == second, "not its office to give back")
            try await twice { try await bed.store.resign(second) }
            #expect(try await bed.version() == version + 1)
            #expect(try await bed.store.elect(nodes[0])?.epoch == 3)
        }
    }

    @Test(
        "who stands accused by enough is not elected and not prolonged, so that somebody can end it"
    )
    func accused() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            let term = try #require(try await bed.store.elect(nodes[0]))
            for voter in nodes.dropFirst() {
                #expect(try await bed.store.suspect(nodes[0], by: voter, isHard: false))
            }
            #expect(try await bed.store.prolong(term), "the grace goes on")
            try await bed.text("UPDATE suspicion SET first_at = first_at - interval '16 s'")
            #expect(try await !bed.store.prolong(term))
            try await self.expire(bed)
            #expect(try await bed.store.elect(nodes[0]) == nil)
            #expect(try await bed.store.elect(nodes[1]) != nil)
            #expect(try await bed.store.evict(nodes[0], by: nodes[1], isHard: false))
        }
    }

    @Test("of two nodes that do not hear each other the coordinator goes on")
    func accusedByOne() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            let term = try #require(try await bed.store.elect(nodes[0]))
            #expect(try await bed.store.suspect(nodes[0], by: nodes[1], isHard: false))
            try await bed.text("UPDATE suspicion SET first_at = first_at - interval '16 s'")
            #expect(try await bed.store.prolong(term))
        }
    }

    @Test("nothing is written in the name of a term that is over, of another or of nobody")
    func fence() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            let first = try #require(try await bed.store.elect(nodes[0]))
            #expect(try await bed.store.assign(first, [7: nodes[0]]).count == 1)
            let owned = OwnedShard(shard: 7, generation: 1)
            #expect(try await bed.store.start(nodes[0], [owned]).count == 1)
            try await self.expire(bed)
            let second = try #require(try await bed.store.elect(nodes[1]))
            for stale in [first, CoordinatorTerm(node: nodes[0], epoch: second.epoch)] {
                #expect(try await bed.store.assign(stale, [8: nodes[0]]) == [])
                #expect(try await bed.store.mark(stale, [7: nodes[1]]) == [])
            }
            #expect(try await bed.store.mark(second, [7: nodes[1]]).count == 1)
            try await bed.text("UPDATE shard SET state_since = state_since - interval '1 min'")
            #expect(try await bed.store.force(first, [7]) == [])
            try await self.expire(bed)
            #expect(try await bed.store.force(second, [7]) == [])
            let third = try #require(try await bed.store.elect(nodes[1]))
            #expect(try await bed.store.force(third, [7]).count == 1)
        }
    }
}
