// Decides that actors which are made when they are called are made once, and get every call in order.

import PulserIR
import Synchronization
import TestPeers
import Testing

@testable import Cluster

@Suite(.timeLimit(.minutes(1)))
struct MakerTests {
    /// Keeps what was made.
    private final class Made: Sendable {
        private let counters = Mutex<[Counter]>([])

        var count: Int { self.counters.withLock(\.count) }

        func keep(_ counter: Counter) { self.counters.withLock { $0.append(counter) } }
    }

    @Test("a call makes the actor that is not there, once, and waits for it")
    func making() async throws {
        try await ClusterBed.with { nodes in
            let (a, b) = (nodes[0], nodes[1])
            for node in nodes {
                node.directory.set(7, ShardPlace(owner: b.epoch, generation: 1))
            }
            let made = Made()
            b.system.make(Counter.self) { key in
                // Others call meanwhile.
                await Task.yield()
                made.keep(
                    b.system.host(key, shard: 7) { Counter(gate: Gate(), actorSystem: $0) }
                )
            }
            let counter = try a.counter(1, shard: 7)
            let totals = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<60 { group.addTask { try await counter.add(1) } }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(totals == Set(1...60))
            #expect(made.count == 1)
        }
    }

    @Test("when nobody makes the actor its callers are told that there is none")
    func absent() async throws {
        try await ClusterBed.with { nodes in
            let (a, b) = (nodes[0], nodes[1])
            for node in nodes {
                node.directory.set(7, ShardPlace(owner: b.epoch, generation: 1))
            }
            let asked = Mutex(0)
            b.system.make(Counter.self) { _ in asked.withLock { $0 += 1 } }
            let counter = try a.counter(1, shard: 7)
            for _ in 0..<2 { #expect(await code { try await counter.add(1) } == .noActor) }
            #expect(asked.withLock { $0 } == 2)
        }
    }

    @Test("nothing is made for a shard that is somebody else's")
    func misplaced() async throws {
        try await ClusterBed.with { nodes in
            let (a, b) = (nodes[0], nodes[1])
            a.directory.set(7, ShardPlace(owner: b.epoch, generation: 1))
            b.directory.set(7, ShardPlace(owner: a.epoch, generation: 2))
            let made = Made()
            b.system.make(Counter.self) { key in
                made.keep(
                    b.system.host(key, shard: 7) { Counter(gate: Gate(), actorSystem: $0) }
                )
            }
            var options = CallOptions()
            options.timeout = .milliseconds(500)
            let counter = try a.counter(1, shard: 7)
            await withCallOptions(options) {
                #expect(await code { try await counter.add(1) } != nil)
            }
            #expect(made.count == 0)
        }
    }
}
