// Decides how often something may happen: a burst, and then a rate. Pure: time comes in as a value.

import NIOCore

/// A bucket that is emptied by what happens and filled by time.
struct TokenBucket {
    private let capacity: Double
    private let perSecond: Double
    private var tokens: Double
    private var filledAt: NIODeadline?

    /// A full bucket.
    init(capacity: Int, perSecond: Double) {
        self.capacity = Double(capacity)
        self.perSecond = perSecond
        self.tokens = Double(capacity)
    }

    /// Takes tokens.
    ///
    /// - Returns: Whether there were enough; if not, none is taken.
    mutating func take(_ count: Double = 1, at now: NIODeadline) -> Bool {
        if self.tokens < count || self.filledAt == nil { self.fill(at: now) }
        guard self.tokens >= count else { return false }
        self.tokens -= count
        return true
    }

    /// Adds tokens that were earned otherwise.
    mutating func add(_ count: Double) {
        self.tokens = min(self.capacity, self.tokens + count)
    }

    private mutating func fill(at now: NIODeadline) {
        if let filledAt = self.filledAt, now > filledAt {
            let seconds = Double((now - filledAt).nanoseconds) / 1e9
            self.tokens = min(self.capacity, self.tokens + seconds * self.perSecond)
        }
        self.filledAt = now
    }
}
