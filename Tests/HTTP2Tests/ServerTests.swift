// The server against curl, as people use it: both protocols, large bodies, streams.

import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTP2

/// How curl is told to speak a protocol.
enum CurlProtocol: String, CaseIterable, CustomTestStringConvertible {
    case http1 = "--http1.1"
    case http2 = "--http2-prior-knowledge"

    var testDescription: String { self == .http1 ? "HTTP/1.1" : "HTTP/2" }
}

@Suite("Server")
struct ServerTests {
    private static let statusOnly = ["-o", "/dev/null", "-w", "%{http_code}"]

    @Test("answers both protocols on one port", arguments: CurlProtocol.allCases)
    func bothProtocols(version: CurlProtocol) async throws {
        try await TestServer.with { exchange in
            let text = "\(exchange.origin.version.rawValue) \(exchange.request.path ?? "")"
            exchange.respond(
                HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain"]),
                body: ByteBuffer(string: text)
            )
        } _: { server in
            let output = try await server.curl([version.rawValue], path: "/hello?x=1")
            #expect(output == "\(version.testDescription) /hello?x=1")
        }
    }

    @Test(
        "a handler that does not answer is answered for with 500",
        arguments: CurlProtocol.allCases
    )
    func missingAnswer(version: CurlProtocol) async throws {
        try await TestServer.with { _ in
        } _: { server in
            let output = try await server.curl([version.rawValue] + Self.statusOnly, path: "/")
            #expect(output == "500")
        }
    }

    @Test(
        "a large body arrives complete, whole, written and pulled",
        arguments: CurlProtocol.allCases,
        ["whole", "written", "appended", "chunks"]
    )
    func largeBody(version: CurlProtocol, kind: String) async throws {
        let bytes = 5_000_000
        try await TestServer.with { exchange in
            switch kind {
            case "whole":
                exchange.respond(
                    HTTPResponse(status: .ok),
                    body: ByteBuffer(repeating: 120, count: bytes)
                )
            case "written":
                let body = exchange.respond(HTTPResponse(status: .ok))
                for _ in 0..<50 {
                    try? await body.write(ByteBuffer(repeating: 120, count: bytes / 50))
                }
                body.finish(nil)
            default:
                exchange.respond(HTTPResponse(status: .ok)) { _ in
                    PatternBody(bytes: bytes, inChunks: kind == "chunks")
                }
            }
        } _: { server in
            let output = try await server.curl(
                [version.rawValue, "-o", "/dev/null", "-w", "%{http_code} %{size_download}"],
                path: "/"
            )
            #expect(output == "200 \(bytes)")
        }
    }

    @Test("a large request body reaches the handler complete", arguments: CurlProtocol.allCases)
    func largeUpload(version: CurlProtocol) async throws {
        let bytes = 3_000_000
        try await TestServer.with { exchange in
            var count = 0
            do { for try await chunk in exchange.body { count += chunk.readableBytes } } catch {}
            exchange.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: "\(count)"))
        } _: { server in
            let file = FileManager.default.temporaryDirectory.appending(path: "upload-\(UUID())")
            try Data(repeating: 120, count: bytes).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            for encoding in ["x-length: known", "transfer-encoding: chunked"] {
                let arguments = ["-X", "POST", "-H", encoding, "--data-binary", "@\(file.path)"]
                let output = try await server.curl([version.rawValue] + arguments, path: "/")
                #expect(output == "\(bytes)")
            }
        }
    }

    @Test("HEAD is answered with the length and without the body", arguments: CurlProtocol.allCases)
    func head(version: CurlProtocol) async throws {
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: "12345"))
        } _: { server in
            let output = try await server.curl([version.rawValue, "-I"], path: "/")
            #expect(output.lowercased().contains("content-length: 5"))
        }
    }

    @Test("a connection of HTTP/1.1 is used again")
    func keepAlive() async throws {
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: "x"))
        } _: { server in
            let url = "http://127.0.0.1:\(server.port)/second"
            let output = try await server.curl(
                ["--http1.1", "-w", "%{num_connects}", url],
                path: "/first"
            )
            #expect(output == "x1x0")
        }
    }

    @Test("fields beyond the limit are answered with 431", arguments: CurlProtocol.allCases)
    func manyFields(version: CurlProtocol) async throws {
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok), body: nil)
        } _: { server in
            let field = "x-large: " + String(repeating: "a", count: 20_000)
            let output = try await server.curl(
                [version.rawValue, "-H", field] + Self.statusOnly,
                path: "/"
            )
            #expect(output == "431")
        }
    }

    @Test("a request line beyond the limit is answered with 414")
    func longRequestLine() async throws {
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok), body: nil)
        } _: { server in
            let output = try await server.curl(
                ["--http1.1"] + Self.statusOnly,
                path: "/" + String(repeating: "a", count: 9_000)
            )
            #expect(output == "414")
        }
    }

    @Test(
        "a drained server tells endless bodies, and ends when they have",
        arguments: CurlProtocol.allCases
    )
    func drain(version: CurlProtocol) async throws {
        let (asked, continuation) = AsyncStream.makeStream(of: Void.self)
        let output = try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok)) { stream in
                continuation.yield()
                return EndlessBody(stream)
            }
        } _: { server in
            async let text = server.curl([version.rawValue, "-N"], path: "/")
            for await _ in asked { break }
            server.stop()
            return try await text
        }
        #expect(output == "hello bye")
    }
}

/// Gives so many bytes, appended or as chunks.
private final class PatternBody: PulledBody {
    private var left: Int
    private let inChunks: Bool

    init(bytes: Int, inChunks: Bool) {
        self.left = bytes
        self.inChunks = inChunks
    }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        let count = min(bytesMax, self.left)
        guard count > 0 else { return .end(nil) }
        self.left -= count
        guard !self.inChunks else { return .chunk(ByteBuffer(repeating: 121, count: count)) }
        buffer.writeRepeatingByte(120, count: count)
        return .appended
    }

    func closed(_ error: HTTP2Error?) {}
}

/// Says hello, then waits; says bye when the server drains.
final class EndlessBody: PulledBody {
    private let stream: any BodyStream
    private var texts = ["hello"]
    private var isDraining = false

    init(_ stream: any BodyStream) { self.stream = stream }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        guard let text = self.texts.popLast() else { return self.isDraining ? .end(nil) : .wait }
        buffer.writeString(text)
        return .appended
    }

    func closed(_ error: HTTP2Error?) {}

    func draining() {
        self.isDraining = true
        self.texts.append(" bye")
        self.stream.resume()
    }
}

/// A server for one test, and curl to ask it.
struct TestServer: Sendable {
    let port: Int
    private let stopping: AsyncStream<Void>.Continuation

    /// Runs a server while `body` runs.
    @discardableResult
    static func with<Result: Sendable>(
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        threads: Int = 2,
        handler: @escaping @Sendable (any ServerExchange) async -> Void,
        _ body: @escaping @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let server = HTTPServer(
            configuration,
            group: group,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            handler: handler
        )
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let (stopped, stopping) = AsyncStream.makeStream(of: Void.self)
        let result = try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await withThrowingTaskGroup(of: Void.self) { parts in
                    parts.addTask {
                        defer { port.finish() }
                        try await server.run { port.yield($0.port ?? 0) }
                    }
                    for await _ in stopped { break }
                    parts.cancelAll()
                    try await parts.waitForAll()
                }
            }
            defer { stopping.finish() }
            for await port in ports {
                let result = try await body(TestServer(port: port, stopping: stopping))
                stopping.finish()
                try await tasks.waitForAll()
                return result
            }
            throw HTTP2Error(.bindFailed, "the server did not start")
        }
        try await group.shutdownGracefully()
        return result
    }

    /// Has the server drain.
    func stop() { self.stopping.finish() }

    /// What curl prints.
    func curl(_ arguments: [String], path: String) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/curl")
        process.arguments =
            ["-sS", "--max-time", "\(RawSocket.patience.components.seconds)"] + arguments + [
                "http://127.0.0.1:\(self.port)\(path)"
            ]
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
