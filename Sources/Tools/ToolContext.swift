// What a tool is told about the run it works for.

public import Logging
public import PulserIR

/// The surroundings of one action.
public struct ToolContext: Sendable {
    /// The run's eight letters.
    public var runID: String
    /// The run's folder: absolute, exists.
    public var workspace: String
    /// What expressions see. Its secrets are also what the redactor looks for.
    public var scope: EvaluationScope
    /// When the action must have ended.
    public var deadline: ContinuousClock.Instant
    /// Whether SQL runs in a read-only transaction.
    public var readOnlySQL: Bool
    /// The run's own database, if it has one.
    public var scratchDSN: String?
    /// Takes each line of output; awaited, so a slow taker slows the program down.
    public var emit: @Sendable (OutputLine) async -> Void
    /// Where the tool logs.
    public var logger: Logger

    /// Makes a context.
    public init(
        runID: String,
        workspace: String,
        scope: EvaluationScope,
        deadline: ContinuousClock.Instant,
        readOnlySQL: Bool = false,
        scratchDSN: String? = nil,
        emit: @escaping @Sendable (OutputLine) async -> Void = { _ in },
        logger: Logger
    ) {
        self.runID = runID
        self.workspace = workspace
        self.scope = scope
        self.deadline = deadline
        self.readOnlySQL = readOnlySQL
        self.scratchDSN = scratchDSN
        self.emit = emit
        self.logger = logger
    }

    /// The time left, never negative.
    var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: self.deadline)) }
}
