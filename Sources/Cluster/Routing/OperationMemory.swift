// Which operations were executed here, and with what result: sent again, they are answered from here. Pure.

internal import NIOCore
internal import PulserIR

/// What one node remembers of operations that have a name. Bounded: the oldest that have ended are
/// forgotten; when all are under way, one more is refused.
struct OperationMemory<Waiter, Outcome> {
    /// An operation of an actor.
    struct Key: Hashable {
        var actor: ActorAddress
        var operation: OperationID
    }

    /// What is to be done with a call.
    enum Admission {
        /// It is new.
        case execute
        /// It is under way; its caller gets the result with the others.
        case wait
        /// It was executed before.
        case known(Outcome)
        /// Nothing more can be remembered.
        case full
    }

    private enum Entry {
        case running([Waiter])
        case ended(Outcome, bytes: Int, at: NIODeadline)
    }

    private let countMax: Int
    private let bytesMax: Int
    private let lifetime: TimeAmount
    private var entries: [Key: Entry] = [:]
    private var ended = CircularBuffer<Key>()
    private var bytes = 0

    /// Remembers nothing yet.
    ///
    /// - Parameters:
    ///   - countMax: Operations.
    ///   - bytesMax: Bytes of results.
    ///   - lifetime: How long a result is kept.
    init(countMax: Int, bytesMax: Int, lifetime: TimeAmount) {
        self.countMax = countMax
        self.bytesMax = bytesMax
        self.lifetime = lifetime
    }

    /// How many operations are remembered.
    var count: Int { self.entries.count }

    /// Calls that wait for operations that are under way.
    var waitersCount: Int {
        self.entries.values.reduce(0) { sum, entry in
            if case .running(let waiters) = entry { sum + waiters.count } else { sum }
        }
    }

    /// A call has come.
    mutating func admit(_ key: Key, _ waiter: Waiter, at now: NIODeadline) -> Admission {
        self.forget(at: now)
        switch self.entries[key] {
        case .ended(let outcome, _, _): return .known(outcome)
        case .running(let waiters):
            self.entries[key] = .running(waiters + [waiter])
            return .wait
        case nil:
            while self.entries.count >= self.countMax {
                guard self.forgetOldest() else { return .full }
            }
            self.entries[key] = .running([])
            return .execute
        }
    }

    /// An operation has ended.
    ///
    /// - Parameters:
    ///   - key: Which.
    ///   - outcome: What callers get from now on; `nil` when nothing was done and the next call is to
    ///     execute it.
    ///   - bytes: How large it is.
    ///   - now: The time.
    /// - Returns: Those who came while it was under way.
    mutating func finish(
        _ key: Key,
        _ outcome: Outcome?,
        bytes: Int,
        at now: NIODeadline
    ) -> [Waiter] {
        guard case .running(let waiters) = self.entries[key] else { return [] }
        if let outcome {
            self.entries[key] = .ended(outcome, bytes: bytes, at: now)
            self.ended.append(key)
            self.bytes += bytes
            while self.bytes > self.bytesMax, self.forgetOldest() {}
        } else {
            self.entries[key] = nil
        }
        return waiters
    }

    private mutating func forget(at now: NIODeadline) {
        while let first = self.ended.first, case .ended(_, _, let time)? = self.entries[first],
            now - time > self.lifetime
        {
            _ = self.forgetOldest()
        }
    }

    private mutating func forgetOldest() -> Bool {
        guard let key = self.ended.popFirst(),
            case .ended(_, let bytes, _)? = self.entries.removeValue(forKey: key)
        else { return false }
        self.bytes -= bytes
        return true
    }
}
