// Decides how a member acts on what the machine says: shards, silence of the database, its own end.

import NIOPosix
import PulserIR
import StateMachines
import Store
import Synchronization
import TestKit
import TestPeers
import Testing

@testable import Cluster

/// Works shards by writing down what it is told; what is to settle is at rest at once.
final class WrittenHost: ShardHost {
    private struct State {
        var served: Set<OwnedShard> = []
        var ended: [OwnedShard] = []
        var trusted: [Bool] = []
    }

    private let state = Mutex(State())

    var served: Set<OwnedShard> { self.state.withLock(\.served) }
    var ended: [OwnedShard] { self.state.withLock(\.ended) }
    var trusted: [Bool] { self.state.withLock(\.trusted) }

    func perform(
        _ actions: [ShardOwnerMachine.Action],
        settled: @escaping @Sendable ([OwnedShard]) -> Void
    ) async {
        let resting = self.state.withLock { state in
            var resting: [OwnedShard] = []
            for action in actions {
                switch action {
                case .begin(let shard, _): state.served.insert(shard)
                case .settle(let shard): resting.append(shard)
                case .resume: break
                case .stop(let shard), .forward(let shard, _, _):
                    state.served.remove(shard)
                    state.ended.append(shard)
                }
            }
            return resting
        }
        if !resting.isEmpty { settled(resting) }
    }

    func trust(_ isTrusted: Bool) { self.state.withLock { $0.trusted.append(isTrusted) } }
}

/// Finds everybody alive, and writes down whom it told of what.
private final class WrittenProber: Prober {
    private let told = Mutex<[NodeEpoch: Set<OwnedShard>]>([:])

    func told(_ node: NodeEpoch) -> Set<OwnedShard> { self.told.withLock { $0[node] ?? [] } }

    func probe(_ node: NodeEpoch, via: NodeEpoch?) async -> PeerMachine.Answer? { .alive }

    func tell(_ node: NodeEpoch, owns shards: [OwnedShard]) async {
        self.told.withLock { $0[node, default: []].formUnion(shards) }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct MemberTests {
    private let directory = MemoryDirectory()
    private let host = WrittenHost()

    /// Runs a member beside `body`.
    ///
    /// - Returns: How the member ended; `body` must have it end.
    private func live(
        prober: (any Prober)? = nil,
        onAvailability: @escaping @Sendable (String?) -> Void = { _ in },
        _ body: @escaping @Sendable (MemberActor, NodeEpoch) async throws -> Void
    ) async throws -> MemberActor.Ending {
        let joinedAt = NodeClock.now
        let node = NewNode(name: "n", address: "a", build: "test")
        let epoch = try await self.directory.join(node)
        let member = MemberActor(
            epoch,
            joinedAt: joinedAt,
            directory: self.directory,
            logger: ClusterBed.quiet,
            onAvailability: onAvailability
        )
        return try await withThrowingTaskGroup(of: MemberActor.Ending?.self) { group in
            let (ready, isReady) = AsyncStream<Void>.makeStream()
            group.addTask { await member.run(prober: prober, host: self.host) { isReady.finish() } }
            group.addTask {
                for await _ in ready {}
                try await body(member, epoch)
                return nil
            }
            defer { group.cancelAll() }
            var ending: MemberActor.Ending?
            while let next = try await group.next() { ending = ending ?? next }
            return try #require(ending)
        }
    }

    @Test("a member alone serves every shard, and leaves none behind when it leaves")
    func alone() async throws {
        let (directory, host) = (self.directory, self.host)
        let ending = try await self.live { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            #expect(directory.statuses[epoch] == .active)
            #expect(directory.shards.allSatisfy { $0.state == .running && $0.owner == epoch })
            #expect(member.view.place(of: 3)?.owner == epoch)
            try await eventually("calls find it served") {
                member.view.place(of: 3)?.isHandingOff == false
            }
            member.leave()
        }
        #expect(ending == .left)
        #expect(host.ended.count == 8 && host.served.isEmpty)
        #expect(directory.shards.allSatisfy { $0.state == .free })
        #expect(directory.statuses.isEmpty)
        #expect(host.trusted == [false], "nothing has effects after the end")
    }

    @Test("what others did to its shards is seen by whoever asks again")
    func refresh() async throws {
        let host = self.host
        let directory = self.directory
        _ = try await self.live { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            let row = directory.shards[5]
            let other = NodeEpoch(99)
            let owned = OwnedShard(shard: 5, generation: row.generation)
            _ = try await directory.handOver(epoch, owned, to: other)
            await member.view.refresh(shard: 5)
            #expect(member.view.place(of: 5)?.owner == other)
            try await eventually("it is stopped here") { host.ended.contains(owned) }
            member.leave()
        }
    }

    @Test("whoever hands shards over tells their new owner so, with their new generations")
    func handOver() async throws {
        let (directory, host) = (self.directory, self.host)
        let prober = WrittenProber()
        _ = try await self.live(prober: prober) { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            let node = NewNode(name: "o", address: "o", endpoint: "127.0.0.1:1", build: "test")
            let other = try await directory.join(node)
            try await directory.activate(other)
            try await directory.drain(epoch)
            member.notified()
            try await eventually("the other one is told of every shard") {
                prober.told(other).map(\.shard).sorted() == Array(0..<8)
            }
            #expect(
                prober.told(other).allSatisfy { told in
                    let row = directory.shards[Int(told.shard)]
                    return row.owner == other && row.generation == told.generation
                }
            )
            member.leave()
        }
    }

    @Test("one that others declared dead ends, without effects")
    func dead() async throws {
        let host = self.host
        let directory = self.directory
        let ending = try await self.live { member, epoch in
            try await eventually("all shards are served") { host.served.count == 8 }
            directory.bury(epoch)
            member.notified()
        }
        #expect(ending == .dead)
        #expect(host.trusted.last == false)
    }

    @Test("a database that does not answer is told once, and once when it answers again")
    func outage() async throws {
        let host = self.host
        let directory = self.directory
        let told = Mutex<[String?]>([])
        _ = try await self.live(
            onAvailability: { reason in told.withLock { $0.append(reason) } },
            { member, _ in
                try await eventually("all shards are served") { host.served.count == 8 }
                directory.isSilent = true
                try await eventually("it is told") { told.withLock { $0.last ?? nil } != nil }
                let count = told.withLock(\.count)
                // More requests fail meanwhile.
                for _ in 0..<3 { await member.view.refresh(shard: 0) }
                #expect(told.withLock(\.count) == count)
                directory.isSilent = false
                try await eventually("it is back") { told.withLock { $0.last == .some(nil) } }
                member.leave()
            }
        )
        // On a busy machine an answer may take too long at other times, too.
        let outages = told.withLock { $0.map { $0 != nil } }
        #expect(outages == outages.indices.map { $0.isMultiple(of: 2) }, "each is told once")
        #expect(told.withLock { $0.first??.contains("no answer") } == true)
    }

    /// A member with its calls, for as long as the task lives.
    private static func belong(
        _ name: String,
        _ directory: MemoryDirectory,
        _ host: WrittenHost,
        _ port: Int
    ) async throws {
        let joinedAt = NodeClock.now
        let endpoint = "127.0.0.1:\(port)"
        let epoch = try await directory.join(
            NewNode(name: name, address: name, endpoint: endpoint, build: "test")
        )
        var timing = ClusterTiming()
        // A busy machine says nothing about the nodes here.
        timing.lagMax = .seconds(30)
        timing.probeTimeoutMin = timing.probeTimeoutMax
        let member = MemberActor(
            epoch,
            joinedAt: joinedAt,
            directory: directory,
            timing: timing,
            logger: ClusterBed.quiet,
            onAvailability: { _ in }
        )
        var configuration = ClusterConfiguration(node: epoch, cluster: "test")
        configuration.port = port
        let system = ClusterSystem(
            configuration,
            catalog: try await ActorCatalog([]),
            directory: member.view,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: ClusterBed.quiet
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (listening, isListening) = AsyncStream<Void>.makeStream()
            group.addTask { try await system.run { _ in isListening.finish() } }
            for await _ in listening {}
            group.addTask { _ = await member.run(prober: system, host: host) {} }
            try await group.next()
            group.cancelAll()
        }
    }

    @Test("a node whose process is gone is ended by the vote of who finds nobody at its address")
    func failover() async throws {
        let directory = self.directory
        let hosts = [self.host, WrittenHost()]
        let ports = try FreePorts.take(2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // SAFETY: cancelled and awaited below, or with the test's process.
            let first = Task {
                try await Self.belong("a", directory, hosts[0], ports[0])
            }
            group.addTask { try await Self.belong("b", directory, hosts[1], ports[1]) }
            try await eventually("both take part") {
                directory.statuses.count == 2
                    && directory.statuses.values.allSatisfy { $0 == .active }
            }
            try await eventually("every shard is served") {
                hosts[0].served.count + hosts[1].served.count == 8
            }
            first.cancel()
            _ = await first.result
            try await eventually("the other one serves every shard") {
                directory.statuses.count == 1 && hosts[1].served.count == 8
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }
}
