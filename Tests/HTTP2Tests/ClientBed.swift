// A client that runs while a test does.

import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix

@testable import HTTP2

/// Clients and event loops for tests.
enum ClientBed {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a client while `body` runs.
    static func with<Result: Sendable>(
        _ configuration: HTTP2ClientConfiguration,
        _ body: @escaping @Sendable (HTTP2Client) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = HTTP2Client(configuration, group: group, logger: Self.quiet)
        let result = await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await client.run() }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(client)) } catch { result = .failure(error) }
            tasks.cancelAll()
            return result
        }
        try await group.shutdownGracefully()
        return try result.get()
    }

    /// Runs our server and a client of it.
    static func withServer<Result: Sendable>(
        server: HTTPServerConfiguration = HTTPServerConfiguration(),
        configure: @escaping @Sendable (inout HTTP2ClientConfiguration) -> Void = { _ in },
        handler: @escaping @Sendable (any ServerExchange) async -> Void,
        _ body: @escaping @Sendable (HTTP2Client) async throws -> Result
    ) async throws {
        try await TestServer.with(configuration: server, handler: handler) { server in
            var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: server.port)
            configure(&configuration)
            _ = try await Self.with(configuration, body)
        }
    }
}

extension HTTPRequest {
    /// A request for a path.
    static func to(_ path: String, _ method: HTTPRequest.Method = .get) -> HTTPRequest {
        HTTPRequest(method: method, scheme: nil, authority: nil, path: path)
    }
}

extension RequestBytes {
    /// Everything to the end.
    func collect() async throws -> ByteBuffer {
        var all = ByteBuffer()
        for try await chunk in self { all.writeImmutableBuffer(chunk) }
        return all
    }

    /// Everything to the end, as text.
    func text() async throws -> String { String(buffer: try await self.collect()) }
}
