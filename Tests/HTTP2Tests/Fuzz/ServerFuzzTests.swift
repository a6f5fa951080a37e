// No bytes bring a server down, make it forget to let go, or keep it from serving others.

import TestKit
import Testing

/// The server is a process of its own: should it die, the failure still tells the seed.
@Suite("Fuzzing the server")
struct ServerFuzzTests {
    @Test("almost valid HTTP/2 sessions")
    func sessions() async throws {
        try await Self.fuzz("server: sessions", FuzzRun(sessions: 6_000)) { random in
            let session = FuzzSessions.client(&random)
            var mutation = FuzzMutation(random: random)
            let frames = mutation.mutate(session)
            random = mutation.random
            return RawPeer.preface + frames.joined()
        }
    }

    @Test("every conversation of the rules, almost")
    func rules() async throws {
        let seeds = try await onOwnThread {
            let bed = try BedProcess()
            return try ServerRules.all.map {
                // Long bodies teach nothing new.
                Array(FuzzSessions.frames(in: try $0.run(port: bed.port)).prefix(100))
            }
        }
        try await Self.fuzz("server: rules", FuzzRun(sessions: 3_000)) { random in
            var mutation = FuzzMutation(random: random)
            let frames = mutation.mutate(mutation.random.pick(seeds))
            random = mutation.random
            return RawPeer.preface + frames.joined().prefix(1 << 18)
        }
    }

    @Test("almost valid HTTP/1.1, and prefaces that go wrong")
    func text() async throws {
        try await Self.fuzz("server: text", FuzzRun(sessions: 3_000)) { random in
            var mutation = FuzzMutation(random: random)
            let texts = FuzzSessions.texts.map { Array($0.utf8) }
            let chosen = mutation.random.pick(texts + [RawPeer.preface])
            let bytes = mutation.mutate(bytes: chosen)
            random = mutation.random
            return bytes
        }
    }

    /// Sends what `make` draws, session after session, then holds the server to account.
    private static func fuzz(
        _ name: String,
        _ run: FuzzRun,
        _ make: @escaping @Sendable (inout SeededGenerator) -> [UInt8]
    ) async throws {
        try await onOwnThread {
            let bed = try BedProcess()
            try run.sessions(name) { seed in
                var random = SeededGenerator(seed: seed)
                let bytes = make(&random)
                try Self.play(bytes, port: bed.port, &random)
            }
            try FloodTests.beHonest(port: bed.port)
            try Self.expectNothingLeft(port: bed.port)
        }
    }

    /// Sends the bytes in pieces and leaves in one of three ways.
    private static func play(
        _ bytes: [UInt8],
        port: Int,
        _ random: inout SeededGenerator
    ) throws {
        let socket = try RawSocket(port: port)
        var mutation = FuzzMutation(random: random)
        for piece in mutation.pieces(of: bytes) {
            try Self.write(piece, to: socket)
        }
        if mutation.random.chance(10) { return socket.closeByReset() }
        if mutation.random.chance(10) { return socket.close() }
        // The server closes when its peer has nothing more to say.
        socket.shutdownWriting()
        let deadline = ContinuousClock.now + RawSocket.patience
        while !socket.isEnded {
            guard try socket.read(until: deadline) != nil else {
                throw WireFailure("the server keeps a connection that its peer has closed")
            }
        }
    }

    /// Reads while it writes: a server may have much to say.
    private static func write(_ bytes: ArraySlice<UInt8>, to socket: RawSocket) throws {
        var rest = bytes
        let deadline = ContinuousClock.now + RawSocket.patience
        while !rest.isEmpty, !socket.isBroken, !socket.isEnded {
            let count = socket.writeNow(rest)
            rest = rest.dropFirst(count)
            while socket.readNow() != nil {}
            if count == 0, !socket.isBroken, !socket.isEnded {
                guard ContinuousClock.now < deadline else {
                    throw WireFailure("the server takes no bytes")
                }
                try socket.awaitSpace(isReading: true, until: deadline)
            }
        }
    }

    /// Every request, body and exchange of the sessions is gone.
    private static func expectNothingLeft(port: Int) throws {
        let peer = try RawPeer(port: port)
        try peer.handshake()
        var body: [UInt8] = []
        for stream in stride(from: UInt32(1), to: 4_001, by: 2) {
            try peer.send(.headers(stream, .request("GET", "/live")))
            body = try peer.expectResponse(stream).body
            if body == Array("1".utf8) { return }
        }
        throw WireFailure("left behind: \(String(decoding: body, as: UTF8.self)) objects")
    }
}
