// Decides what follows when a supervised child ends: restart, isolation, or giving up.

/// One supervisor of independent children (one for one): a crash of one never ends another.
///
/// A child that crashes again and again is poison: it is isolated with its reason, and what it was to
/// do fails with that. When too many restarts happen within a minute the fault is hardly in a child:
/// the supervisor gives up, and its own supervisor says when it begins anew.
public struct SupervisionMachine<Child: Hashable & Sendable>: Sendable {
    /// How a child ended.
    public enum Ending: Sendable, Hashable {
        /// It did what it was there for.
        case finished
        /// It failed; the reason is one sentence.
        case crashed(reason: String)
    }

    /// What to do about it.
    public enum Action: Sendable, Hashable {
        /// Start it again after a while.
        case restart(Child, after: Duration)
        /// Never start it again; fail its work with the reason.
        case isolate(Child, reason: String)
        /// Decide nothing more until the own supervisor, told the reason, has it ``begin()``.
        case escalate(reason: String)
    }

    private struct Life: Sendable {
        var startedAt: Duration
        var crashes = 0
    }

    /// Children that are poison, with the reason of their last crash.
    public private(set) var isolated: [Child: String] = [:]
    /// Whether this supervisor gave up; it decides nothing until ``begin()``.
    public private(set) var hasEscalated = false

    private let rules: SupervisionRules
    private var lives: [Child: Life] = [:]
    /// When children were restarted within the window, oldest first; at most `restartsMax`.
    private var restarts: [Duration] = []

    /// A supervisor without children.
    public init(rules: SupervisionRules = SupervisionRules()) { self.rules = rules }

    /// The children that live or are about to be restarted.
    public var count: Int { self.lives.count }

    /// Whether a child lives or is about to be restarted.
    public func isLiving(_ child: Child) -> Bool { self.lives[child] != nil }

    /// Says whether a child may start, and notes that it does.
    ///
    /// - Parameters:
    ///   - child: A new child, or one whose restart is due.
    ///   - now: The node's monotonic clock.
    /// - Returns: `false` for a poisonous child and after giving up.
    public mutating func start(_ child: Child, at now: Duration) -> Bool {
        guard !self.hasEscalated, self.isolated[child] == nil else { return false }
        self.lives[child, default: Life(startedAt: now)].startedAt = now
        return true
    }

    /// Takes the end of a child.
    ///
    /// - Parameters:
    ///   - child: Who ended; one that was never started is ignored.
    ///   - ending: How.
    ///   - now: The node's monotonic clock.
    ///   - random: A number from 0 up to 1 that places the restart inside its jitter.
    /// - Returns: What to do; `nil` for nothing.
    public mutating func ended(
        _ child: Child,
        _ ending: Ending,
        at now: Duration,
        random: Double
    ) -> Action? {
        guard !self.hasEscalated, var life = self.lives.removeValue(forKey: child) else {
            return nil
        }
        guard case .crashed(let reason) = ending else { return nil }
        if now - life.startedAt >= self.rules.stable { life.crashes = 0 }
        life.crashes += 1
        if life.crashes >= self.rules.crashesMax {
            self.isolated[child] = reason
            return .isolate(child, reason: reason)
        }
        self.restarts.removeAll { now - $0 >= self.rules.window }
        guard self.restarts.count < self.rules.restartsMax else {
            self.hasEscalated = true
            self.lives[child] = life
            return .escalate(reason: reason)
        }
        self.restarts.append(now)
        self.lives[child] = life
        let wait = Backoff.milliseconds(
            after: life.crashes,
            policy: self.rules.backoff,
            random: random
        )
        return .restart(child, after: .milliseconds(wait))
    }

    /// Begins anew after giving up, when its own supervisor says so. What its children did counts on:
    /// many that are poison are found one by one, not tried for ever.
    public mutating func begin() {
        self.hasEscalated = false
        self.restarts = []
    }

    /// Forgets a poisonous child, because a person said so or its work has ended.
    ///
    /// - Returns: Why it was isolated; `nil` when it was not.
    @discardableResult
    public mutating func forgive(_ child: Child) -> String? {
        self.isolated.removeValue(forKey: child)
    }
}
