// Decides that relays go over the cluster's links: real sockets between nodes, cut, with owners that die.

import Cluster
import NIOCore
import NIOPosix
import PulserIR
import StateMachines
import Synchronization
import TestKit
import TestPeers
import Testing

@testable import Gateway

/// What a node knows of the others: one owner has all shards.
private final class OneOwner: Directory {
    private struct State {
        var owner: NodeEpoch?
        var addresses: [NodeEpoch: NodeAddress] = [:]
    }

    private let state = Mutex(State())

    var version: Int64 { 1 }
    var nodes: [NodeEpoch] { Array(self.state.withLock { $0.addresses.keys }) }
    func place(of shard: Int32) -> ShardPlace? {
        ShardPlace(owner: self.state.withLock { $0.owner }, generation: 1)
    }
    func address(of node: NodeEpoch) -> NodeAddress? { self.state.withLock { $0.addresses[node] } }
    func heard(of version: Int64) {}
    func greeted(by node: NodeEpoch, version: Int64) {}
    func refresh(shard: Int32) async {}

    func move(to owner: NodeEpoch?) { self.state.withLock { $0.owner = owner } }
    func set(_ node: NodeEpoch, port: Int) {
        let address = NodeAddress(host: "127.0.0.1", port: port)
        self.state.withLock { $0.addresses[node] = address }
    }
}

/// A node that others can call for as long as its task runs.
private struct Owner: Sendable {
    let node: NodeEpoch
    let port: Int
    let tails: EventTails
    let system: ClusterSystem
}

@Suite(.timeLimit(.minutes(Sanitized.minutes(2))))
struct RelayLinkTests {
    /// Runs a node until `body` has ended or told it to.
    private static func withOwner<Value: Sendable>(
        _ number: Int64,
        actors: [any ClusterActor.Type] = EventTails.actors,
        _ body:
            @Sendable @escaping (Owner, _ end: @Sendable @escaping () -> Void) async throws
            -> Value
    ) async throws -> Value {
        let tails = EventTails()
        let system = ClusterSystem(
            ClusterConfiguration(node: NodeEpoch(number), cluster: "test"),
            catalog: try await ActorCatalog(actors),
            directory: OneOwner(),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        let (ports, port) = AsyncStream<Int>.makeStream()
        let (endings, ending) = AsyncStream<Never>.makeStream()
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await withTaskGroup(of: Void.self) { life in
                    life.addTask { try? await system.run { port.yield($0.port ?? 0) } }
                    life.addTask { for await _ in endings {} }
                    await life.next()
                    life.cancelAll()
                }
                return nil
            }
            var first = ports.makeAsyncIterator()
            let number = await first.next() ?? 0
            tails.serve(on: system)
            let owner = Owner(
                node: system.me ?? NodeEpoch(0),
                port: number,
                tails: tails,
                system: system
            )
            defer {
                group.cancelAll()
                tails.serve(on: nil)
            }
            return try await body(owner) { ending.finish() }
        }
    }

    /// A hub on node 1 beside an owner that is node 2.
    private static func with(
        _ body:
            @Sendable @escaping (HubBed, OneOwner, Owner, CutProxy, @Sendable () -> Void)
            async throws -> Void
    ) async throws {
        try await Self.withOwner(1) { me, _ in
            try await Self.withOwner(2) { owner, end in
                let proxy = CutProxy(to: owner.port)
                guard let directory = me.system.directory as? OneOwner else { return }
                directory.set(owner.node, port: try await proxy.start())
                directory.move(to: owner.node)
                try await HubBed.with(MemoryLogs(lanes: [1, 2, 3])) { bed in
                    bed.hub.relay(over: me.system)
                    try await body(bed, directory, owner, proxy, end)
                }
                try await proxy.stop()
            }
        }
    }

    /// Commits at an owner, of which notices tell now and then.
    private static func commit(_ bed: HubBed, _ owner: Owner, isNoticed: Bool) {
        let lanes: [Int64] = [1, 2, 3, 2]
        let chunks = bed.logs.commit(lanes.map { ($0, HubBed.event()) })
        owner.tails.committed(chunks)
        if isNoticed { bed.hub.heard(HubBed.notice(chunks)) }
    }

    private static func untilRelayed(
        _ bed: HubBed,
        _ owner: Owner,
        _ stream: HubStream
    ) async throws {
        try await eventually("the lanes are followed there") {
            [1, 2, 3].allSatisfy { owner.tails.isFollowed($0) }
        }
        try await eventually("a relay brings events") {
            let pages = bed.pages
            Self.commit(bed, owner, isNoticed: false)
            _ = try await stream.events(bed.logs.total([1, 2, 3]))
            return bed.pages == pages
        }
    }

    @Test("events come over a link between nodes; one call at a time brings those of all lanes")
    func link() async throws {
        try await Self.with { bed, _, owner, _, _ in
            let stream = try await bed.open(StreamWish(scope: .session(1)))
            try await Self.untilRelayed(bed, owner, stream)
            let pages = bed.pages
            for _ in 0..<200 { Self.commit(bed, owner, isNoticed: false) }
            _ = try await stream.events(bed.logs.total([1, 2, 3]))
            expectWhole(stream.events)
            #expect(bed.pages == pages)
        }
    }

    @Test("a link that is cut and heals loses and repeats nothing")
    func cut() async throws {
        try await Self.with { bed, _, owner, proxy, _ in
            let stream = try await bed.open(StreamWish(scope: .session(1)))
            try await Self.untilRelayed(bed, owner, stream)
            for _ in 0..<3 {
                for _ in 0..<20 { Self.commit(bed, owner, isNoticed: true) }
                proxy.cut()
                for _ in 0..<20 { Self.commit(bed, owner, isNoticed: true) }
                _ = try await stream.events(bed.logs.total([1, 2, 3]))
                proxy.heal()
                try await Self.untilRelayed(bed, owner, stream)
            }
            // Answers that get lost on a link that seems to stand.
            proxy.mute()
            for _ in 0..<20 { Self.commit(bed, owner, isNoticed: true) }
            _ = try await stream.events(bed.logs.total([1, 2, 3]))
            proxy.heal()
            expectWhole(stream.events)
        }
    }

    @Test("an owner that dies loses nothing; whoever has its lanes next brings their events")
    func death() async throws {
        try await Self.with { bed, directory, owner, _, end in
            let stream = try await bed.open(StreamWish(scope: .session(1)))
            try await Self.untilRelayed(bed, owner, stream)
            Self.commit(bed, owner, isNoticed: true)
            end()
            Self.commit(bed, owner, isNoticed: true)
            _ = try await stream.events(bed.logs.total([1, 2, 3]))
            try await Self.withOwner(3) { next, _ in
                directory.set(next.node, port: next.port)
                directory.move(to: next.node)
                try await Self.untilRelayed(bed, next, stream)
            }
            expectWhole(stream.events)
        }
    }

    @Test(
        "a build without relays says so, and a node where nobody keeps anything that it has no actor"
    )
    func earlier() async throws {
        try await Self.withOwner(1) { me, _ in
            guard let directory = me.system.directory as? OneOwner,
                let peers = ClusterPeers(me.system)
            else { return }
            let change = RelayChange(tail: 1, isFirst: true, lanes: [1], gone: [])
            try await Self.withOwner(2, actors: []) { owner, _ in
                directory.set(owner.node, port: owner.port)
                let error = await #expect(throws: ClusterError.self) {
                    try await peers.follow(owner.node, change)
                }
                #expect(error?.code == .unimplemented)
            }
            try await Self.withOwner(3) { owner, _ in
                directory.set(owner.node, port: owner.port)
                let error = await #expect(throws: ClusterError.self) {
                    try await peers.pull(owner.node, tail: 1)
                }
                #expect(error?.code == .noActor)
            }
        }
    }
}
