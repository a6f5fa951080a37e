// Floods are ended within their budget, while honest connections are served.

import HTTP2
import Testing

@Suite("Floods")
struct FloodTests {
    @Test(
        "a flood is ended within its budget, an honest connection is served",
        arguments: Attack.all
    )
    func flood(_ attack: Attack) async throws {
        try await withWireServer { server in
            let port = server.port
            async let honest: Void = onOwnThread { try Self.beHonest(port: port) }
            try await onOwnThread { try attack.run(port: port) }
            try await honest
            try await onOwnThread { try Self.beHonest(port: port) }
            #expect(server.forbidden.isEmpty)
        }
    }

    @Test("a flood whose answers are not read is ended too", arguments: Attack.all)
    func deaf(_ attack: Attack) async throws {
        try await withWireServer { server in
            let port = server.port
            try await onOwnThread { try attack.run(port: port, isReading: false) }
            try await onOwnThread { try Self.beHonest(port: port) }
        }
    }

    @Test("resets that we are made to send are counted", arguments: Attack.made.dropLast())
    func made(_ attack: Attack) async throws {
        var configuration = HTTPServerConfiguration()
        // A slow machine must not make a peer look patient.
        configuration.limits.glitchesPerSecond = 0
        try await withWireServer(configuration) { server in
            try await onOwnThread { try attack.runSlowly(port: server.port) }
            try await onOwnThread { try Self.beHonest(port: server.port) }
            #expect(server.forbidden.isEmpty)
        }
    }

    /// Requests as a good client sends them.
    static func beHonest(port: Int) throws {
        let peer = try RawPeer(port: port)
        try peer.handshake()
        for number in 0..<20 as Range<UInt32> {
            try peer.send(.headers(2 * number + 1, .request("POST", "/echo"), end: false))
            try peer.sendBody(2 * number + 1, Array("hello".utf8), end: true)
            try peer.expectResponse(2 * number + 1, body: "hello")
        }
        try peer.send(.goAway())
    }
}
