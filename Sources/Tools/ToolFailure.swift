// How a tool says that it could not do its work.

public import PulserIR

/// Why a tool could not run or could not finish.
public struct ToolFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What retry policies choose by.
    public var kind: RetryPolicy.Failure
    /// One sentence for people, free of secrets.
    public var message: String
    /// Whether the caller's own cancellation ended it; never a failure of the step.
    public var isCancelled: Bool
    /// Whether the work may have happened although no answer arrived.
    public var isOutcomeUnknown: Bool

    /// Describes a failure.
    public init(
        _ kind: RetryPolicy.Failure,
        _ message: String,
        isCancelled: Bool = false,
        isOutcomeUnknown: Bool = false
    ) {
        self.kind = kind
        self.message = message
        self.isCancelled = isCancelled
        self.isOutcomeUnknown = isOutcomeUnknown
    }

    /// The calling task was cancelled.
    public static let cancelled = ToolFailure(.error, "cancelled", isCancelled: true)

    /// The message.
    public var description: String { self.message }
}
