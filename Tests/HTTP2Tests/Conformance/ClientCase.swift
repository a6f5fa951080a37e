// One rule that a server can break or use, and what the client must make of it.

import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Testing

/// A rule as a conversation with a client that has sent `POST /` with the body "hello!" on stream 1.
struct ClientCase: Sendable, CustomTestStringConvertible {
    /// What the client's caller gets.
    enum Outcome: Sendable {
        case answer(Int, body: String)
        case failure
    }

    let section: String
    let rule: String
    let outcome: Outcome
    let talk: @Sendable (RawPeer, RawListener) throws -> Void

    init(
        _ section: String,
        _ rule: String,
        _ outcome: Outcome = .failure,
        _ talk: @escaping @Sendable (RawPeer, RawListener) throws -> Void
    ) {
        self.section = section
        self.rule = rule
        self.outcome = outcome
        self.talk = talk
    }

    var testDescription: String { "RFC \(self.section): \(self.rule)" }

    /// Has the conversation and compares what the caller got.
    func run() async throws {
        let listener = try RawListener()
        let client = HTTP2Client(
            HTTP2ClientConfiguration(host: "127.0.0.1", port: listener.port),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "wire") { _ in SwiftLogNoOpLogHandler() }
        )
        let (talks, talked) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await onOwnThread {
                    defer { talked.finish() }
                    let peer = RawPeer(try listener.accept())
                    try peer.handshakeAsServer()
                    try peer.wait(for: "a request") { !$0.stream(1).sections.isEmpty }
                    try self.talk(peer, listener)
                    talked.finish()
                    try peer.expectClosed()
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { running in
                running.addTask { await client.run() }
                try await self.ask(client)
                for await _ in talks {}
                running.cancelAll()
            }
            try await group.waitForAll()
        }
    }

    private func ask(_ client: HTTP2Client) async throws {
        let request = HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/")
        let got: (Int, String)
        do {
            let response = try await client.send(request, body: ByteBuffer(string: "hello!"))
            var body = ""
            for try await chunk in response.body { body += String(buffer: chunk) }
            got = (response.head.status.code, body)
        } catch {
            guard case .failure = self.outcome else { throw error }
            return
        }
        guard case .answer(let status, let body) = self.outcome else {
            throw WireFailure("an error was due, not \(got)")
        }
        guard got == (status, body) else { throw WireFailure("\(status) \(body), not \(got)") }
    }
}

/// The rules for clients, by section.
enum ClientRules {
    static let all =
        Self.answers + Self.malformedAnswers + Self.wrongFrames + Self.endings + Self.credit
}
