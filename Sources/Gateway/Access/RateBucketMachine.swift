// Decides whether one more request fits into a rate, and what the caller is told about it.

/// A bucket that fills steadily and gives one token per request.
struct RateBucketMachine: Sendable {
    /// How fast, and how much at once.
    struct Rate: Sendable, Hashable {
        /// Requests a second in the long run.
        var perSecond: Double
        /// Requests at once after a rest.
        var burst: Double
    }

    /// What was decided.
    struct Decision: Sendable, Hashable {
        /// Whether the request may pass.
        var isAllowed: Bool
        /// Requests that would pass at once after this one.
        var remaining: Int
        /// Seconds until the bucket is full again.
        var secondsToFull: Int
        /// Seconds until one request would pass; 0 when this one did.
        var secondsToRetry: Int
    }

    let rate: Rate
    private var level: Double
    private var filledAt: ContinuousClock.Instant

    /// A full bucket.
    init(_ rate: Rate, at now: ContinuousClock.Instant) {
        self.rate = rate
        self.level = rate.burst
        self.filledAt = now
    }

    /// Asks for one request.
    mutating func take(at now: ContinuousClock.Instant) -> Decision {
        self.fill(now)
        let isAllowed = self.level >= 1
        if isAllowed { self.level -= 1 }
        return Decision(
            isAllowed: isAllowed,
            remaining: Int(self.level),
            secondsToFull: Self.seconds(self.rate.burst - self.level, self.rate),
            secondsToRetry: isAllowed ? 0 : max(1, Self.seconds(1 - self.level, self.rate))
        )
    }

    /// Whether a request would pass now.
    mutating func hasRoom(at now: ContinuousClock.Instant) -> Bool {
        self.fill(now)
        return self.level >= 1
    }

    /// Whether nothing was taken of late: the bucket can be forgotten.
    mutating func isFull(at now: ContinuousClock.Instant) -> Bool {
        self.fill(now)
        return self.level >= self.rate.burst
    }

    private mutating func fill(_ now: ContinuousClock.Instant) {
        // A clock that stands still or goes back fills nothing.
        guard now > self.filledAt else { return }
        let seconds = (now - self.filledAt) / .seconds(1)
        self.level = min(self.rate.burst, self.level + seconds * self.rate.perSecond)
        self.filledAt = now
    }

    private static func seconds(_ amount: Double, _ rate: Rate) -> Int {
        Int((amount / rate.perSecond).rounded(.up))
    }
}
