// The actor that is called, and the nodes on both ends.

import Cluster
import Distributed
import Logging
import NIOCore
import NIOPosix
import PulserIR

/// What is sent there and back.
struct EchoMessage: Codable, Sendable {
    var number: Int
    var text: String
}

/// Gives back what it gets.
distributed actor EchoActor: ClusterActor {
    typealias ActorSystem = ClusterSystem

    static let kind = ActorKind("opsload.echo")
    static let methods: [ClusterMethod<EchoActor>] = [
        ClusterMethod("echo") { _ = try await $0.echo(EchoMessage(number: 0, text: "")) }
    ]

    distributed func echo(_ message: EchoMessage) -> EchoMessage { message }
}

/// What both nodes know: where the one that is called listens.
struct EchoDirectory: Directory {
    var address: NodeAddress?
    let version: Int64 = 1
    func place(of shard: Int32) -> ShardPlace? { nil }
    func address(of node: NodeEpoch) -> NodeAddress? { self.address }
    var nodes: [NodeEpoch] { [] }
    func heard(of version: Int64) {}
    func greeted(by node: NodeEpoch, version: Int64) {}
    func refresh(shard: Int32) async {}
}

/// Executes tasks on an event loop.
private final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// How both nodes are made.
enum EchoNode {
    static let caller = NodeEpoch(1)
    static let called = NodeEpoch(2)

    /// A node's system on one event loop.
    static func system(
        _ node: NodeEpoch,
        to address: NodeAddress?,
        group: any EventLoopGroup,
        isOnEventLoop: Bool
    ) async throws -> ClusterSystem {
        var configuration = ClusterConfiguration(node: node, cluster: "opsload")
        if isOnEventLoop { configuration.executor = EventLoopExecutor(group.next()) }
        return ClusterSystem(
            configuration,
            catalog: try await ActorCatalog([EchoActor.self]),
            directory: EchoDirectory(address: address),
            group: group,
            logger: Logger(label: "opsload") { _ in SwiftLogNoOpLogHandler() }
        )
    }
}
