// Decides which worker outside gets a run: whoever has waited longest, as many as it asked for.

/// The workers that wait for runs of one lane.
///
/// A wish is asked again now and then by the node that its worker talks to; one that was not for
/// longer than it waits is nobody's any more.
public struct WishMachine: Sendable {
    /// A question that waits.
    public struct Wish: Sendable, Hashable {
        /// The node that asked, and the question's number there.
        public var node: Int64
        /// See ``node``.
        public var number: Int64
        /// Who gets the runs.
        public var worker: String
        /// Runs at most.
        public var runsMax: Int
        /// How long the worker is not missed with one.
        public var lease: Duration
        /// Until when it waits; `nil` wants an answer at once.
        public var until: Duration?

        /// Describes a wish.
        public init(
            node: Int64,
            number: Int64,
            worker: String,
            runsMax: Int,
            lease: Duration,
            until: Duration?
        ) {
            self.node = node
            self.number = number
            self.worker = worker
            self.runsMax = runsMax
            self.lease = lease
            self.until = until
        }

        fileprivate func isSame(as other: Wish) -> Bool {
            self.node == other.node && self.number == other.number
        }
    }

    /// Wishes that a lane keeps; the next one is refused.
    public static let wishesMax = 1_000

    private var wishes: [Wish] = []
    /// When a worker asked last; `nil` when none ever did.
    public private(set) var askedAt: Duration?

    /// A lane that nobody wants anything of.
    public init() {}

    /// Takes a wish, or has the same one wait longer.
    ///
    /// - Returns: Whether it is kept.
    public mutating func ask(_ wish: Wish, at now: Duration) -> Bool {
        self.askedAt = now
        self.forget(at: now)
        if let index = self.wishes.firstIndex(where: { $0.isSame(as: wish) }) {
            self.wishes[index].until = wish.until
            return true
        }
        guard self.wishes.count < Self.wishesMax else { return false }
        self.wishes.append(wish)
        return true
    }

    /// Takes a wish back.
    public mutating func drop(node: Int64, number: Int64) {
        self.wishes.removeAll { $0.node == node && $0.number == number }
    }

    /// Whether anybody waits.
    public func isAwaited(at now: Duration) -> Bool {
        self.wishes.contains { $0.until.map { $0 > now } ?? true }
    }

    /// How many runs would be taken now.
    public mutating func demand(at now: Duration) -> Int {
        self.forget(at: now)
        return self.wishes.reduce(0) { $0 + $1.runsMax }
    }

    /// Gives so many runs away. Whoever gets any has what it asked for.
    ///
    /// - Returns: Who gets how many, in order; together fewer than `count` when fewer are wanted.
    public mutating func give(_ count: Int, at now: Duration) -> [(wish: Wish, runs: Int)] {
        self.forget(at: now)
        var left = count
        var given: [(wish: Wish, runs: Int)] = []
        while left > 0, let next = self.wishes.first {
            self.wishes.removeFirst()
            let runs = min(left, next.runsMax)
            given.append((next, runs))
            left -= runs
        }
        return given
    }

    /// Ends the wishes that do not wait, now that the lane has nothing for them.
    public mutating func takeImpatient() -> [Wish] {
        let impatient = self.wishes.filter { $0.until == nil }
        if !impatient.isEmpty { self.wishes.removeAll { $0.until == nil } }
        return impatient
    }

    private mutating func forget(at now: Duration) {
        guard self.wishes.contains(where: { $0.until.map { $0 <= now } ?? false }) else { return }
        self.wishes.removeAll { $0.until.map { $0 <= now } ?? false }
    }
}
