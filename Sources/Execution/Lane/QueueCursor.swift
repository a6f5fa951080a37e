// Decides where a lane's next claim begins, so that it does not read again what it has just taken.

internal import PulserIR
internal import Store

/// A lane's place in its queue.
///
/// What was taken leaves dead entries at the front of the index, which stay for as long as anybody's
/// transaction is open. A lane that takes one full load after the other begins where the last one
/// ended; now and then, and whenever it finds too little, it begins at the front, where a run that was
/// queued since may have a better rank.
struct QueueCursor {
    /// The longest that a run of better rank can be passed over.
    static let ageMax: Duration = .milliseconds(250)

    private var cursor = ClaimCursor()
    private var begunAt: Duration = .zero

    /// Where the claim begins that is sent now.
    ///
    /// - Parameter now: By the node's clock.
    /// - Returns: After what, or the front.
    mutating func next(at now: Duration) -> ClaimCursor {
        if now - self.begunAt >= Self.ageMax { self.begin(at: now) }
        return self.cursor
    }

    /// Goes on after what was taken.
    ///
    /// - Parameters:
    ///   - runs: In the order of their ranks.
    ///   - asked: How many it could have been.
    ///   - now: By the node's clock.
    /// - Returns: Whether there may be more although fewer came than asked for.
    mutating func took(_ runs: [ClaimedRun], of asked: Int, at now: Duration) -> Bool {
        if let first = runs.first, first.hasMore {
            // Around from the last key: those after it, then from the first one on.
            let before = self.cursor.key
            let around = runs.filter { !Self.isBefore(before, $0.key) }
            let last = (around.isEmpty ? runs : around).max { Self.isBefore($0.key, $1.key) }
            self.cursor = ClaimCursor(key: last?.key ?? "")
            return runs.count < asked
        }
        guard runs.count >= asked, let last = runs.last else {
            let wasAfter = self.cursor.rank > .min
            self.begin(at: now)
            return wasAfter
        }
        self.cursor.rank = last.rank
        self.cursor.run = last.fence.run.number
        return false
    }

    /// As the database orders keys: byte by byte.
    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// Begins at the front of the queue again.
    ///
    /// - Parameter now: By the node's clock.
    mutating func begin(at now: Duration) {
        self.cursor = ClaimCursor(key: self.cursor.key)
        self.begunAt = now
    }
}
