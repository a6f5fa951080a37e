// Shards that are elsewhere, on their way, or known wrongly: calls find them, or say why not.

import PulserIR
import TestKit
import Testing

@testable import Cluster

@Suite("Calls to shards", .timeLimit(.minutes(3)))
struct RedirectTests {
    private static let shard: Int32 = 12

    private func place(
        _ node: TestNode,
        _ generation: Int64,
        isHandingOff: Bool = false
    ) -> ShardPlace {
        ShardPlace(owner: node.epoch, generation: generation, isHandingOff: isHandingOff)
    }

    @Test("a caller that knows an old generation is told the new one")
    func stale() async throws {
        try await ClusterBed.with { nodes in
            let actor = nodes[1].host(1, shard: Self.shard)
            nodes[0].directory.set(Self.shard, self.place(nodes[1], 1))
            nodes[1].directory.set(Self.shard, self.place(nodes[1], 2))
            let caller = try nodes[0].counter(shard: Self.shard)
            #expect(try await caller.add(3) == 3)
            // Told by the owner: nobody was asked.
            #expect(nodes[0].directory.refreshes == 0)
            _ = actor
        }
    }

    @Test("a caller that knows an old owner is sent on by it, and its own node is no exception")
    func moved() async throws {
        try await ClusterBed.with(nodes: 3) { nodes in
            let actor = nodes[2].host(1, shard: Self.shard)
            nodes[0].directory.set(Self.shard, self.place(nodes[1], 1))
            for node in nodes[1...] { node.directory.set(Self.shard, self.place(nodes[2], 2)) }
            for caller in nodes { _ = try await caller.counter(shard: Self.shard).add(1) }
            #expect(try await actor.value() == 3)
        }
    }

    @Test("a call waits for a shard that moves, and is executed by the new owner alone")
    func moving() async throws {
        try await ClusterBed.with(nodes: 3) { nodes in
            let old = nodes[1].host(1, shard: Self.shard)
            let new = nodes[2].host(1, shard: Self.shard)
            let leaving = self.place(nodes[1], 1, isHandingOff: true)
            nodes[0].directory.set(Self.shard, self.place(nodes[1], 1))
            nodes[1].directory.set(Self.shard, leaving)
            nodes[2].directory.set(Self.shard, leaving)
            let caller = try nodes[0].counter(shard: Self.shard)
            // SAFETY: awaited below.
            let call = Task { try await caller.add(5) }
            try await eventually("the caller looks again") { nodes[0].directory.refreshes > 0 }
            for node in nodes { node.directory.setNews(Self.shard, self.place(nodes[2], 2)) }
            for node in nodes { node.directory.set(Self.shard, self.place(nodes[2], 2)) }
            #expect(try await call.value == 5)
            #expect(try await old.value() == 0)
            #expect(try await new.value() == 5)
        }
    }

    @Test("an owner that does not know its new generation yet looks first, and keeps the order")
    func newer() async throws {
        try await ClusterBed.with { nodes in
            let actor = nodes[1].host(1, shard: Self.shard)
            nodes[0].directory.set(Self.shard, self.place(nodes[1], 2))
            nodes[1].directory.set(Self.shard, self.place(nodes[0], 1))
            nodes[1].directory.setNews(Self.shard, self.place(nodes[1], 2))
            let caller = try nodes[0].counter(shard: Self.shard)
            await withTaskGroup(of: Void.self) { tasks in
                for number in 0..<30 {
                    tasks.addImmediateTask { _ = try? await caller.add(number) }
                }
            }
            #expect(try await actor.log() == Array(0..<30))
        }
    }

    @Test("a call that is sent around in circles ends with a sentence")
    func circle() async throws {
        try await ClusterBed.with(nodes: 3) { nodes in
            nodes[0].directory.set(Self.shard, self.place(nodes[1], 1))
            nodes[1].directory.set(Self.shard, self.place(nodes[2], 2))
            nodes[2].directory.set(Self.shard, self.place(nodes[1], 3))
            let caller = try nodes[0].counter(shard: Self.shard)
            var options = CallOptions()
            options.timeout = .seconds(1)
            let end = await withCallOptions(options) { await code { try await caller.add(1) } }
            // Between two attempts it knows that nothing was done, within one it does not.
            #expect(end == .misplaced || end == .timedOut)
        }
    }

    @Test("a shard that nobody owns is waited for until the deadline, and nothing was done")
    func free() async throws {
        try await ClusterBed.with { nodes in
            nodes[0].directory.set(Self.shard, ShardPlace(owner: nil, generation: 4))
            let caller = try nodes[0].counter(shard: Self.shard)
            var options = CallOptions()
            options.timeout = .milliseconds(200)
            let end = await withCallOptions(options) { await code { try await caller.add(1) } }
            #expect(end == .misplaced)
            #expect(nodes[0].directory.refreshes > 0)
        }
    }

    @Test("a call ends in time although nobody can tell any more where the shard is")
    func silent() async throws {
        try await ClusterBed.with { nodes in
            nodes[0].directory.set(Self.shard, ShardPlace(owner: nil, generation: 4))
            for node in nodes { node.directory.fallSilent() }
            var options = CallOptions()
            options.timeout = .milliseconds(200)
            let caller = try nodes[0].counter(shard: Self.shard)
            let free = await withCallOptions(options) { await code { try await caller.add(1) } }
            #expect(free == .misplaced || free == .timedOut)
            // Where the owner knows less than its caller, too.
            let actor = nodes[1].host(1, shard: Self.shard)
            nodes[0].directory.set(Self.shard, self.place(nodes[1], 6))
            nodes[1].directory.set(Self.shard, self.place(nodes[1], 5))
            let newer = await withCallOptions(options) { await code { try await caller.add(1) } }
            #expect(newer == .misplaced || newer == .timedOut)
            #expect(try await actor.value() == 0)
        }
    }

    @Test("a new owner that is told of its shards looks at once, unless it knows already")
    func handOver() async throws {
        try await ClusterBed.with { nodes in
            let (old, new) = (nodes[0], nodes[1])
            new.directory.set(Self.shard, self.place(old, 4))
            new.directory.setNews(Self.shard, self.place(new, 5))
            let moved = [OwnedShard(shard: Self.shard, generation: 5)]
            await old.system.tell(new.epoch, owns: moved)
            #expect(new.directory.place(of: Self.shard)?.owner == new.epoch)
            #expect(new.directory.refreshes == 1)
            await old.system.tell(new.epoch, owns: moved)
            #expect(new.directory.refreshes == 1)
        }
    }
}
