// Counts requests of a costly kind, so that there are never more of them at once than there may be.

import Synchronization

/// How many requests of one kind are under way.
final class RequestGate: Sendable {
    private let max: Int
    private let count = Mutex(0)

    init(max: Int) { self.max = max }

    /// Begins one; false when there are as many as there may be.
    func enter() -> Bool {
        self.count.withLock { count in
            guard count < self.max else { return false }
            count += 1
            return true
        }
    }

    /// Ends one that was begun.
    func leave() { self.count.withLock { $0 -= 1 } }
}
