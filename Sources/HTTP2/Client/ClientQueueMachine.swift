// Decides which requests wait, which are sent again and which fail. Pure: time and chance come in as
// values.

internal import NIOCore

/// The queue of a client and the connections it serves.
///
/// A request is sent again only where the server cannot have acted on it, or where acting twice does
/// no harm; never more than ``Settings/attemptsMax`` times.
struct ClientQueueMachine {
    /// What the queue may do.
    struct Settings: Sendable {
        /// Requests that may wait for a stream.
        var queueMax = 1_000
        /// Connections at once, those not counted that the server is closing.
        var connectionsMax = 1
        /// Streams of a connection, where the peer allows more.
        var streamsMax = 1_000
        /// How often a request is tried.
        var attemptsMax = 3
        /// The pause after a first failure; doubles with each further one.
        var backoff: TimeAmount = .milliseconds(100)
        /// The longest pause.
        var backoffMax: TimeAmount = .seconds(5)
    }

    typealias RequestID = Int
    typealias ConnectionID = Int

    /// What is to be done.
    enum Action: Equatable {
        /// Make a connection; answered by `connectionReady` or `connectFailed`.
        case connect(ConnectionID)
        /// Open a stream; answered by `streamEnded`.
        case start(RequestID, on: ConnectionID)
        /// Tell the caller; the request is forgotten.
        case fail(RequestID, HTTP2Error)
        /// Reset the stream, before its caller is told; answered by `streamEnded`.
        case cancel(RequestID, on: ConnectionID)
        /// Close the connection; answered by `connectionClosed`.
        case close(ConnectionID)
        /// Call `wake` at this time.
        case wake(NIODeadline)
        /// Nothing is left; only after ``stop(at:)``.
        case ended
    }

    enum Phase: Equatable {
        /// Requests gather.
        case gathering
        case running
        /// No new requests; those on connections may end.
        case stopping
        case ended
    }

    struct Request {
        var isIdempotent: Bool
        var attempts = 0
        var place = Place.waiting
    }

    enum Place: Equatable {
        case waiting
        /// Waits for its next attempt.
        case delayed(NIODeadline)
        case on(ConnectionID)
        /// The caller is gone, the stream not yet.
        case abandoned(ConnectionID)
    }

    struct Connection {
        enum State {
            case connecting
            case ready
            /// No new streams.
            case leaving
            /// `close` was asked for.
            case closing
        }

        let id: ConnectionID
        var state = State.connecting
        var streams = 0
        var streamsMax = 0
        var hasServed = false
    }

    let settings: Settings
    var phase = Phase.gathering
    var requests: [RequestID: Request] = [:]
    /// Requests to place, first in, first out. May hold requests that no longer wait.
    var waiting = CircularBuffer<RequestID>()
    /// How many of `requests` wait, and how many are delayed.
    var waitingCount = 0
    var delayed: [RequestID] = []
    var connections: [Connection] = []
    /// Failures in a row to get a connection that serves.
    var failures = 0
    /// No connection is made before.
    var connectAfter: NIODeadline
    var wakeAt: NIODeadline?
    var nextConnection = 1

    init(_ settings: Settings, at now: NIODeadline) {
        self.settings = settings
        self.connectAfter = now
    }

    // MARK: Requests

    /// A request arrives. It waits, or is started, or is refused because too many wait.
    mutating func submit(
        _ id: RequestID,
        isIdempotent: Bool,
        at now: NIODeadline
    ) -> [Action] {
        guard self.phase == .gathering || self.phase == .running else {
            return [.fail(id, Self.gone)]
        }
        if self.waitingCount + self.delayed.count >= self.settings.queueMax {
            return [
                .fail(
                    id,
                    HTTP2Error(
                        .overloaded,
                        "\(self.settings.queueMax) requests already wait for the server; try again "
                            + "later"
                    )
                )
            ]
        }
        self.requests[id] = Request(isIdempotent: isIdempotent)
        self.waiting.append(id)
        self.waitingCount += 1
        return self.proceed(at: now)
    }

    /// The caller has gone, or its time is over.
    mutating func abandon(_ id: RequestID, _ error: HTTP2Error, at now: NIODeadline) -> [Action] {
        guard let request = self.requests[id] else { return [] }
        switch request.place {
        case .waiting:
            self.requests[id] = nil
            self.waitingCount -= 1
            self.tidyWaiting()
        case .delayed:
            self.requests[id] = nil
            self.delayed.removeAll { $0 == id }
        case .on(let connection):
            self.requests[id]?.place = .abandoned(connection)
            return [.cancel(id, on: connection), .fail(id, error)]
        case .abandoned: return []
        }
        return [.fail(id, error)]
    }

    /// A stream is over, or could not be opened.
    ///
    /// - Parameters:
    ///   - id: The request.
    ///   - error: What ended it; `nil` when the answer is complete.
    ///   - canRepeat: Whether nothing of the answer was passed on, and the request's body is whole.
    ///   - now: The time.
    ///   - jitter: At least 0, less than 1.
    /// - Returns: What is to be done.
    mutating func streamEnded(
        _ id: RequestID,
        _ error: HTTP2Error?,
        canRepeat: Bool,
        at now: NIODeadline,
        jitter: Double
    ) -> [Action] {
        guard var request = self.requests[id] else { return [] }
        switch request.place {
        case .on(let connection):
            self.leave(connection, hasServed: error == nil)
        case .abandoned(let connection):
            self.leave(connection, hasServed: false)
            self.requests[id] = nil
            return self.proceed(at: now)
        case .waiting, .delayed: return []
        }
        guard let error else {
            self.requests[id] = nil
            return self.proceed(at: now)
        }
        guard self.phase == .running, canRepeat, request.attempts < self.settings.attemptsMax,
            Self.isRepeatable(error, isIdempotent: request.isIdempotent)
        else {
            self.requests[id] = nil
            return [.fail(id, error)] + self.proceed(at: now)
        }
        if error.code == .goingAway, request.attempts == 1 {
            // Another connection will do; there is nothing to wait for.
            request.place = .waiting
            self.waiting.prepend(id)
            self.waitingCount += 1
        } else {
            let pause = self.pause(after: request.attempts, jitter: jitter)
            request.place = .delayed(now + pause)
            self.delayed.append(id)
        }
        self.requests[id] = request
        return self.proceed(at: now)
    }

    /// Whether a request that ended so may be sent again (RFC 9113, 8.7).
    static func isRepeatable(_ error: HTTP2Error, isIdempotent: Bool) -> Bool {
        switch error.code {
        case .refused, .goingAway: true
        case .connectionLost: isIdempotent
        case .streamReset: isIdempotent && error.streamCode == 0x2
        case .connectFailed, .protocolViolation, .limitExceeded, .timedOut, .cancelled,
            .overloaded, .configuration, .bindFailed, .certificate:
            false
        }
    }

    // MARK: Connections

    /// `run()` has begun.
    mutating func start(at now: NIODeadline) -> [Action] {
        guard self.phase == .gathering else { return [] }
        self.phase = .running
        return self.proceed(at: now)
    }

    /// The peer has said how many streams it takes; called again whenever that changes.
    mutating func connectionReady(
        _ id: ConnectionID,
        streamsMax: Int,
        at now: NIODeadline
    ) -> [Action] {
        guard let index = self.index(of: id) else { return [] }
        self.connections[index].streamsMax = min(streamsMax, self.settings.streamsMax)
        if case .connecting = self.connections[index].state {
            self.connections[index].state = .ready
        }
        return self.proceed(at: now)
    }

    /// There is no connection.
    mutating func connectFailed(
        _ id: ConnectionID,
        _ error: HTTP2Error,
        at now: NIODeadline,
        jitter: Double
    ) -> [Action] {
        guard let index = self.index(of: id) else { return [] }
        self.connections.remove(at: index)
        self.delayConnecting(at: now, jitter: jitter)
        var actions: [Action] = []
        // A wrong certificate does not become right by trying again.
        let isFinal = error.code == .certificate || error.code == .configuration
        if !self.connections.contains(where: { $0.state == .ready }) {
            for id in self.waiting where self.requests[id]?.place == .waiting {
                let attempts = (self.requests[id]?.attempts ?? 0) + 1
                self.requests[id]?.attempts = attempts
                guard isFinal || attempts >= self.settings.attemptsMax else { continue }
                self.requests[id] = nil
                self.waitingCount -= 1
                actions.append(.fail(id, error))
            }
            self.tidyWaiting()
        }
        return actions + self.proceed(at: now)
    }

    /// A connection takes no new streams: the peer goes away, or nobody has needed it for long.
    mutating func connectionLeaving(_ id: ConnectionID, at now: NIODeadline) -> [Action] {
        guard let index = self.index(of: id) else { return [] }
        if self.connections[index].state != .closing { self.connections[index].state = .leaving }
        return self.proceed(at: now)
    }

    /// A connection is gone; its streams have ended before.
    mutating func connectionClosed(
        _ id: ConnectionID,
        at now: NIODeadline,
        jitter: Double
    ) -> [Action] {
        guard let index = self.index(of: id) else { return [] }
        let connection = self.connections.remove(at: index)
        // One that ends without having served is no better than one that was never made.
        if !connection.hasServed, connection.state != .closing {
            self.delayConnecting(at: now, jitter: jitter)
        }
        return self.proceed(at: now)
    }

    /// The time asked for by `wake` has come.
    mutating func wake(at now: NIODeadline) -> [Action] {
        self.wakeAt = nil
        return self.proceed(at: now)
    }

    // MARK: End

    /// `run()` ends: what waits fails, what is on its way may end.
    mutating func stop(at now: NIODeadline) -> [Action] {
        guard self.phase == .running || self.phase == .gathering else { return [] }
        self.phase = .stopping
        var actions: [Action] = []
        for (id, request) in self.requests.sorted(by: { $0.key < $1.key }) {
            switch request.place {
            case .waiting, .delayed:
                self.requests[id] = nil
                actions.append(.fail(id, Self.gone))
            case .on, .abandoned: break
            }
        }
        self.waiting.removeAll()
        self.waitingCount = 0
        self.delayed.removeAll()
        return actions + self.proceed(at: now)
    }

    /// The time for ending is over: what is still on its way is cancelled.
    mutating func stopNow(at now: NIODeadline) -> [Action] {
        guard self.phase == .stopping else { return [] }
        var actions: [Action] = []
        for id in self.requests.keys.sorted() {
            actions += self.abandon(id, Self.gone, at: now)
        }
        for index in self.connections.indices where self.connections[index].state != .closing {
            self.connections[index].state = .closing
            actions.append(.close(self.connections[index].id))
        }
        return actions
    }

    private static let gone = HTTP2Error(.cancelled, "the client was ended")
}
