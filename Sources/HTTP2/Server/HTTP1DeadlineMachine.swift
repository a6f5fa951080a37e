// Decides when a connection of HTTP/1.1 has taken too long. Pure: time comes in as a value.

import NIOCore

/// The deadlines of a connection.
struct HTTP1DeadlineMachine {
    private enum Phase {
        /// Between requests, nothing has come.
        case idle(since: NIODeadline)
        /// Part of a head has come.
        case head(since: NIODeadline)
        /// A request is being handled; no answer has begun.
        case handling(since: NIODeadline)
        /// The answer is being sent.
        case answering
        /// The connection is about to be closed.
        case lingering(since: NIODeadline)
    }

    private let limits: ConnectionLimits
    private var phase: Phase
    private var rate: BodyRateMachine
    private var unwritableSince: NIODeadline?
    /// Whether the request that was begun last has come to its end.
    private(set) var isRequestComplete = true

    init(_ limits: ConnectionLimits, at now: NIODeadline) {
        self.limits = limits
        self.phase = .head(since: now)
        self.rate = BodyRateMachine(limits)
    }

    /// Bytes have come.
    mutating func bytesArrived(_ count: Int, at now: NIODeadline) {
        switch self.phase {
        case .idle: self.phase = .head(since: now)
        // A large body may take longer as long as it comes.
        case .handling where !self.isRequestComplete: self.phase = .handling(since: now)
        case .head, .handling, .answering, .lingering: break
        }
        self.rate.arrived(count)
    }

    /// A head is complete.
    mutating func headArrived(at now: NIODeadline) {
        self.phase = .handling(since: now)
        self.isRequestComplete = false
    }

    /// A request is complete.
    mutating func requestEnded() {
        self.isRequestComplete = true
        self.rate.ended()
    }

    /// Whether the handler waits for more of the body.
    mutating func awaitsBody(_ isAwaited: Bool, at now: NIODeadline) {
        guard !self.isRequestComplete else { return }
        self.rate.awaited(isAwaited, at: now)
    }

    /// The head of an answer was written.
    mutating func answerBegan() { self.phase = .answering }

    /// An answer is complete.
    mutating func answered(at now: NIODeadline) { self.phase = .idle(since: now) }

    /// The last answer was given.
    mutating func lingers(at now: NIODeadline) { self.phase = .lingering(since: now) }

    /// Whether the channel takes bytes.
    mutating func writable(_ isWritable: Bool, at now: NIODeadline) {
        self.unwritableSince = isWritable ? nil : (self.unwritableSince ?? now)
    }

    /// What has taken too long.
    mutating func check(at now: NIODeadline) -> LimitName? {
        if let since = self.unwritableSince, now - since > TimeAmount(self.limits.writeTimeout) {
            return .writeTimeout
        }
        if self.rate.isTooSlow(at: now) { return .bodyRate }
        switch self.phase {
        case .idle(let since):
            return now - since > TimeAmount(self.limits.idleTimeout) ? .idleTimeout : nil
        case .head(let since):
            return now - since > TimeAmount(self.limits.headerTimeout) ? .headerTimeout : nil
        case .handling(let since):
            return now - since > TimeAmount(self.limits.requestTimeout) ? .requestTimeout : nil
        case .answering:
            return nil
        case .lingering(let since):
            return now - since > .seconds(2) ? .idleTimeout : nil
        }
    }
}
