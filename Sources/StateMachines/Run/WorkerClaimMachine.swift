// Decides how long a worker outside has a run, and what follows when it is not heard of any more.

/// One run in the hands of a worker outside.
///
/// ```
/// handed ──beat──▶ handed ──lease over──▶ queued again, or failed when that happened too often
///    │                                └──▶ cancelled, when somebody had asked for its end
///    ├──given back──▶ queued again, at once or for later
///    ├──failed, to be tried again──▶ queued again for later, or failed when that is too often or too late
///    └──result──▶ ended
/// ```
public struct WorkerClaimMachine: Sendable {
    /// What happened.
    public enum Event: Sendable, Hashable {
        /// The worker lives and is not missed for so long.
        case beat(lease: Duration)
        /// Somebody wants the run to end.
        case cancel(reason: String)
        /// Somebody paused the run, or has it go on.
        case pause(Bool)
        /// Time has passed.
        case look
    }

    /// What follows.
    public enum Action: Sendable, Hashable {
        /// Look again at that time.
        case wait(until: Duration)
        /// Another worker gets the run.
        case requeue
        /// The run fails.
        case fail(reason: String)
        /// The run ends as it was asked to.
        case cancel(reason: String)
    }

    /// The shortest lease: a worker beats three times in it.
    public static let leaseMin: Duration = .seconds(1)
    /// The longest lease.
    public static let leaseMax: Duration = .seconds(3_600)
    /// How long a worker whose node is new has to be heard of.
    public static let adoptionGrace: Duration = .seconds(10)
    /// How long a worker has for ending a run that somebody cancelled.
    public static let cancelGrace: Duration = .seconds(30)
    /// Workers of one attempt that may be lost; with the last one the run fails.
    public static let lossesMax = 5

    /// Why the run shall end.
    public private(set) var cancelReason: String?
    /// Whether the run shall rest.
    public private(set) var isPaused = false
    private var leaseUntil: Duration
    private var graceUntil: Duration?
    private let losses: Int

    /// A run that is being handed over.
    ///
    /// - Parameters:
    ///   - lease: How long the worker is not missed.
    ///   - losses: Workers of this attempt that were lost before.
    ///   - now: The time.
    public init(lease: Duration, losses: Int, at now: Duration) {
        self.losses = losses
        self.leaseUntil = now + Self.bounded(lease)
    }

    /// A run that a worker got from another node, or from this one before it lost sight of it.
    ///
    /// - Parameters:
    ///   - leaseLeft: What was left of the lease.
    ///   - losses: Workers of this attempt that were lost before.
    ///   - now: The time.
    public init(adopted leaseLeft: Duration, losses: Int, at now: Duration) {
        self.losses = losses
        self.leaseUntil = now + min(max(leaseLeft, Self.adoptionGrace), Self.leaseMax)
    }

    /// A lease as long as it may be.
    public static func bounded(_ lease: Duration) -> Duration {
        min(max(lease, Self.leaseMin), Self.leaseMax)
    }

    /// How long the worker is not missed from now on.
    public func leaseLeft(at now: Duration) -> Duration { self.end - now }

    private var end: Duration { min(self.leaseUntil, self.graceUntil ?? self.leaseUntil) }

    /// Whether a run that its worker failed is tried again.
    ///
    /// - Parameters:
    ///   - delay: After what time the worker wants that.
    ///   - attempts: How often it was tried, this time included.
    ///   - attemptsMax: How often its plan has it tried.
    ///   - timeLeft: How long it may take from now on, its waits included.
    /// - Returns: False when this failure is its end: nobody wants another attempt, its plan has none
    ///   left, or the run's time would be over before that begins.
    public func triesAgain(
        after delay: Duration,
        attempts: Int,
        of attemptsMax: Int,
        timeLeft: Duration
    ) -> Bool {
        self.cancelReason == nil && attempts < attemptsMax && delay < timeLeft
    }

    /// Takes one event.
    ///
    /// - Returns: What follows.
    public mutating func handle(_ event: Event, at now: Duration) -> Action {
        switch event {
        // A lease that is over stays over: the run may be another's by the time this is answered.
        case .beat(let lease) where now < self.end: self.leaseUntil = now + Self.bounded(lease)
        case .beat, .look: break
        case .cancel(let reason):
            if self.cancelReason == nil {
                self.cancelReason = reason
                self.graceUntil = now + Self.cancelGrace
            }
        case .pause(let isPaused): self.isPaused = isPaused
        }
        if now < self.end { return .wait(until: self.end) }
        if let reason = self.cancelReason { return .cancel(reason: reason) }
        guard self.losses + 1 >= Self.lossesMax else { return .requeue }
        return .fail(
            reason: "\(Self.lossesMax) workers took it, one after the other, and none was heard of "
                + "any more; look what it does to them, then: opsroom runs retry"
        )
    }
}
