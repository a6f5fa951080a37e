// Nodes of one process that call each other over real sockets.

import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix
import PulserIR
import Synchronization

@testable import Cluster

/// What all nodes of a bed know, and may be told wrongly.
final class TestDirectory: Directory {
    private struct State {
        var version: Int64 = 1
        var places: [Int32: ShardPlace] = [:]
        var news: [Int32: ShardPlace] = [:]
        var addresses: [NodeEpoch: NodeAddress] = [:]
        var heard: Int64 = 0
        var greetings: [NodeEpoch: Int] = [:]
        var refreshes = 0
        var isSilent = false
    }

    private let state = Mutex(State())

    var version: Int64 { self.state.withLock { $0.version } }
    /// The newest version that a peer has told.
    var heardVersion: Int64 { self.state.withLock { $0.heard } }
    /// How often somebody has looked again.
    var refreshes: Int { self.state.withLock { $0.refreshes } }

    func place(of shard: Int32) -> ShardPlace? { self.state.withLock { $0.places[shard] } }

    func address(of node: NodeEpoch) -> NodeAddress? { self.state.withLock { $0.addresses[node] } }

    var nodes: [NodeEpoch] { self.state.withLock { Array($0.addresses.keys) } }

    func heard(of version: Int64) { self.state.withLock { $0.heard = max($0.heard, version) } }

    func greeted(by node: NodeEpoch, version: Int64) {
        self.state.withLock { $0.greetings[node, default: 0] += 1 }
    }

    /// How often a node has called.
    func greetings(of node: NodeEpoch) -> Int { self.state.withLock { $0.greetings[node] ?? 0 } }

    func refresh(shard: Int32) async {
        let isSilent = self.state.withLock { state in
            state.refreshes += 1
            if let place = state.news[shard] { state.places[shard] = place }
            return state.isSilent
        }
        guard isSilent else { return }
        let (never, answer) = AsyncStream<Never>.makeStream()
        for await _ in never {}
        withExtendedLifetime(answer) {}
    }

    /// From now on whoever looks again waits until he gives up.
    func fallSilent() { self.state.withLock { $0.isSilent = true } }

    func set(_ shard: Int32, _ place: ShardPlace) {
        self.state.withLock { $0.places[shard] = place }
    }

    /// What is seen only after looking again.
    func setNews(_ shard: Int32, _ place: ShardPlace) {
        self.state.withLock { $0.news[shard] = place }
    }

    func set(_ node: NodeEpoch, _ address: NodeAddress?) {
        self.state.withLock { $0.addresses[node] = address }
    }

    func raise(to version: Int64) { self.state.withLock { $0.version = version } }
}

/// A node of a bed.
struct TestNode: Sendable {
    let epoch: NodeEpoch
    let system: ClusterSystem
    let directory: TestDirectory
    let address: NodeAddress

    /// A reference to a counter of a node.
    func counter(_ key: Int64 = 1, of node: TestNode) throws -> Counter {
        try self.system.reference(to: Counter.self, .number(key), at: .node(node.epoch))
    }

    /// A reference to a counter of a shard.
    func counter(_ key: Int64 = 1, shard: Int32) throws -> Counter {
        try self.system.reference(to: Counter.self, .number(key), at: .shard(shard))
    }

    /// Makes a counter on this node.
    func host(_ key: Int64 = 1, shard: Int32? = nil, _ gate: Gate = Gate()) -> Counter {
        self.system.host(.number(key), shard: shard) { Counter(gate: gate, actorSystem: $0) }
    }
}

enum ClusterBed {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs nodes while `body` runs; each knows where the others listen, and has the catalog at its
    /// place, or the tests' own.
    static func with(
        nodes count: Int = 2,
        catalogs: [ActorCatalog] = [],
        configure: @Sendable (inout ClusterConfiguration) throws -> Void = { _ in },
        _ body: @Sendable ([TestNode]) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let result: Result<Void, any Error>
        do {
            result = .success(try await Self.run(count, catalogs, group, configure, body))
        } catch {
            result = .failure(error)
        }
        try await group.shutdownGracefully()
        try result.get()
    }

    private static func run(
        _ count: Int,
        _ catalogs: [ActorCatalog],
        _ group: any EventLoopGroup,
        _ configure: @Sendable (inout ClusterConfiguration) throws -> Void,
        _ body: @Sendable ([TestNode]) async throws -> Void
    ) async throws {
        let catalog = try await ActorCatalog([Counter.self, Stranger.self])
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            var nodes: [TestNode] = []
            for number in 1...count {
                let epoch = NodeEpoch(Int64(number))
                let directory = TestDirectory()
                var configuration = ClusterConfiguration(node: epoch, cluster: "test")
                try configure(&configuration)
                let system = ClusterSystem(
                    configuration,
                    catalog: catalogs.indices.contains(number - 1) ? catalogs[number - 1] : catalog,
                    directory: directory,
                    group: group,
                    logger: Self.quiet
                )
                let (ports, continuation) = AsyncStream<Int>.makeStream()
                tasks.addTask {
                    defer { continuation.finish() }
                    try await system.run { continuation.yield($0.port ?? 0) }
                }
                var iterator = ports.makeAsyncIterator()
                guard let port = await iterator.next() else {
                    try await tasks.next()
                    return
                }
                nodes.append(
                    TestNode(
                        epoch: epoch,
                        system: system,
                        directory: directory,
                        address: NodeAddress(host: "127.0.0.1", port: port)
                    )
                )
            }
            for node in nodes {
                for other in nodes { node.directory.set(other.epoch, other.address) }
            }
            let result: Result<Void, any Error>
            do { result = .success(try await body(nodes)) } catch { result = .failure(error) }
            tasks.cancelAll()
            while (try? await tasks.next()) != nil {}
            try result.get()
        }
    }
}

/// The code of the error that a call ends with; `nil` when it does not.
func code<Value>(_ call: () async throws -> Value) async -> ClusterError.Code? {
    do {
        _ = try await call()
        return nil
    } catch {
        return (error as? ClusterError)?.code
    }
}

extension ClusterSystem {
    /// Calls that wait for a named operation that another call began.
    var waitingOperations: Int { self.node?.operations.withLock { $0.waitersCount } ?? 0 }
}
