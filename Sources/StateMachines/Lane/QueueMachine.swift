// Decides where a lane's next claim begins, so that it does not read again what was taken.

public import PulserIR

/// A lane's place in its queue.
///
/// What was taken leaves dead entries at the front of the index, which stay for as long as anybody's
/// transaction is open. A lane goes on behind what it has taken, and somebody looks now and then
/// whether a run of better rank has come before that: what the look finds is where the next claim
/// begins. A look reads the dead entries and tells what that cost; the dearer it is the rarer it is.
/// While the front costs next to nothing, claims themselves begin there now and then, and after one
/// that brought too little.
///
/// In a lane with keys every claim deals one run to each key in turn, around from the last key that was
/// served, until its room is used up. This machine finds out of the runs alone which key that was, so
/// that any number of claims deals as one large one would.
public struct QueueMachine: Sendable {
    /// The longest that a run of better rank is passed over while its queue's front is cheap to read.
    public static let frontInterval: Duration = .milliseconds(250)
    /// Looking at a lane takes one part in this many of the time, at most.
    public static let lookShare = 20
    /// A front that takes longer to read than this no claim begins at.
    public static let frontMax: Duration = .microseconds(100)

    /// A place in the queue: that of a run, or the one behind it, where a claim begins.
    public struct Place: Sendable, Hashable {
        /// The run's rank; the least there is at the front.
        public var rank: Int64
        /// The run's number; the least there is at the front.
        public var run: Int64
        /// The run's key, or the last one that had its turn.
        public var key: QueueKey

        /// A place; without anything the front of a queue.
        public init(rank: Int64 = .min, run: Int64 = .min, key: QueueKey = "") {
            self.rank = rank
            self.run = run
            self.key = key
        }

        fileprivate func isBefore(_ other: Place) -> Bool {
            (self.rank, self.run) < (other.rank, other.run)
        }
    }

    private var place = Place()
    /// The last place in the queue from which a run was ever taken; a look reads up to there.
    public private(set) var reached = Place()
    /// When somebody is to look at what lies before ``reached``; `nil` when nobody needs to.
    public private(set) var lookAt: Duration?
    /// When the front was last read.
    private var frontAt: Duration?
    /// How long that took, when somebody looked.
    private var cost: Duration = .zero

    /// At the front.
    public init() {}

    private var isFrontNear: Bool { self.cost <= Self.frontMax }

    /// Where the claim begins that is sent now.
    ///
    /// - Parameter now: By the node's clock.
    /// - Returns: After what, or the front.
    public mutating func next(at now: Duration) -> Place {
        if self.isFrontNear, now - (self.frontAt ?? now) >= Self.frontInterval {
            self.go(to: Place())
        }
        if self.place.rank == .min { self.frontAt = now }
        return self.place
    }

    /// Goes on after what was taken.
    ///
    /// - Parameters:
    ///   - runs: In the order of their ranks.
    ///   - isKeyed: Whether keys took turns.
    ///   - asked: How many it could have been.
    ///   - now: By the node's clock.
    /// - Returns: Whether there may be more although fewer came than asked for.
    public mutating func took(
        _ runs: [Place],
        isKeyed: Bool,
        of asked: Int,
        at now: Duration
    ) -> Bool {
        if isKeyed, !runs.isEmpty {
            self.place = Place(key: self.lastServed(of: runs))
            return runs.count < asked
        }
        let beganAtFront = self.place.rank == .min
        if let last = runs.last {
            self.go(to: last)
            if self.reached.isBefore(last) { self.reached = last }
            // At least to know what the front costs by now.
            self.wantLook(after: Self.frontInterval, at: now)
        }
        guard runs.count < asked else { return false }
        if self.isFrontNear {
            self.go(to: Place())
            return !beganAtFront
        }
        self.go(to: self.reached)
        if !beganAtFront { self.wantLook(after: .zero, at: now) }
        return false
    }

    /// Hears what a look at the places up to ``reached`` found.
    ///
    /// - Parameters:
    ///   - found: The first run that can be claimed there; `nil` for none.
    ///   - cost: How long reading took.
    ///   - isBusy: Whether runs of the lane are under way, after which it will take others.
    ///   - now: By the node's clock.
    /// - Returns: Whether there is something to claim.
    public mutating func looked(
        _ found: Place?,
        cost: Duration,
        isBusy: Bool,
        at now: Duration
    ) -> Bool {
        self.cost = cost
        self.frontAt = now
        self.lookAt = nil
        // No claim of its own would read what comes meanwhile.
        if isBusy, !self.isFrontNear { self.wantLook(after: Self.frontInterval, at: now) }
        guard let found else { return false }
        // A claim begins behind a place.
        let before = Place(rank: found.rank, run: found.run - 1)
        if before.isBefore(self.place) { self.go(to: before) }
        return true
    }

    private mutating func go(to place: Place) {
        self.place.rank = place.rank
        self.place.run = place.run
    }

    private mutating func wantLook(after interval: Duration, at now: Duration) {
        let earliest = (self.frontAt ?? now) + max(interval, self.cost * Self.lookShare)
        self.lookAt = min(self.lookAt ?? earliest, earliest)
    }

    /// The key whose turn was the last: of those that had the most turns the last one, counted around
    /// from the key before the first.
    private func lastServed(of runs: [Place]) -> QueueKey {
        var turns: [QueueKey: Int] = [:]
        for run in runs { turns[run.key, default: 0] += 1 }
        let most = turns.values.max() ?? 0
        let before = self.place.key
        let last = turns.filter { $0.value == most }.keys
        // Around from the last key: those after it, then from the first one on.
        return last.filter { $0 <= before }.max() ?? last.max() ?? before
    }
}
