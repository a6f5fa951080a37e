// How streams end when they do not end well: with one reset, with no hang, never looking complete.

import Foundation
import HTTPTypes
import NIOCore
import TestKit
import Testing

@testable import HTTP2

@Suite("Endings")
struct EndingTests {
    /// Talks to a server as a raw peer, on a thread of its own.
    private func peer(
        _ port: Int,
        _ body: @escaping @Sendable (RawPeer) throws -> Void
    ) async throws {
        try await onOwnThread {
            let peer = try RawPeer(port: port)
            try peer.handshake()
            try body(peer)
        }
    }

    @Test("a refused stream is reset once, as refused")
    func refused() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.streamsMax = 1
        configuration.drainTimeout = .zero
        let (leaves, leave) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.with(configuration: configuration) { exchange in
            guard exchange.request.path == "/slow" else {
                return exchange.respond(HTTPResponse(status: .ok), body: nil)
            }
            // SAFETY: goes on although the handler is cancelled; the test ends it.
            await Task { for await _ in leaves { break } }.value
        } _: { server in
            try await self.peer(server.port) { peer in
                try peer.send(.headers(1, .request("GET", "/slow")), .rstStream(1))
                try peer.send(.headers(3, .request()))
                try peer.expectStreamError(3, .refusedStream)
                guard peer.tally[RawFrame.Kind.rstStream] == 1 else {
                    throw WireFailure("\(peer.tally[RawFrame.Kind.rstStream] ?? 0) resets came")
                }
                leave.finish()
            }
        }
    }

    @Test("an answer that is aborted is reset once")
    func aborted() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.drainTimeout = .zero
        try await TestServer.with(configuration: configuration) { exchange in
            let body = exchange.respond(HTTPResponse(status: .ok))
            try? await body.write(ByteBuffer(string: "half"))
            body.abort()
        } _: { server in
            try await self.peer(server.port) { peer in
                for id in stride(from: UInt32(1), to: 600, by: 2) {
                    try peer.send(.headers(id, .request()))
                    try peer.wait(for: "a reset") { $0.stream(id).reset != nil }
                    guard peer.stream(id).reset == .internalError else {
                        throw WireFailure("\(String(describing: peer.stream(id).reset))")
                    }
                }
                try peer.expectAlive()
                guard peer.tally[RawFrame.Kind.rstStream] == 300 else {
                    throw WireFailure("\(peer.tally[RawFrame.Kind.rstStream] ?? 0) resets came")
                }
            }
        }
    }

    @Test("a task that is cancelled before it reads an answer does not wait for it")
    func cancelledReader() async throws {
        try await ClientBed.withServer { exchange in
            let body = exchange.respond(HTTPResponse(status: .ok))
            try? await body.write(ByteBuffer(string: "first"))
            let (never, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
        } _: { client in
            let answer = try await client.send(.to("/"))
            var chunks = answer.body.makeAsyncIterator()
            #expect(try await chunks.next() == ByteBuffer(string: "first"))
            // SAFETY: waited for below.
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                for try await _ in answer.body {}
            }
            let error = await #expect(throws: HTTP2Error.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("a body of another length than was announced never looks complete", arguments: [5, 15])
    func otherLength(bytes: Int) async throws {
        try await TestServer.with { exchange in
            let head = HTTPResponse(status: .ok, headerFields: [.contentLength: "10"])
            let body = exchange.respond(head)
            try? await body.write(ByteBuffer(repeating: 120, count: bytes))
            body.finish(nil)
        } _: { server in
            let output = try await server.curl(["--http1.1"], path: "/")
            #expect(output.contains("curl: (18)"))
        }
    }

    @Test(
        "a body that is answered with behind the drain's beginning is told",
        arguments: CurlProtocol.allCases
    )
    func lateBody(version: CurlProtocol) async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let output = try await TestServer.with { exchange in
            ask.yield()
            let loop = exchange.eventLoop
            try? await eventually("the drain has begun") {
                try await loop.submit {
                    LoopContext.of(loop).allMembers.contains { member in
                        (member as? ServerConnection)?.isDraining == true
                            || (member as? HTTP1Connection)?.isDraining == true
                    }
                }.get()
            }
            exchange.respond(HTTPResponse(status: .ok)) { EndlessBody($0) }
        } _: { server in
            async let text = server.curl([version.rawValue, "-N"], path: "/")
            for await _ in asked { break }
            server.stop()
            return try await text
        }
        #expect(output == "hello bye" || output == " byehello")
    }

    @Test("a request may take longer than its time as long as its body comes")
    func longUpload() {
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        var machine = HTTP1DeadlineMachine(ConnectionLimits(), at: start)
        machine.headArrived(at: start)
        machine.bytesArrived(1, at: start + .seconds(290))
        #expect(machine.check(at: start + .seconds(580)) == nil)
        machine.bytesArrived(1, at: start + .seconds(580))
        machine.requestEnded()
        // What comes behind it belongs to the next request.
        machine.bytesArrived(1, at: start + .seconds(800))
        #expect(machine.check(at: start + .seconds(880)) == nil)
        #expect(machine.check(at: start + .seconds(881)) == .requestTimeout)
    }
}
