// Decides when a connection of HTTP/2 has taken too long, and when to ask whether the peer is there. Pure.

import NIOCore

/// The deadlines of a connection; time comes in as a value.
struct HTTP2DeadlineMachine {
    /// What is to be done.
    enum Action: Equatable {
        /// A PING is to be sent.
        case ping
        /// Nobody needs the connection: it is to end gracefully.
        case retire
        /// The connection is to be closed with this code.
        case close(LimitName, UInt32)
    }

    private let limits: ConnectionLimits
    private let startedAt: NIODeadline
    private var hasSettings = false
    private var areSettingsAcknowledged = false
    private var headSince: NIODeadline?
    private var receivedAt: NIODeadline
    private var sentAt: NIODeadline
    private var pingedAt: NIODeadline?
    private var isPingAlone = false
    private var unwritableSince: NIODeadline?
    private var idleSince: NIODeadline?

    init(_ limits: ConnectionLimits, at now: NIODeadline) {
        self.limits = limits
        self.startedAt = now
        self.receivedAt = now
        self.sentAt = now
    }

    /// Bytes have come; `isInHead` says whether a head has begun and not ended.
    mutating func received(isInHead: Bool, at now: NIODeadline) {
        self.receivedAt = now
        self.headSince = isInHead ? (self.headSince ?? now) : nil
    }

    /// The peer's SETTINGS, or its acknowledgement of ours.
    mutating func settings(isAck: Bool) {
        if isAck { self.areSettingsAcknowledged = true } else { self.hasSettings = true }
    }

    /// Bytes were written.
    mutating func sent(at now: NIODeadline) { self.sentAt = now }

    /// Our PING was answered.
    ///
    /// - Returns: How long it took; `nil` if none was sent.
    mutating func ponged(at now: NIODeadline) -> TimeAmount? {
        defer { self.pingedAt = nil }
        return self.pingedAt.map { now - $0 }
    }

    /// Whether the channel takes bytes.
    mutating func writable(_ isWritable: Bool, at now: NIODeadline) {
        self.unwritableSince = isWritable ? nil : (self.unwritableSince ?? now)
    }

    /// What is to be done now.
    ///
    /// - Parameters:
    ///   - isIdle: Whether there are neither streams nor handlers.
    ///   - now: The time.
    /// - Returns: `nil` when nothing is.
    mutating func check(isIdle: Bool, at now: NIODeadline) -> Action? {
        if !self.hasSettings, self.passed(self.limits.prefaceTimeout, since: self.startedAt, now) {
            return .close(.prefaceTimeout, StreamCode.protocolError)
        }
        if !self.areSettingsAcknowledged,
            self.passed(self.limits.settingsTimeout, since: self.startedAt, now)
        {
            return .close(.settingsTimeout, StreamCode.settingsTimeout)
        }
        if self.passed(self.limits.headerTimeout, since: self.headSince, now) {
            return .close(.headerTimeout, StreamCode.calm)
        }
        if self.passed(self.limits.writeTimeout, since: self.unwritableSince, now) {
            return .close(.writeTimeout, StreamCode.none)
        }
        self.idleSince = isIdle ? (self.idleSince ?? now) : nil
        if self.passed(self.limits.idleTimeout, since: self.idleSince, now) {
            self.idleSince = nil
            return .retire
        }
        return self.ping(at: now)
    }

    private mutating func ping(at now: NIODeadline) -> Action? {
        if let pingedAt = self.pingedAt {
            // Behind bytes that a slow reader has not read, a PING cannot be answered soon.
            let timeout = self.isPingAlone ? self.limits.pingTimeout : self.limits.writeTimeout
            guard self.passed(timeout, since: pingedAt, now) else { return nil }
            return .close(.pingTimeout, StreamCode.none)
        }
        guard self.unwritableSince == nil,
            self.passed(self.limits.pingInterval, since: self.receivedAt, now)
        else { return nil }
        self.pingedAt = now
        self.isPingAlone = self.passed(self.limits.pingTimeout, since: self.sentAt, now)
        return .ping
    }

    private func passed(_ limit: Duration, since: NIODeadline?, _ now: NIODeadline) -> Bool {
        guard let since else { return false }
        return now - since > TimeAmount(limit)
    }
}
