// `opsload floor-server`: bare servers in a process of their own, whose CPU time is only theirs.

import ArgumentParser
import Glibc
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix

/// The bare servers that are built in.
enum BareServer: String, ExpressibleByArgument, CaseIterable {
    /// This product's transport, and a handler that says ok.
    case ours
    /// swift-nio-http2, with a channel for every stream.
    case nio
}

struct FloorServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floor-server",
        abstract: "Serve until standard input ends; the port is printed.",
        shouldDisplay: false
    )

    @Argument var kind: BareServer

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            switch self.kind {
            case .ours: tasks.addTask { try await Self.serveOurs(group) }
            case .nio: tasks.addTask { try await NIOFloor.serve(group, Self.tell) }
            }
            tasks.addTask {
                try await NIOThreadPool.singleton.runIfActive {
                    var byte: UInt8 = 0
                    while read(0, &byte, 1) > 0 {}
                }
            }
            try await tasks.next()
            tasks.cancelAll()
        }
        try await group.shutdownGracefully()
    }

    private static func serveOurs(_ group: any EventLoopGroup) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.streamsMax = 2_048
        configuration.limits.requestsMax = .max
        configuration.drainTimeout = .seconds(1)
        let logger = Logger(label: "floor") { _ in SwiftLogNoOpLogHandler() }
        let server = HTTPServer(configuration, group: group, logger: logger) { exchange in
            let response = HTTPResponse(status: .ok)
            if exchange.request.path == "/hang" {
                exchange.respond(response) { _ in SilentBody() }
            } else {
                exchange.respond(response, body: ByteBuffer(string: "ok\n"))
            }
        }
        try await server.run { address in Self.tell(address.port ?? 0) }
    }

    private static func tell(_ port: Int) {
        let line = Array("\(port)\n".utf8)
        _ = write(1, line, line.count)
    }
}

/// A body that never has anything.
private final class SilentBody: PulledBody {
    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull { .wait }
    func closed(_ error: HTTP2Error?) {}
}
