// Decides when a node's worker looks for what nobody needs any more. Pure: time comes in as a value.

/// When what is swept next.
struct SweepTimes: Sendable {
    /// What is due.
    enum Sweep: Sendable, Hashable {
        case nothing
        /// Unique keys whose time is over.
        case uniqueKeys
        /// These, actions on many runs, and notes about runs that are gone.
        case all
    }

    /// How often everything is swept when there are no new actions.
    static let interval: Duration = .seconds(600)
    /// How often unique keys are: they come with runs, so as many may be over in a minute as runs were
    /// enqueued in one. An idle node asks one statement a minute.
    static let uniqueInterval: Duration = .seconds(60)

    private var allAt: ContinuousClock.Instant
    private var uniqueAt: ContinuousClock.Instant

    /// Begins to count.
    init(from now: ContinuousClock.Instant) {
        self.allAt = now + Self.interval
        self.uniqueAt = now + Self.uniqueInterval
    }

    /// Tells what is due, and counts its time from now on anew.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - hasWorked: Whether an action was worked off just now: then there is something to sweep soon.
    /// - Returns: What to sweep.
    mutating func due(at now: ContinuousClock.Instant, hasWorked: Bool) -> Sweep {
        if hasWorked || now >= self.allAt {
            self = SweepTimes(from: now)
            return .all
        }
        guard now >= self.uniqueAt else { return .nothing }
        self.uniqueAt = now + Self.uniqueInterval
        return .uniqueKeys
    }
}
