// Floods of a server are ended by its client within their budget; the caller gets an error or an answer.

import HTTPTypes
import Testing

@testable import HTTP2

@Suite("Floods of a client", .timeLimit(.minutes(3)))
struct ClientFloodTests {
    @Test("a server that floods is left within the budget", arguments: ClientFlood.all)
    func flood(_ flood: ClientFlood) async throws { try await Self.run(flood, isReading: true) }

    @Test("a server that floods and does not read is left too", arguments: ClientFlood.all)
    func deaf(_ flood: ClientFlood) async throws { try await Self.run(flood, isReading: false) }

    private static func run(_ flood: ClientFlood, isReading: Bool) async throws {
        let listener = try RawListener()
        var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: listener.port)
        configuration.attemptsMax = 1
        let (over, ending) = AsyncStream<Void>.makeStream()
        async let played: Void = onOwnThread {
            defer { ending.finish() }
            try flood.play(listener, isReading: isReading)
        }
        try await ClientBed.with(configuration) { client in
            // Answered or not, the caller is told; the client then waits for more requests.
            do {
                let answer = try await client.send(.to("/"))
                _ = try? await answer.body.collect()
            } catch let error as HTTP2Error {
                #expect(error.code != .cancelled)
            }
            // The server notices that its client leaves, while that still runs.
            for await _ in over {}
        }
        try await played
    }
}
