// A peer that takes too long is let go, whatever it is slow with; an honest one is served meanwhile.

import HTTP2
import Testing

@Suite("Slow peers")
struct SlownessTests {
    @Test("a preface that does not end", arguments: ["", "P", "PRI * HTTP/2.0\r\n\r\nSM"])
    func preface(_ start: String) async throws {
        try await Self.expectEnd(Self.limits { $0.prefaceTimeout = .milliseconds(100) }) { peer in
            try peer.send(bytes: Array(start.utf8))
        }
    }

    @Test("a preface without SETTINGS")
    func settings() async throws {
        try await Self.expectEnd(
            Self.limits { limits in
                limits.prefaceTimeout = .milliseconds(100)
                limits.headerTimeout = .milliseconds(100)
                limits.settingsTimeout = .milliseconds(100)
            }
        ) { try $0.send(bytes: RawPeer.preface) }
    }

    @Test("SETTINGS that are never acknowledged")
    func acknowledgement() async throws {
        try await Self.expectEnd(Self.limits { $0.settingsTimeout = .milliseconds(100) }) { peer in
            try peer.send(bytes: RawPeer.preface + RawFrame.settings().bytes)
        }
    }

    @Test("a head that does not end")
    func head() async throws {
        try await Self.expectEnd(Self.limits { $0.headerTimeout = .milliseconds(100) }) { peer in
            try peer.handshake()
            try peer.send(.headers(1, .request("GET", "/never"), endHeaders: false))
        }
    }

    @Test("a frame that does not end")
    func frame() async throws {
        try await Self.expectEnd(Self.limits { $0.headerTimeout = .milliseconds(100) }) { peer in
            try peer.handshake()
            let bytes = RawFrame.headers(1, .request("GET", "/never")).bytes
            try peer.send(bytes: bytes.dropLast(4))
        }
    }

    @Test("a head of HTTP/1.1 that does not end")
    func oldHead() async throws {
        try await Self.expectEnd(Self.limits { $0.headerTimeout = .milliseconds(100) }) { peer in
            try peer.send(bytes: Array("GET /never HTTP/1.1\r\nhost: localhost\r\nx-a".utf8))
        }
    }

    @Test("a body that does not come")
    func body() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits.headerTimeout = .milliseconds(100)
        try await withWireServer(configuration) { server in
            try await onOwnThread {
                let peer = try RawPeer(port: server.port)
                try peer.handshake()
                try peer.send(.headers(1, .request("POST", "/count"), end: false))
                try peer.wait(for: "the end of the stream") {
                    $0.stream(1).reset != nil || $0.stream(1).isEnded
                }
                if peer.stream(1).isEnded, peer.stream(1).statuses == ["200"] {
                    throw peer.failure("a body that never came was counted")
                }
            }
        }
    }

    @Test("a body of HTTP/1.1 that does not come, or drips", arguments: [false, true])
    func oldBody(drips: Bool) async throws {
        let limits = Self.limits {
            $0.headerTimeout = .milliseconds(100)
            $0.bodyBytesPerSecondMin = 1_000_000
        }
        try await Self.run(limits) { peer in
            let head = "POST /count HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n"
            try peer.send(bytes: Array(head.utf8))
            var answer: [UInt8] = []
            let deadline = ContinuousClock.now + RawSocket.patience
            while !peer.socket.isEnded {
                guard ContinuousClock.now < deadline else {
                    throw WireFailure("the connection stays")
                }
                if drips { try peer.send(bytes: [UInt8(ascii: "a")]) }
                let pause = drips ? ContinuousClock.now + .milliseconds(10) : deadline
                answer += try peer.socket.read(until: pause) ?? []
            }
            guard !String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 200") else {
                throw WireFailure("a body that never came was counted")
            }
        }
    }

    @Test("a reader that opens no window while there is something to send")
    func reader() async throws {
        try await Self.expectStreamEnd(Self.limits { $0.writeTimeout = .milliseconds(100) }) {
            peer in
            try peer.handshake(.setting(Setting.initialWindowSize, 0))
            try peer.send(.headers(1, .request("GET", "/bytes/100")))
        }
    }

    @Test("a connection without streams")
    func idle() async throws {
        try await Self.expectEnd(Self.limits { $0.idleTimeout = .milliseconds(100) }) { peer in
            try peer.handshake()
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
        }
    }

    @Test("a peer that answers no PING")
    func ping() async throws {
        try await Self.expectEnd(
            Self.limits { limits in
                limits.pingInterval = .milliseconds(50)
                limits.pingTimeout = .milliseconds(50)
            }
        ) { peer in
            try peer.handshake()
            try peer.send(.headers(1, .request("GET", "/hold")))
        }
    }

    private static func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits()
        change(&limits)
        return limits
    }

    /// Expects the connection to be closed, and other clients to be served.
    private static func expectEnd(
        _ limits: ConnectionLimits,
        _ talk: @escaping @Sendable (RawPeer) throws -> Void
    ) async throws {
        try await Self.run(limits) { peer in
            try talk(peer)
            // Bytes that are no frames may come too.
            let deadline = ContinuousClock.now + RawSocket.patience
            while !peer.socket.isEnded {
                guard try peer.socket.read(until: deadline) != nil else {
                    throw WireFailure("the connection stays")
                }
            }
        }
    }

    /// Expects stream 1 or the connection to end.
    private static func expectStreamEnd(
        _ limits: ConnectionLimits,
        _ talk: @escaping @Sendable (RawPeer) throws -> Void
    ) async throws {
        try await Self.run(limits) { peer in
            try talk(peer)
            while peer.stream(1).reset == nil, try peer.nextFrame() != nil {}
        }
    }

    private static func run(
        _ limits: ConnectionLimits,
        _ talk: @escaping @Sendable (RawPeer) throws -> Void
    ) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits = limits
        try await withWireServer(configuration) { server in
            try await onOwnThread {
                try talk(RawPeer(port: server.port))
                // These limits are too tight for an honest client on a busy machine: it may try often.
                try Self.beHonest(port: server.port, triesMax: 100)
            }
        }
    }

    private static func beHonest(port: Int, triesMax: Int) throws {
        do {
            let peer = try RawPeer(port: port)
            try peer.handshake()
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
        } catch {
            guard triesMax > 1 else { throw error }
            try Self.beHonest(port: port, triesMax: triesMax - 1)
        }
    }
}
