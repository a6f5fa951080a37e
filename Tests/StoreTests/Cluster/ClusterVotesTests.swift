// Decides when nodes may end another node sooner than its lease does, against a real server.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ClusterVotesTests {
    /// Lets votes lie further back: how long they stand, and when they were last repeated.
    private func age(
        _ bed: StoreBed,
        first: Double = 0,
        last: Double = 0,
        of voter: NodeEpoch? = nil
    ) async throws {
        try await bed.text(
            """
            UPDATE suspicion SET first_at = first_at - interval '\(first) s',
                last_at = last_at - interval '\(last) s'
            \(voter.map { "WHERE voter = \($0.number)" } ?? "")
            """
        )
    }

    private func accuse(
        _ target: NodeEpoch,
        by voters: [NodeEpoch],
        isHard: Bool,
        _ bed: StoreBed
    ) async throws {
        for voter in voters {
            #expect(try await bed.store.suspect(target, by: voter, isHard: isHard))
        }
    }

    @Test(
        "refusals seen by as many as are needed end a node at once, one fewer does not",
        arguments: [(3, 2), (4, 2), (7, 2)]
    )
    func hard(_ size: Int, _ needed: Int) async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(size)
            let target = nodes[size - 1]
            let voters = Array(nodes.prefix(needed))
            try await self.accuse(target, by: Array(voters.dropLast()), isHard: true, bed)
            #expect(try await !bed.store.evict(target, by: nodes[0], isHard: true))
            try await self.accuse(target, by: voters, isHard: true, bed)
            let version = try await bed.version()
            #expect(
                try await twice { try await bed.store.evict(target, by: nodes[0], isHard: true) }
            )
            #expect(try await bed.version() == version + 1)
            #expect(try await bed.status(target) == "dead")
            #expect(try await bed.store.view().nodes.count == size - 1)
        }
    }

    @Test("one who drains counts itself: two others must agree on its end")
    func draining() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            try await bed.store.drain(nodes[2])
            try await bed.pass(5, for: nodes[2])
            try await bed.settle(nodes[0])
            try await self.accuse(nodes[2], by: [nodes[0]], isHard: true, bed)
            #expect(try await !bed.store.evict(nodes[2], by: nodes[0], isHard: true))
            try await self.accuse(nodes[2], by: [nodes[1]], isHard: true, bed)
            #expect(try await bed.store.evict(nodes[2], by: nodes[0], isHard: true))
        }
    }

    @Test("two nodes do not end each other while both renew, whatever they say")
    func two() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            for node in nodes { try await bed.settle(node) }
            _ = try #require(try await bed.store.elect(nodes[0]))
            for (voter, target) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
                for isHard in [true, false] {
                    try await self.accuse(target, by: [voter], isHard: isHard, bed)
                    try await self.age(bed, first: 20)
                    #expect(try await !bed.store.evict(target, by: voter, isHard: isHard))
                }
            }
            #expect(try await bed.store.view().nodes.count == 2)
        }
    }

    @Test("of two nodes one ends the other when that is also late renewing")
    func twoAndLate() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            try await self.accuse(nodes[1], by: [nodes[0]], isHard: true, bed)
            try await bed.pass(3.5, for: nodes[1])
            try await bed.settle(nodes[0])
            #expect(try await !bed.store.evict(nodes[1], by: nodes[0], isHard: true), "not late")
            try await bed.pass(1, for: nodes[1])
            #expect(try await bed.store.evict(nodes[1], by: nodes[0], isHard: true))
        }
    }

    @Test("after an outage everybody is late, and of two nodes the first one back ends nobody")
    func outage() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(2)
            for node in nodes {
                try await bed.settle(node)
                try await bed.pass(30, for: node)
            }
            #expect(try await bed.store.renew(nodes[0]) != nil)
            try await self.accuse(nodes[1], by: [nodes[0]], isHard: true, bed)
            #expect(try await !bed.store.evict(nodes[1], by: nodes[0], isHard: true))
            #expect(try await bed.store.renew(nodes[1]) != nil)
        }
    }

    @Test("a renewal is newer than the refusals before it, and they count no more")
    func renewed() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            try await self.accuse(nodes[2], by: [nodes[0], nodes[1]], isHard: true, bed)
            #expect(try await bed.store.renew(nodes[2]) != nil)
            #expect(try await !bed.store.evict(nodes[2], by: nodes[0], isHard: true))
            try await self.accuse(nodes[2], by: [nodes[0], nodes[1]], isHard: true, bed)
            #expect(try await bed.store.evict(nodes[2], by: nodes[0], isHard: true))
        }
    }

    @Test("a vote counts while it is fresh and until it is taken back")
    func fresh() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            let target = nodes[2]
            func isEnded() async throws -> Bool {
                try await bed.store.evict(target, by: nodes[0], isHard: true)
            }
            // So long ago was its last sign of life that every vote is newer.
            try await bed.pass(60, for: target)
            try await self.accuse(target, by: [nodes[0], nodes[1]], isHard: true, bed)
            try await self.age(bed, last: 31, of: nodes[1])
            #expect(try await !isEnded())
            try await self.accuse(target, by: [nodes[1]], isHard: true, bed)
            try await twice { try await bed.store.clear(target, by: nodes[1]) }
            #expect(try await !isEnded())
            // Silence is no refusal.
            try await self.accuse(target, by: [nodes[1]], isHard: false, bed)
            #expect(try await !isEnded())
            try await self.accuse(target, by: [nodes[1]], isHard: true, bed)
            try await self.age(bed, last: 29)
            #expect(try await isEnded())
        }
    }

    @Test("who does not take part, or may soon be dead itself, neither votes nor counts")
    func fit() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(4)
            let target = nodes[3]
            let joining = try await bed.store.join(newNode("joining"))
            #expect(try await !bed.store.suspect(target, by: joining, isHard: true))
            #expect(try await !bed.store.suspect(target, by: target, isHard: true))
            #expect(try await !bed.store.suspect(target, by: NodeEpoch(99), isHard: true))
            #expect(try await !bed.store.suspect(NodeEpoch(99), by: target, isHard: true))
            try await bed.store.leave(joining)
            #expect(try await !bed.store.suspect(joining, by: nodes[0], isHard: true))
            try await bed.pass(5, for: nodes[1])
            #expect(try await !bed.store.suspect(target, by: nodes[1], isHard: true))
            _ = try await bed.store.renew(nodes[1])
            // Voted in time, but by now its lease is half over, or it drains.
            try await self.accuse(target, by: [nodes[0], nodes[1]], isHard: true, bed)
            try await bed.pass(5, for: nodes[1])
            #expect(try await !bed.store.evict(target, by: nodes[0], isHard: true))
            _ = try await bed.store.renew(nodes[1])
            try await bed.store.drain(nodes[1])
            #expect(try await !bed.store.evict(target, by: nodes[0], isHard: true))
            try await bed.store.undrain(nodes[1])
            // The executor is held to the same.
            #expect(try await !bed.store.evict(target, by: target, isHard: true))
            try await bed.pass(5, for: nodes[2])
            #expect(try await !bed.store.evict(target, by: nodes[2], isHard: true))
            #expect(try await bed.store.evict(target, by: nodes[0], isHard: true))
            #expect(try await !bed.store.evict(NodeEpoch(99), by: nodes[0], isHard: true))
        }
    }

    @Test("silence ends a node only after the grace, and only by the coordinator")
    func soft() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            let target = nodes[2]
            let term = try #require(try await bed.store.elect(nodes[0]))
            func isEnded(by executor: NodeEpoch) async throws -> Bool {
                try await bed.store.evict(target, by: executor, isHard: false)
            }
            try await self.accuse(target, by: [nodes[0], nodes[1]], isHard: false, bed)
            try await self.age(bed, first: 14)
            #expect(try await !isEnded(by: nodes[0]), "the grace goes on")
            try await self.age(bed, first: 2, of: nodes[0])
            #expect(try await !isEnded(by: nodes[0]), "for one of two voters")
            try await self.age(bed, first: 2, of: nodes[1])
            #expect(try await !isEnded(by: nodes[1]), "not by another node")
            try await bed.store.resign(term)
            #expect(try await !isEnded(by: nodes[0]), "not without the office")
            _ = try await bed.store.elect(nodes[0])
            try await self.age(bed, last: 11, of: nodes[1])
            #expect(try await !isEnded(by: nodes[0]), "one of them has not said it again")
            try await self.age(bed, last: -11, of: nodes[1])
            // It renews all the time: the database does not vouch for what its peers cannot reach.
            _ = try await bed.store.renew(target)
            #expect(try await isEnded(by: nodes[0]))
        }
    }

    @Test("a vote stands without a pause only when it is repeated; after one it begins anew")
    func pause() async throws {
        try await StoreBed.withPlayedTime { bed in
            let nodes = try await bed.nodes(3)
            let stands = """
                SELECT floor(extract(epoch FROM clock_timestamp() - first_at)) FROM suspicion
                """
            try await self.accuse(nodes[2], by: [nodes[0]], isHard: false, bed)
            for _ in 0..<2 {
                try await self.age(bed, first: 9, last: 9)
                try await self.accuse(nodes[2], by: [nodes[0]], isHard: false, bed)
            }
            #expect(try await bed.number(stands) == 18)
            try await self.age(bed, first: 11, last: 11)
            try await self.accuse(nodes[2], by: [nodes[0]], isHard: false, bed)
            #expect(try await bed.number(stands) == 0)
        }
    }
}
