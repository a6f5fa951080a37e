// Where a call goes next: first attempt, redirects, waiting, trying again, giving up. Pure.

internal import PulserIR

/// The way of one call.
///
/// Nothing that may have been executed is sent again, unless executing it twice does no harm or the
/// receiver can tell.
struct RouteMachine: Sendable {
    /// What is to be done.
    enum Action: Sendable, Hashable {
        /// Sent to this node; the generation is 0 without a shard.
        case send(NodeEpoch, generation: Int64)
        /// After a pause the directory is asked again, then ``RouteMachine/again(_:)``.
        case wait(Duration)
        case fail(ClusterError)
    }

    /// Times that a call follows STALE and MOVED.
    static let redirectsMax = 2
    private static let pauseMin = Duration.milliseconds(20)
    private static let pauseMax = Duration.milliseconds(500)

    private let place: ActorPlace
    private let isRepeatable: Bool
    private let attemptsMax: Int
    private var redirects = 0
    private var failures = 0
    private var waits = 0
    /// The newest generation that anybody has told.
    private var generation: Int64 = 0

    /// The way of a call.
    ///
    /// - Parameters:
    ///   - place: Who has the actor.
    ///   - isRepeatable: Whether it may be sent again when its outcome is unknown.
    ///   - attemptsMax: How often at most it is tried after failures.
    init(place: ActorPlace, isRepeatable: Bool, attemptsMax: Int) {
        self.place = place
        self.isRepeatable = isRepeatable
        self.attemptsMax = attemptsMax
    }

    /// Where it goes first, and after each pause.
    ///
    /// - Parameter known: What the directory knows of the shard; `nil` without one.
    /// - Returns: What is to be done.
    mutating func again(_ known: ShardPlace?) -> Action {
        switch self.place {
        case .node(let node): return .send(node, generation: 0)
        case .shard:
            guard let known, let owner = known.owner, !known.isHandingOff,
                known.generation >= self.generation
            else { return self.wait() }
            self.generation = known.generation
            return .send(owner, generation: known.generation)
        }
    }

    /// It was told to go elsewhere.
    mutating func redirected(_ redirect: Redirect) -> Action {
        let isNews = redirect.generation >= self.generation
        self.generation = max(self.generation, redirect.generation)
        guard redirect.reason != .moving else { return self.wait() }
        self.redirects += 1
        guard self.redirects <= Self.redirectsMax else {
            return .fail(
                ClusterError(
                    .misplaced,
                    "the actor was somewhere else \(self.redirects) times; try again in a moment"
                )
            )
        }
        guard isNews, let owner = redirect.owner else { return self.wait() }
        return .send(owner, generation: redirect.generation)
    }

    /// An attempt has failed.
    mutating func failed(_ error: ClusterError) -> Action {
        let canRepeat: Bool
        switch error.code {
        case .unreachable: canRepeat = true
        // A node that leaves gives its shards away.
        case .ended: if case .shard = self.place { canRepeat = true } else { canRepeat = false }
        case .unknownOutcome, .timedOut: canRepeat = self.isRepeatable
        case .overloaded, .cancelled, .unimplemented, .noActor, .cycle, .misplaced, .notEncodable,
            .malformed, .thrown, .refused, .configuration:
            canRepeat = false
        }
        self.failures += 1
        guard canRepeat, self.failures < self.attemptsMax else { return .fail(error) }
        return self.wait()
    }

    /// How long the next attempt may take: a call that can be repeated keeps time for it.
    func patience(_ remaining: Duration) -> Duration {
        self.isRepeatable && self.failures + 1 < self.attemptsMax ? remaining / 3 : remaining
    }

    private mutating func wait() -> Action {
        let pause = min(Self.pauseMin * (1 << min(self.waits, 10)), Self.pauseMax)
        self.waits += 1
        return .wait(pause)
    }
}
