// Decides where a lane's next claim begins, so that it does not read again what it has just taken.

public import PulserIR

/// A lane's place in its queue.
///
/// What was taken leaves dead entries at the front of the index, which stay for as long as anybody's
/// transaction is open. A lane that takes one full load after the other begins where the last one
/// ended; now and then, and whenever it finds too little, it begins at the front, where a run that was
/// queued since may have a better rank.
///
/// In a lane with keys every claim deals one run to each key in turn, around from the last key that was
/// served, until its room is used up. This machine finds out of the runs alone which key that was, so
/// that any number of claims deals as one large one would.
public struct QueueMachine: Sendable {
    /// The longest that a run of better rank can be passed over.
    public static let ageMax: Duration = .milliseconds(250)

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
    }

    private var place = Place()
    private var begunAt: Duration = .zero

    /// At the front.
    public init() {}

    /// Where the claim begins that is sent now.
    ///
    /// - Parameter now: By the node's clock.
    /// - Returns: After what, or the front.
    public mutating func next(at now: Duration) -> Place {
        if now - self.begunAt >= Self.ageMax { self.begin(at: now) }
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
        guard runs.count >= asked, let last = runs.last else {
            let wasAfter = self.place.rank > .min
            self.begin(at: now)
            return wasAfter
        }
        self.place.rank = last.rank
        self.place.run = last.run
        return false
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

    /// Begins at the front of the queue again.
    private mutating func begin(at now: Duration) {
        self.place = Place(key: self.place.key)
        self.begunAt = now
    }
}
