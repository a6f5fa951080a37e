// Decides how a test gets a server of its own: in this process, on a port the system chose.

import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix

@testable import HTTP2Bed

/// A server of this process.
struct WireServer: Sendable {
    let port: Int
    let handler: BedHandler

    /// Paths of requests that should have been refused, but were dispatched.
    var forbidden: [String] {
        self.handler.seen.filter { $0.hasPrefix("/never") || !$0.hasPrefix("/") && $0 != "*" }
    }

    /// The port of another implementation to hold the rules against, from `OPSROOM_WIRE_PORT`.
    static let foreignPort = ProcessInfo.processInfo.environment["OPSROOM_WIRE_PORT"]
        .flatMap { Int($0) }
}

/// Runs a server for as long as `body` does.
func withWireServer<Outcome: Sendable>(
    _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
    _ body: @Sendable (WireServer) async throws -> Outcome
) async throws -> Outcome {
    var configuration = configuration
    configuration.drainTimeout = .zero
    let handler = BedHandler()
    let server = HTTPServer(
        configuration,
        group: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "wire") { _ in SwiftLogNoOpLogHandler() }
    ) { await handler.answer($0) }
    let (ports, listening) = AsyncStream<Int>.makeStream()
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { listening.finish() }
            try await server.run { listening.yield($0.port ?? 0) }
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await group.waitForAll()
            throw WireFailure("the server ended at once")
        }
        defer { group.cancelAll() }
        return try await body(WireServer(port: port, handler: handler))
    }
}
