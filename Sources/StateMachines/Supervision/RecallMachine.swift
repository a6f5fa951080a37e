// Decides how fast children that the database remembers are started again.

/// A queue of remembered children behind a token bucket: after a failover the runs of many shards come
/// to one node at once, and must not bring it down too.
public struct RecallMachine<Child: Hashable & Sendable>: Sendable {
    /// How many wait at most; who does not fit stays in the database and is asked for later.
    public let waitingMax: Int

    private let interval: Duration
    private let burst: Int
    private var waiting: [Child] = []
    private var known: Set<Child> = []
    /// When the bucket would have been empty: each start pushes it one interval ahead.
    private var emptyAt: Duration?

    /// An empty queue.
    ///
    /// - Parameters:
    ///   - perSecond: How many are started a second in the long run; at least 1. Default 50.
    ///   - burst: How many are started at once after a pause; at least 1. Default 10.
    ///   - waitingMax: How many wait at most. Default 10,000.
    public init(perSecond: Int = 50, burst: Int = 10, waitingMax: Int = 10_000) {
        self.interval = .seconds(1) / max(1, perSecond)
        self.burst = max(1, burst)
        self.waitingMax = waitingMax
    }

    /// How many wait.
    public var count: Int { self.waiting.count }

    /// Takes children that shall be started; those that wait already are not taken twice.
    ///
    /// - Returns: Those that found no place, to be asked for again when some have started.
    public mutating func remember(_ children: [Child]) -> [Child] {
        var refused: [Child] = []
        for child in children where !self.known.contains(child) {
            if self.waiting.count < self.waitingMax {
                self.waiting.append(child)
                self.known.insert(child)
            } else {
                refused.append(child)
            }
        }
        return refused
    }

    /// Drops a child that need not be started any more.
    public mutating func forget(_ child: Child) {
        guard self.known.remove(child) != nil else { return }
        self.waiting.removeAll { $0 == child }
    }

    /// When the next child may start; `nil` when none waits.
    public var wakeAt: Duration? {
        self.waiting.isEmpty
            ? nil : self.emptyAt.map { $0 - self.interval * (self.burst - 1) } ?? .zero
    }

    /// Takes out the children that start now, in the order in which they came.
    public mutating func due(at now: Duration) -> [Child] {
        var emptyAt = max(self.emptyAt ?? now, now)
        var count = 0
        while count < self.waiting.count, emptyAt <= now + self.interval * (self.burst - 1) {
            emptyAt += self.interval
            count += 1
        }
        guard count > 0 else { return [] }
        self.emptyAt = emptyAt
        let due = Array(self.waiting.prefix(count))
        self.waiting.removeFirst(count)
        self.known.subtract(due)
        return due
    }
}
