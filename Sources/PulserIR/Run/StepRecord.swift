// What the journal keeps of one step attempt.

/// One row of the step journal, keyed by run, step and attempt.
public struct StepRecord: Codable, Sendable, Hashable {
    /// How far the attempt came.
    public enum State: String, Codable, Sendable, Hashable, CaseIterable {
        /// The action is about to run or was running when the node died.
        case intent
        case succeeded
        case failed
        case skipped
        case cancelled
        /// A crash left the outcome unknown and no verifier could tell.
        case unknown
    }

    /// The step's id; `id[3]` for an item of a fan-out, `id!0` for a rollback action.
    public var step: String
    /// Counts from 1 over the whole run.
    public var attempt: Int
    /// How far it came.
    public var state: State
    /// What the tool gave.
    public var result: JSONValue
    /// The step's outputs.
    public var outputs: [String: JSONValue]
    /// What the verifiers found.
    public var verifiers: [VerifierOutcome]
    /// Why it failed, one sentence.
    public var failure: String?
    /// The kind of failure, which retry policies choose by.
    public var failureKind: RetryPolicy.Failure?
    /// Set when the step asked to be tried again later: how long is waited. It is `cancelled` then,
    /// and used up no attempt.
    public var snoozedMilliseconds: Int64?

    /// Makes a record.
    public init(
        step: String,
        attempt: Int,
        state: State,
        result: JSONValue = .null,
        outputs: [String: JSONValue] = [:],
        verifiers: [VerifierOutcome] = [],
        failure: String? = nil,
        failureKind: RetryPolicy.Failure? = nil
    ) {
        self.step = step
        self.attempt = attempt
        self.state = state
        self.result = result
        self.outputs = outputs
        self.verifiers = verifiers
        self.failure = failure
        self.failureKind = failureKind
    }
}
