// Decides how many connections, requests and tasks one address or one connection may have, and who pays for more.

import Foundation
import HTTPTypes
import NIOCore
import Synchronization
import TestKit
import Testing

@testable import HTTP2

@Suite("Crowds", .timeLimit(.minutes(2)))
struct CrowdTests {
    /// A connection that was let in and works.
    private static func admitted(_ port: Int) throws -> RawPeer {
        let peer = try RawPeer(port: port)
        try peer.handshake()
        try peer.expectAlive()
        return peer
    }

    /// Whether the server closes a new connection without a word.
    private static func isRefused(_ port: Int) throws -> Bool {
        let peer = try RawPeer(port: port)
        do {
            try peer.handshake()
            return false
        } catch {
            guard peer.socket.isEnded, peer.tally.isEmpty else { throw error }
            return true
        }
    }

    @Test(
        "one address has so many connections at once; more are closed at once, and those that leave make room"
    )
    func perAddress() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.connectionsPerAddressMax = 5
        try await withWireServer(configuration) { server in
            let port = server.port
            try await onOwnThread {
                var inside = try (0..<5).map { _ in try Self.admitted(port) }
                for _ in 0..<200 {
                    guard try Self.isRefused(port) else {
                        throw WireFailure("a sixth connection was let in")
                    }
                }
                for peer in inside {
                    try peer.send(.headers(1, .request()))
                    try peer.expectResponse(1)
                }
                inside.removeLast(2)
                // The server hears of it a little later.
                let deadline = ContinuousClock.now + RawSocket.patience
                while try Self.isRefused(port) {
                    guard ContinuousClock.now < deadline else {
                        throw WireFailure("nobody is let in although there is room")
                    }
                }
                for peer in inside { try peer.expectAlive() }
            }
        }
    }

    @Test("connections that come faster than allowed are closed at once; those inside are served")
    func acceptRate() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.acceptBurst = 20
        configuration.acceptsPerSecond = 1
        try await withWireServer(configuration) { server in
            let port = server.port
            try await onOwnThread {
                let inside = try (0..<10).map { _ in try Self.admitted(port) }
                var refused = 0
                for _ in 0..<100 where try Self.isRefused(port) { refused += 1 }
                // Ten were let in; a slow machine earns a few more meanwhile.
                guard refused >= 50 else { throw WireFailure("only \(refused) were refused") }
                for peer in inside {
                    try peer.send(.headers(1, .request()))
                    try peer.expectResponse(1)
                }
            }
        }
    }

    @Test(
        "a connection is rotated after its requests: all of them are answered, GOAWAY comes twice"
    )
    func rotation() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.requestsMax = 20
        try await withWireServer(configuration) { server in
            let port = server.port
            try await onOwnThread {
                let peer = try RawPeer(port: port)
                try peer.handshake()
                var id: UInt32 = 1
                // Less up to a tenth, so that not all connections go at once.
                while peer.goAway == nil {
                    guard id < 2 * 21 else { throw peer.failure("20 requests, and no GOAWAY") }
                    try peer.send(.headers(id, .request()))
                    try peer.expectResponse(id)
                    try peer.expectAlive()
                    id += 2
                }
                guard let first = peer.goAway, id > 2 * 17 else {
                    throw peer.failure("GOAWAY after \(id / 2) requests")
                }
                guard first.number(at: 0) == 0x7FFF_FFFF, first.number(at: 4) == 0 else {
                    throw peer.failure("a notice was due")
                }
                // What was under way when the notice came is served.
                try peer.send(.headers(id, .request()))
                try peer.expectResponse(id)
                try peer.expectClosed()
                guard let last = peer.goAway, last.number(at: 0) == id, last.number(at: 4) == 0
                else { throw peer.failure("the last GOAWAY was to name stream \(id)") }
            }
        }
    }

    @Test("a client does not notice that its connections are rotated")
    func rotatedClient() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.requestsMax = 10
        try await ClientBed.withServer(server: configuration) { exchange in
            exchange.respond(HTTPResponse(status: .ok), body: ByteBuffer(string: "ok"))
        } _: { client in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for worker in 0..<4 {
                    tasks.addTask {
                        for request in 0..<50 {
                            let answer = try await client.send(.to("/\(worker)/\(request)", .post))
                            #expect(try await answer.body.text() == "ok")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }

    @Test("HTTP/1.1: the last request of a connection is answered with close")
    func oldRotation() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.requestsMax = 5
        try await withWireServer(configuration) { server in
            let port = server.port
            try await onOwnThread {
                let peer = try RawPeer(port: port)
                let request = Array("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".utf8)
                try peer.send(bytes: (0..<8).flatMap { _ in request })
                var got: [UInt8] = []
                let deadline = ContinuousClock.now + RawSocket.patience
                while !peer.socket.isEnded {
                    guard let bytes = try peer.socket.read(until: deadline) else {
                        throw WireFailure("the connection stays")
                    }
                    got += bytes
                }
                let answers = String(decoding: got, as: UTF8.self).lowercased()
                    .components(separatedBy: "http/1.1 200").dropFirst()
                let closes = answers.map { $0.contains("connection: close") }
                guard closes == [false, false, false, false, true] else {
                    throw WireFailure("\(closes) came: \(answers)")
                }
            }
        }
    }

    @Test("requests whose handlers go on after they were reset are counted until they end")
    func tasks() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.streamsMax = 3
        let gates = (0..<3).map { _ in AsyncStream<Void>.makeStream() }
        let counts = Counts()
        try await TestServer.with(configuration: configuration) { exchange in
            let number = counts.began()
            if number <= 3 {
                let gate = gates[number - 1].stream
                // Deaf to cancellation, like code that computes.
                // SAFETY: nobody cancels it; it is awaited here.
                await Task.detached { for await _ in gate {} }.value
                counts.ended()
            }
            exchange.respond(HTTPResponse(status: .noContent), body: nil)
        } _: { server in
            let port = server.port
            let peer = try await onOwnThread {
                let peer = try RawPeer(port: port)
                try peer.handshake()
                for id in [UInt32(1), 3, 5] {
                    try peer.send(.headers(id, .request()))
                    try peer.expectAlive()
                    try peer.send(.rstStream(id))
                }
                for id in [UInt32(7), 9, 11] {
                    try peer.send(.headers(id, .request()))
                    try peer.wait(for: "a refusal") { $0.stream(id).reset != nil }
                    guard peer.stream(id).reset == .refusedStream else {
                        throw peer.failure("a refusal was due")
                    }
                }
                return Handed(peer)
            }
            #expect(counts.begun == 3)
            for gate in gates { gate.continuation.finish() }
            try await eventually("the handlers end") { counts.over == 3 }
            try await onOwnThread {
                // The server hears of it on its own loop.
                for id in stride(from: UInt32(13), to: 213, by: 2) {
                    try peer.value.send(.headers(id, .request()))
                    try peer.value.wait(for: "an answer") {
                        $0.stream(id).isEnded || $0.stream(id).reset != nil
                    }
                    if peer.value.stream(id).isEnded { return }
                }
                throw peer.value.failure("nobody is let in again")
            }
        }
    }

    /// Handlers that began, and those that ended.
    private final class Counts: Sendable {
        private let counts = Mutex((begun: 0, over: 0))

        var begun: Int { self.counts.withLock(\.begun) }
        var over: Int { self.counts.withLock(\.over) }

        func began() -> Int {
            self.counts.withLock { counts in
                counts.begun += 1
                return counts.begun
            }
        }

        func ended() { self.counts.withLock { $0.over += 1 } }
    }

    /// A peer that goes from one thread to the next.
    //
    // SAFETY: each thread is waited for before the next one begins.
    private final class Handed: @unchecked Sendable {
        let value: RawPeer

        init(_ value: RawPeer) { self.value = value }
    }
}
