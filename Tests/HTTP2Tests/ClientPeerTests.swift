// The client against a server that is played frame by frame: refusals, GOAWAY, limits, broken peers.

import HTTPTypes
import NIOCore
import Testing

@testable import HTTP2

@Suite("Client and a played server")
struct ClientPeerTests {
    /// Plays a server on a thread while a client of it is used.
    private static func play<Result: Sendable>(
        _ configure: @escaping @Sendable (inout HTTP2ClientConfiguration) -> Void = { _ in },
        server: @escaping @Sendable (RawListener) throws -> Void,
        client body: @escaping @Sendable (HTTP2Client) async throws -> Result
    ) async throws -> Result {
        let listener = try RawListener()
        var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: listener.port)
        configuration.backoff = .milliseconds(1)
        configure(&configuration)
        async let played: Void = onOwnThread { try server(listener) }
        let result = try await ClientBed.with(configuration, body)
        try await played
        return result
    }

    /// Tries once, for a short time.
    private static let impatient: @Sendable (inout HTTP2ClientConfiguration) -> Void = {
        $0.connectTimeout = .milliseconds(500)
        $0.attemptsMax = 1
    }

    private static func untilClosed(_ peer: RawPeer) throws {
        while try peer.nextFrame() != nil {}
    }

    private static func answer(_ peer: RawPeer, _ stream: UInt32) throws {
        try peer.send(.headers(stream, HeaderBlock([(":status", "204")])))
    }

    @Test("REFUSED_STREAM is tried again on the same connection, not more often than allowed")
    func refused() async throws {
        let status = try await Self.play { listener in
            let peer = RawPeer(try listener.accept())
            try peer.handshakeAsServer()
            for stream in [UInt32(1), 3] {
                try peer.wait(for: "a request") { !$0.stream(stream).sections.isEmpty }
                if stream == 1 {
                    try peer.send(.rstStream(stream, .refusedStream))
                } else {
                    try Self.answer(peer, stream)
                }
            }
            try Self.untilClosed(peer)
        } client: { client in
            try await client.send(.to("/")).head.status
        }
        #expect(status == .noContent)
    }

    @Test("a request above GOAWAY's last stream goes to a new connection")
    func goaway() async throws {
        let status = try await Self.play { listener in
            let first = RawPeer(try listener.accept())
            try first.handshakeAsServer()
            try first.wait(for: "a request") { !$0.stream(1).sections.isEmpty }
            try first.send(.goAway(last: 0))
            let second = RawPeer(try listener.accept())
            try second.handshakeAsServer()
            try second.wait(for: "the request") { !$0.stream(1).sections.isEmpty }
            try Self.answer(second, 1)
            try Self.untilClosed(second)
        } client: { client in
            try await client.send(.to("/"), body: ByteBuffer(string: "once")).head.status
        }
        #expect(status == .noContent)
    }

    @Test("a lost connection is an unknown outcome: only an idempotent request is sent again")
    func lost() async throws {
        for isIdempotent in [false, true] {
            let code = try await Self.play { listener in
                do {
                    let first = RawPeer(try listener.accept())
                    try first.handshakeAsServer()
                    try first.wait(for: "a request") { !$0.stream(1).sections.isEmpty }
                }
                guard isIdempotent else { return }
                let second = RawPeer(try listener.accept())
                try second.handshakeAsServer()
                try second.wait(for: "the request") { !$0.stream(1).sections.isEmpty }
                try Self.answer(second, 1)
                try Self.untilClosed(second)
            } client: { client -> HTTP2Error.Code? in
                do {
                    _ = try await client.send(.to("/"), isIdempotent: isIdempotent)
                    return nil
                } catch {
                    return (error as? HTTP2Error)?.code
                }
            }
            #expect(code == (isIdempotent ? nil : .connectionLost))
        }
    }

    @Test("a server that allows one stream gets one at a time")
    func oneAtATime() async throws {
        try await Self.play { listener in
            let peer = RawPeer(try listener.accept())
            try peer.handshakeAsServer(.setting(3, 1))
            for stream in [UInt32(1), 3, 5] {
                try peer.wait(for: "a request") { !$0.stream(stream).sections.isEmpty }
                guard peer.stream(stream + 2).sections.isEmpty else {
                    throw WireFailure("two streams at once")
                }
                try Self.answer(peer, stream)
            }
            try Self.untilClosed(peer)
        } client: { client in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for index in 0..<3 {
                    tasks.addTask { _ = try await client.send(.to("/\(index)")) }
                }
                try await tasks.waitForAll()
            }
        }
    }

    @Test("what is no HTTP/2 is said to be none")
    func http1() async throws {
        try await Self.play(Self.impatient) { listener in
            let peer = RawPeer(try listener.accept())
            try peer.send(
                bytes: Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8)
            )
            try Self.untilClosed(peer)
        } client: { client in
            let error = await #expect(throws: HTTP2Error.self) { try await client.send(.to("/")) }
            #expect(error?.code == .connectFailed)
            #expect(error?.message.contains("does not answer in HTTP/2") == true)
        }
    }

    @Test("a server that says nothing is given up after the time for connecting")
    func silence() async throws {
        try await Self.play(Self.impatient) { listener in
            let peer = RawPeer(try listener.accept())
            try Self.untilClosed(peer)
        } client: { client in
            let error = await #expect(throws: HTTP2Error.self) { try await client.send(.to("/")) }
            #expect(error?.code == .connectFailed)
        }
    }

    @Test("a head that is too large is refused, and the connection goes on")
    func largeHead() async throws {
        try await Self.play { listener in
            let peer = RawPeer(try listener.accept())
            try peer.handshakeAsServer()
            try peer.wait(for: "a request") { !$0.stream(1).sections.isEmpty }
            let fields = (0..<120).map { ("x-\($0)", "v") }
            try peer.send(.headers(1, HeaderBlock([(":status", "200")] + fields)))
            try peer.wait(for: "the next request") { !$0.stream(3).sections.isEmpty }
            try Self.answer(peer, 3)
            try Self.untilClosed(peer)
        } client: { client in
            let error = await #expect(throws: HTTP2Error.self) { try await client.send(.to("/")) }
            #expect(error?.code == .limitExceeded)
            let next = try await client.send(.to("/"))
            #expect(next.head.status == .noContent)
        }
    }
}
