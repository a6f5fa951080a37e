// What keeps a node's writes waiting now, for whoever is asked how the node is.

internal import Synchronization

/// Why the writer's batch is not stored yet, when that is worth telling.
public final class WriteObstacle: Sendable {
    /// A commit that takes longer than this is told of.
    static let slowAfter: Duration = .seconds(5)

    private struct State {
        var since: ContinuousClock.Instant?
        var reason: String?
    }

    private let state = Mutex(State())

    init() {}

    /// Why writes wait; `nil` while they do not, or not for long.
    public var reason: String? {
        self.state.withLock { state in
            if let reason = state.reason { return reason }
            guard let since = state.since, ContinuousClock.now - since > Self.slowAfter else {
                return nil
            }
            return "database slow: a commit has taken longer than \(Self.slowAfter) so far"
        }
    }

    /// A batch is sent.
    func begin() { self.state.withLock { $0.since = .now } }

    /// It is kept, to be sent again.
    func keep(_ reason: String) { self.state.withLock { $0.reason = reason } }

    /// The database has answered it, or nobody waits any more.
    func end() { self.state.withLock { $0 = State() } }
}
