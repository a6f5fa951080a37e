// Which link a call takes, and when one is made again after a failure.

internal import NIOCore
internal import PulserIR
internal import Synchronization

/// The links of a node: one for each peer and kind of traffic, made when somebody needs it.
///
/// Two nodes that call each other at the same moment have two; each goes on with the one that it had
/// first, so that its calls stay in order.
final class LinkPool: Sendable {
    /// Whose link, and for what.
    struct Key: Sendable, Hashable {
        var node: NodeEpoch
        var traffic: Traffic
    }

    private struct Failures {
        var count: Int
        var until: NIODeadline
        var error: ClusterError
    }

    private struct State: ~Copyable {
        var links: [Key: Link] = [:]
        /// Links that came from peers and are not in ``links``.
        var others: [ObjectIdentifier: Link] = [:]
        var failures: [Key: Failures] = [:]
        var ended: ClusterError?
    }

    private static let memory = TimeAmount.seconds(60)

    private let pause: Duration
    private let pauseMax: Duration
    private let state = Mutex(State())

    /// No links yet.
    ///
    /// - Parameters:
    ///   - pause: The pause after a failure, doubled with each further one.
    ///   - pauseMax: The longest.
    init(pause: Duration, pauseMax: Duration) {
        self.pause = pause
        self.pauseMax = pauseMax
    }

    /// The link to a node, a new one if need be.
    ///
    /// - Parameters:
    ///   - key: The node and the traffic.
    ///   - now: The time.
    ///   - make: Makes a link; called at most once.
    /// - Returns: The link, and whether it is new; or why there is none.
    func link(
        _ key: Key,
        at now: NIODeadline,
        make: () -> Link
    ) -> Result<(Link, isNew: Bool), ClusterError> {
        self.state.withLock { state in
            if let ended = state.ended { return .failure(ended) }
            if let link = state.links[key] { return .success((link, false)) }
            if let failures = state.failures[key], failures.until > now {
                return .failure(failures.error)
            }
            let link = make()
            state.links[key] = link
            return .success((link, true))
        }
    }

    /// The link there is, if any.
    func existing(_ key: Key) -> Link? { self.state.withLock { $0.links[key] } }

    /// A peer has called; its link is used unless there is one.
    ///
    /// - Returns: Why it cannot stay.
    func add(_ link: Link) -> ClusterError? {
        self.state.withLock { state in
            state.others[ObjectIdentifier(link)] = link
            return state.ended
        }
    }

    /// A link's peer is known.
    func ready(_ link: Link) {
        guard let peer = link.peer else { return }
        let key = Key(node: peer, traffic: link.traffic)
        self.state.withLock { state in
            state.failures[key] = nil
            guard state.links[key] == nil else { return }
            state.links[key] = link
            state.others[ObjectIdentifier(link)] = nil
        }
    }

    /// A link takes no new calls: the next one makes another.
    func retired(_ link: Link) {
        guard let peer = link.peer else { return }
        let key = Key(node: peer, traffic: link.traffic)
        self.state.withLock { state in
            guard state.links[key] === link else { return }
            state.links[key] = nil
            state.others[ObjectIdentifier(link)] = link
        }
    }

    /// A link is over.
    func ended(_ link: Link, wasReady: Bool, _ error: ClusterError, at now: NIODeadline) {
        let peer = link.peer
        self.state.withLock { state in
            state.others[ObjectIdentifier(link)] = nil
            guard let peer else { return }
            let key = Key(node: peer, traffic: link.traffic)
            guard state.links[key] === link else { return }
            state.links[key] = nil
            guard !wasReady else { return }
            // Of nodes that nobody has called for a while nothing is kept.
            state.failures = state.failures.filter { $0.value.until + Self.memory > now }
            let count = (state.failures[key]?.count ?? 0) + 1
            let pause = min(self.pause * (1 << min(count - 1, 20)), self.pauseMax)
            state.failures[key] = Failures(
                count: count,
                until: now + TimeAmount(pause),
                error: error
            )
        }
    }

    /// Ends every link; none is made after it.
    func end(_ reason: ClusterError) {
        let links = self.state.withLock { state in
            state.ended = reason
            return Array(state.links.values) + Array(state.others.values)
        }
        for link in links { link.end(reason) }
    }
}
