// Decides whether this node may act: its lease in Postgres, seen through its own monotonic clock.

/// A node's lease. Figures of CLUSTER.md: 10 s, renewed every 2.5 s, trusted until 2 s before the
/// end as counted from the *start* of the request that renewed it.
public struct LeaseMachine: Sendable {
    /// What happened.
    public enum Event: Sendable {
        /// A renewal that was sent at `sentAt` succeeded.
        case renewed(sentAt: Duration)
        /// A renewal found no row: this node was declared dead.
        case refused
        /// Time passed.
        case tick
    }

    /// What to do.
    public enum Action: Sendable, Hashable {
        /// Side effects may go on.
        case trust
        /// The lease may be over: stop side effects until it is renewed.
        case distrust
        /// This node is dead to the others: stop everything.
        case dead
    }

    /// How long a lease lives after a renewal.
    public static let ttl: Duration = .seconds(10)
    /// How often it is renewed.
    public static let interval: Duration = .milliseconds(2_500)
    /// How much earlier than the database this node stops trusting its lease.
    public static let margin: Duration = .seconds(2)

    /// Until when this node trusts its lease, on its own clock.
    public private(set) var trustedUntil: Duration
    private let trust: Duration
    private var isTrusted = true
    private var isDead = false

    /// A lease obtained by a request sent at `sentAt`.
    ///
    /// - Parameters:
    ///   - sentAt: The node's monotonic clock when the request was sent.
    ///   - trust: How long after the sending the lease is trusted.
    public init(sentAt: Duration, trust: Duration = Self.ttl - Self.margin) {
        self.trust = trust
        self.trustedUntil = sentAt + trust
    }

    /// Whether effects are allowed at `now`, whatever events came before.
    public func isTrusted(at now: Duration) -> Bool { !self.isDead && now < self.trustedUntil }

    /// Takes one event at `now` on the node's monotonic clock.
    ///
    /// - Returns: What changed; `nil` for nothing.
    public mutating func handle(_ event: Event, at now: Duration) -> Action? {
        guard !self.isDead else { return nil }
        switch event {
        case .renewed(let sentAt):
            self.trustedUntil = max(self.trustedUntil, sentAt + self.trust)
        case .refused:
            self.isDead = true
            self.isTrusted = false
            return .dead
        case .tick: break
        }
        let isTrusted = now < self.trustedUntil
        defer { self.isTrusted = isTrusted }
        if isTrusted == self.isTrusted { return nil }
        return isTrusted ? .trust : .distrust
    }
}
