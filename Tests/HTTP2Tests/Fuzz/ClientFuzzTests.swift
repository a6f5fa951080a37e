// No bytes of a server bring a client down, or leave a caller waiting.

import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import TestKit
import Testing

@Suite("Fuzzing the client")
struct ClientFuzzTests {
    /// Each session has a client of its own, four callers, and a server that plays one connection.
    @Test("almost valid HTTP/2 sessions")
    func sessions() async throws {
        let listener = try RawListener()
        let run = FuzzRun(sessions: 1_000)
        var number: UInt64 = 0
        defer { run.ended(number, "client: sessions") }
        while run.goesOn(number) {
            let seed = run.seed &+ number
            do { try await Self.play(seed: seed, listener) } catch {
                throw WireFailure("\(error); again with OPSROOM_SEED=\(seed)")
            }
            number += 1
        }
    }

    private static func play(seed: UInt64, _ listener: RawListener) async throws {
        let client = HTTP2Client(
            Self.configuration(port: listener.port),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "wire") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { await Self.ask(client) } }
            group.addTask {
                try await withThrowingTaskGroup(of: Void.self) { running in
                    running.addTask { await client.run() }
                    try await onOwnThread { try Self.serve(seed: seed, listener) }
                    running.cancelAll()
                }
            }
            try await group.waitForAll()
        }
    }

    private static func configuration(port: Int) -> HTTP2ClientConfiguration {
        HTTP2ClientConfiguration(host: "127.0.0.1", port: port)
    }

    private static func ask(_ client: HTTP2Client) async {
        let request = HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/")
        let body = ByteBuffer(string: "hello!")
        guard let response = try? await client.send(request, body: body) else { return }
        do { for try await _ in response.body {} } catch {}
    }

    /// Plays a server's side, almost right.
    private static func serve(seed: UInt64, _ listener: RawListener) throws {
        var random = SeededGenerator(seed: seed)
        let socket = try listener.accept()
        let deadline = ContinuousClock.now + RawSocket.patience
        // The requests come after the preface; not all sessions wait for them.
        if random.chance(80) { _ = try socket.read(until: deadline) }
        let session = FuzzSessions.server(&random)
        var mutation = FuzzMutation(random: random)
        let frames = mutation.mutate(session)
        for piece in mutation.pieces(of: Array(frames.joined())) where !socket.isBroken {
            try socket.write(Array(piece))
            _ = socket.readNow()
        }
        if mutation.random.chance(20) { return socket.closeByReset() }
        socket.shutdownWriting()
        while !socket.isEnded {
            guard try socket.read(until: deadline) != nil else {
                throw WireFailure("the client keeps a connection that its server has closed")
            }
        }
    }
}
