// What a step is: one action with its conditions, verifiers, retries and rollback.

/// What running a step does to the world; decides what happens after a crash.
public enum Effects: String, Codable, Sendable, Hashable, CaseIterable {
    /// Nothing: may run again at any time.
    case none
    /// Running twice equals running once.
    case idempotent
    /// Everything else: after a crash its verifiers decide, else a person.
    case destructive
}

/// One step of a plan.
public struct Step: Codable, Sendable, Hashable {
    /// The name that `needs` and expressions use: a letter, then letters, digits, `-`, `_`.
    public var id: String
    /// One line for people.
    public var title: String?
    /// Steps that must have ended before this one starts.
    public var needs: [String]
    /// `if`: a boolean expression; false skips the step. Without one, `success()`.
    public var condition: Expression?
    /// Verifiers that must hold before the action starts.
    public var preconditions: [Verifier]
    /// What the step does.
    public var action: Action
    /// What that does to the world.
    public var effects: Effects
    /// Time for one attempt, verifiers included. Default 10 min; a sleep adds its length, a child
    /// run has 24 h; what waits from outside is not counted.
    public var timeoutMilliseconds: Int64
    /// How often the step is tried; `nil` is one attempt, after which the run's policy decides.
    public var retry: RetryPolicy?
    /// Values that other steps read as `steps.<id>.outputs.<name>`.
    public var outputs: [String: Template]
    /// What must be true afterwards. Empty means the tool's default verifier.
    public var verify: [Verifier]
    /// What undoes the step when the run fails after it.
    public var rollback: [RollbackAction]
    /// Files to keep.
    public var artifacts: [ArtifactDeclaration]
    /// How a program asks to be tried again later; `nil`: it cannot.
    public var snooze: SnoozePolicy?

    /// Makes a step.
    public init(
        id: String,
        title: String? = nil,
        needs: [String] = [],
        condition: Expression? = nil,
        preconditions: [Verifier] = [],
        action: Action,
        effects: Effects = .destructive,
        timeoutMilliseconds: Int64 = 600_000,
        retry: RetryPolicy? = nil,
        outputs: [String: Template] = [:],
        verify: [Verifier] = [],
        rollback: [RollbackAction] = [],
        artifacts: [ArtifactDeclaration] = [],
        snooze: SnoozePolicy? = nil
    ) {
        self.snooze = snooze
        self.id = id
        self.title = title
        self.needs = needs
        self.condition = condition
        self.preconditions = preconditions
        self.action = action
        self.effects = effects
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retry = retry
        self.outputs = outputs
        self.verify = verify
        self.rollback = rollback
        self.artifacts = artifacts
    }
}

/// One action of a rollback chain, itself verified.
public struct RollbackAction: Codable, Sendable, Hashable {
    /// What undoes.
    public var action: Action
    /// What must be true afterwards. Empty means the tool's default verifier.
    public var verify: [Verifier]
    /// Time for one attempt. Default 10 min.
    public var timeoutMilliseconds: Int64
    /// How often it is tried; `nil` is one attempt.
    public var retry: RetryPolicy?

    /// Makes a rollback action.
    public init(
        action: Action,
        verify: [Verifier] = [],
        timeoutMilliseconds: Int64 = 600_000,
        retry: RetryPolicy? = nil
    ) {
        self.action = action
        self.verify = verify
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retry = retry
    }
}

/// A file of the workspace to keep as evidence.
public struct ArtifactDeclaration: Codable, Sendable, Hashable {
    /// The path under the workspace.
    public var file: Template
    /// The name to keep it under; without one the file's path.
    public var name: String?
    /// The media type; without one `application/octet-stream`.
    public var mediaType: String?

    /// Declares an artifact.
    public init(file: Template, name: String? = nil, mediaType: String? = nil) {
        self.file = file
        self.name = name
        self.mediaType = mediaType
    }
}

/// How a program asks to be tried again later without that being a failure: it used up no attempt.
public struct SnoozePolicy: Codable, Sendable, Hashable {
    /// The exit code that asks so. Default 75, the `EX_TEMPFAIL` of sysexits.h.
    public var exit: Int
    /// How long is waited then. Default 30 s.
    public var delayMilliseconds: Int64
    /// How often it may ask until a person has it run again; after that it is a failure. Default 20.
    public var max: Int

    /// Makes a policy.
    public init(exit: Int = 75, delayMilliseconds: Int64 = 30_000, max: Int = 20) {
        self.exit = exit
        self.delayMilliseconds = delayMilliseconds
        self.max = max
    }
}

/// How often something is tried, and how long is waited between.
public struct RetryPolicy: Codable, Sendable, Hashable {
    /// A kind of failure that may be tried again.
    public enum Failure: String, Codable, Sendable, Hashable, CaseIterable {
        /// The peer could not be reached or went away.
        case network
        /// An HTTP answer of 500 to 599.
        case serverError = "5xx"
        /// The attempt took too long.
        case timeout
        /// A program ended with another exit code than expected.
        case exit
        /// A verifier did not hold.
        case verifier
        /// Anything else the tool reported.
        case error
    }

    /// Attempts in all, the first included; 1 means no retry.
    public var maxAttempts: Int
    /// The wait after the first failure.
    public var backoffMilliseconds: Int64
    /// What each further wait is multiplied by.
    public var multiplier: Double
    /// The part of a wait that is random: 0.2 means ±20 %.
    public var jitter: Double
    /// The longest wait.
    public var backoffMillisecondsMax: Int64
    /// Which failures are tried again; empty means all.
    public var when: [Failure]

    /// Makes a policy.
    public init(
        maxAttempts: Int = 3,
        backoffMilliseconds: Int64 = 1_000,
        multiplier: Double = 2,
        jitter: Double = 0.2,
        backoffMillisecondsMax: Int64 = 300_000,
        when: [Failure] = []
    ) {
        self.maxAttempts = maxAttempts
        self.backoffMilliseconds = backoffMilliseconds
        self.multiplier = multiplier
        self.jitter = jitter
        self.backoffMillisecondsMax = backoffMillisecondsMax
        self.when = when
    }

    /// A run that says nothing: 3 attempts, 1 s, doubled, ±20 %.
    public static let runDefault = RetryPolicy()
}
