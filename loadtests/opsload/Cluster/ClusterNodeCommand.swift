// `opsload cluster-node`: the node that is called, a process of its own.

import ArgumentParser
import Cluster
import Glibc
import NIOCore
import NIOPosix

struct ClusterNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster-node",
        abstract: "Answer calls until standard input ends; the port is printed.",
        shouldDisplay: false
    )

    @Option var actors: Int
    @Flag var onEventLoop = false

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let system = try await EchoNode.system(
            EchoNode.called,
            to: nil,
            group: group,
            isOnEventLoop: self.onEventLoop
        )
        let hosted = (0..<self.actors).map { number in
            system.host(.number(Int64(number))) { EchoActor(actorSystem: $0) }
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await system.run { Self.tell($0.port ?? 0) } }
            tasks.addTask {
                try await NIOThreadPool.singleton.runIfActive {
                    var byte: UInt8 = 0
                    while read(0, &byte, 1) > 0 {}
                }
            }
            try await tasks.next()
            tasks.cancelAll()
        }
        withExtendedLifetime(hosted) {}
        try await group.shutdownGracefully()
    }

    private static func tell(_ port: Int) {
        let line = Array("\(port)\n".utf8)
        _ = write(1, line, line.count)
    }
}
