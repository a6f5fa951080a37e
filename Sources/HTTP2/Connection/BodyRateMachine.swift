// Decides whether a body that somebody waits for comes too slowly. Pure: time comes in as a value.

import NIOCore

/// Measures a body in windows of the grace time, counting only time in which its reader waits.
struct BodyRateMachine {
    private let bytesPerSecondMin: Int
    private let window: TimeAmount
    private var windowBytes = 0
    private var awaitedSince: NIODeadline?

    init(_ limits: ConnectionLimits) {
        self.bytesPerSecondMin = limits.bodyBytesPerSecondMin
        self.window = TimeAmount(limits.headerTimeout)
    }

    /// Bytes have come.
    mutating func arrived(_ count: Int) { self.windowBytes += count }

    /// Whether the reader waits.
    mutating func awaited(_ isAwaited: Bool, at now: NIODeadline) {
        if !isAwaited {
            self.awaitedSince = nil
            self.windowBytes = 0
        } else if self.awaitedSince == nil {
            self.awaitedSince = now
            self.windowBytes = 0
        }
    }

    /// The body is complete.
    mutating func ended() { self.awaitedSince = nil }

    /// Whether a whole window passed without enough bytes; a new one begins if there were enough.
    mutating func isTooSlow(at now: NIODeadline) -> Bool {
        guard self.bytesPerSecondMin > 0, let since = self.awaitedSince,
            now - since >= self.window
        else { return false }
        let seconds = Double(self.window.nanoseconds) / 1e9
        guard Double(self.windowBytes) >= seconds * Double(self.bytesPerSecondMin) else {
            return true
        }
        self.awaitedSince = now
        self.windowBytes = 0
        return false
    }
}
