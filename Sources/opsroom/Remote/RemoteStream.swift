// Follows a stream of events over as many connections as it takes.

import ControlRoom
import Foundation
import HTTP2
import HTTPTypes
import NIOCore
import Synchronization

/// What a follower hears of the stream it follows.
struct StreamListener: Sendable {
    /// What is new.
    var news: @Sendable (StreamMachine.News) async throws -> Void
    /// A sentence when the connection is away, `nil` when it is back.
    var notice: @Sendable (String?) async -> Void = { _ in }
}

/// One stream of a node. Owner: the command that follows it. Ends: ``follow(_:)`` returns.
final class RemoteStream: Sendable {
    private let connection: RemoteConnection
    private let path: [String]
    private let query: [(name: String, value: String)]
    private let machine: Mutex<StreamMachine>
    private let heard = Mutex(ContinuousClock.now)
    private let told: Mutex<String?>

    /// The stream says something every 15 s; three times that is silence.
    private static let silenceMax: Duration = .seconds(45)

    /// The connection ended, the stream did not.
    private struct Broken: Error { var sentence: String }
    /// What the listener threw: no connection will mend it.
    private struct ListenerFailed: Error { var error: any Error }
    /// The stream said that it is over.
    private struct End { var status: String? }

    /// Prepares to follow.
    ///
    /// - Parameters:
    ///   - connection: The node.
    ///   - path: The stream's path after `/v1/`.
    ///   - query: What is wanted of it.
    ///   - cursor: Where to begin; `nil` means as the query says.
    ///   - patience: How long the connection may be away.
    init(
        _ connection: RemoteConnection,
        path: [String],
        query: [(name: String, value: String)] = [],
        from cursor: String? = nil,
        patience: Duration
    ) {
        self.connection = connection
        self.path = path
        self.query = query
        self.machine = Mutex(StreamMachine(cursor: cursor, patience: patience))
        self.told = Mutex(cursor)
    }

    /// Behind what the listener was told last: the stream can be taken up there.
    var cursor: String? { self.told.withLock { $0 } }

    /// Follows the stream to its end.
    ///
    /// - Parameter listener: Hears what is new, event by event.
    /// - Returns: The status that the stream ended with, if it named one.
    /// - Throws: What ended it: the server's refusal, the end of patience, what the listener threw.
    func follow(_ listener: StreamListener) async throws -> String? {
        while true {
            let failure: any Error
            do {
                return try await self.connect(listener).status
            } catch let error as ListenerFailed {
                throw error.error
            } catch {
                failure = error
            }
            try Task.checkCancellation()
            let remedy = self.machine.withLock { machine in
                machine.lost(
                    at: .now,
                    isWorthRetrying: Self.isWorthRetrying(failure),
                    chance: Double.random(in: 0...1)
                )
            }
            guard case .again(let pause) = remedy else { throw self.verdict(failure) }
            await listener.notice(
                "the connection to \(self.connection.access.url) is lost; trying again"
            )
            try await Task.sleep(for: pause)
        }
    }

    private func connect(_ listener: StreamListener) async throws -> End {
        var request = RemoteRequest(path: self.path, query: self.query)
        request.fields[.accept] = "text/event-stream"
        if let cursor = self.machine.withLock(\.cursor) {
            request.query.removeAll { $0.name == "from" }
            request.fields[.lastEventID] = cursor
        }
        let answer = try await self.connection.begin(request)
        self.machine.withLock { $0.opened() }
        self.heard.withLock { $0 = .now }
        return try await withThrowingTaskGroup(of: End?.self) { group in
            group.addTask {
                while self.heard.withLock({ $0 }).duration(to: .now) < Self.silenceMax {
                    try await Task.sleep(for: .seconds(5))
                }
                throw Broken(sentence: "it has been silent for \(Self.silenceMax)")
            }
            group.addTask { try await self.read(answer.body, listener) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let end = next { return end }
            }
            throw Broken(sentence: "it ended early")
        }
    }

    private func read(_ body: RequestBytes, _ listener: StreamListener) async throws -> End {
        var reader = StreamReader()
        for try await chunk in body {
            self.heard.withLock { $0 = .now }
            for message in reader.take(chunk.readableBytesView) {
                let (news, wasAway) = self.machine.withLock { machine in
                    let wasAway = machine.isAway
                    return (machine.take(message), wasAway)
                }
                if wasAway { await listener.notice(nil) }
                if case .end(let status) = news {
                    let cursor = self.machine.withLock(\.cursor)
                    self.told.withLock { $0 = cursor }
                    return End(status: status)
                }
                do {
                    if news != .nothing { try await listener.news(news) }
                } catch {
                    throw ListenerFailed(error: error)
                }
                let cursor = self.machine.withLock(\.cursor)
                self.told.withLock { $0 = cursor }
            }
            if reader.isOverlong {
                throw RoomError(.failed, "the server sent a line that is no event")
            }
        }
        throw Broken(sentence: "it was closed")
    }

    private static func isWorthRetrying(_ error: any Error) -> Bool {
        switch error {
        case is Broken: true
        case let error as HTTP2Error: error.code != .certificate && error.code != .configuration
        case let error as Failure: error.error.code == .unavailable
        case let error as RoomError: error.code == .unavailable || error.code == .timedOut
        default: false
        }
    }

    /// The error as it is told when no further attempt is made.
    private func verdict(_ error: any Error) -> any Error {
        let sentence: String
        switch error {
        case let error as Broken: sentence = error.sentence
        case let error as HTTP2Error: sentence = error.message
        case let error as RoomError where self.machine.withLock(\.wasOpen):
            sentence = error.message
        default: return error
        }
        let url = self.connection.access.url
        return RoomError(
            .unavailable,
            "the stream of \(url) could not be taken up again: \(sentence)",
            next: self.connection.access.startCommand
        )
    }
}

extension HTTPField.Name {
    /// The id of the last event that was received.
    static var lastEventID: HTTPField.Name {
        HTTPField.Name("Last-Event-ID") ?? .range
    }
}
