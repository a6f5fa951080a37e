// The server against curl, as people use it: both protocols, large bodies, streams.

import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTP2

@Suite("Server")
struct ServerTests {
    @Test("answers HTTP/2 with prior knowledge")
    func priorKnowledge() async throws {
        try await TestServer.with { exchange in
            exchange.respond(
                HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain"]),
                body: ByteBuffer(
                    string: "\(exchange.origin.version.rawValue) \(exchange.request.path ?? "")"
                )
            )
        } _: { server in
            let output = try await server.curl("--http2-prior-knowledge", path: "/hello?x=1")
            #expect(output == "HTTP/2 /hello?x=1")
        }
    }

    @Test("a handler that does not answer is answered for with 500")
    func missingAnswer() async throws {
        try await TestServer.with { _ in
        } _: { server in
            let output = try await server.curl(
                "--http2-prior-knowledge",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                path: "/"
            )
            #expect(output == "500")
        }
    }

    @Test("a large body arrives complete, whole and in pieces", arguments: ["whole", "written"])
    func largeBody(kind: String) async throws {
        let bytes = 5_000_000
        try await TestServer.with { exchange in
            if kind == "whole" {
                exchange.respond(
                    HTTPResponse(status: .ok),
                    body: ByteBuffer(repeating: 120, count: bytes)
                )
            } else {
                let body = exchange.respond(HTTPResponse(status: .ok))
                for _ in 0..<50 {
                    try? await body.write(ByteBuffer(repeating: 120, count: bytes / 50))
                }
                body.finish(nil)
            }
        } _: { server in
            let output = try await server.curl(
                "--http2-prior-knowledge",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code} %{size_download}",
                path: "/"
            )
            #expect(output == "200 \(bytes)")
        }
    }

    @Test("a large request body reaches the handler complete")
    func largeUpload() async throws {
        let bytes = 3_000_000
        try await TestServer.with { exchange in
            var count = 0
            do { for try await chunk in exchange.body { count += chunk.readableBytes } } catch {}
            exchange.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: "\(count)"))
        } _: { server in
            let file = FileManager.default.temporaryDirectory.appending(path: "upload-\(UUID())")
            try Data(repeating: 120, count: bytes).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            let output = try await server.curl(
                "--http2-prior-knowledge",
                "-X",
                "POST",
                "--data-binary",
                "@\(file.path)",
                path: "/"
            )
            #expect(output == "\(bytes)")
        }
    }
}

/// A server for one test, and curl to ask it.
struct TestServer: Sendable {
    let port: Int

    /// Runs a server while `body` runs.
    static func with(
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        handler: @escaping @Sendable (any ServerExchange) async -> Void,
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let server = HTTPServer(
            configuration,
            group: group,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            handler: handler
        )
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await server.run { port.yield($0.port ?? 0) }
                port.finish()
            }
            for await port in ports {
                try await body(TestServer(port: port))
                break
            }
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
        try await group.shutdownGracefully()
    }

    /// What curl prints.
    func curl(_ arguments: String..., path: String) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/curl")
        process.arguments =
            ["-sS", "--max-time", "20"] + arguments + ["http://127.0.0.1:\(self.port)\(path)"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { _ in
                let data = output.fileHandleForReading.readDataToEndOfFile()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}
