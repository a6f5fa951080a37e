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

    /// What a person did instead of a step.
    public struct ByHand: Codable, Sendable, Hashable {
        /// Who says so.
        public var by: String
        /// What was done, in their words.
        public var note: String
        /// When they said so, in milliseconds since 1970.
        public var atMilliseconds: Int64

        /// Describes what was done.
        public init(by: String, note: String, atMilliseconds: Int64) {
            self.by = by
            self.note = note
            self.atMilliseconds = atMilliseconds
        }
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
    /// Set when a person did by hand what the step is for. It is `skipped` then, and expressions see
    /// one that succeeded without outputs.
    public var byHand: ByHand?
    /// When the attempt began, by the clock of the process that makes it; `nil` when it is written. It
    /// is stored as the time since then, so that nodes' wall clocks do not matter.
    public var begun: ContinuousClock.Instant?
    /// When the attempt ended; `nil` when it is written.
    public var ended: ContinuousClock.Instant?

    private enum CodingKeys: String, CodingKey {
        case step, attempt, state, result, outputs, verifiers, failure, failureKind
        case snoozedMilliseconds, byHand
    }

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

    /// How long ago the attempt began and ended, in microseconds.
    ///
    /// - Parameter now: By the same clock.
    /// - Returns: Both; 0 for what happens now.
    public func ago(
        at now: ContinuousClock.Instant
    ) -> (begunMicroseconds: Int64, endedMicroseconds: Int64) {
        func microseconds(_ moment: ContinuousClock.Instant?) -> Int64 {
            moment.map { max(0, Int64((now - $0) / .microseconds(1))) } ?? 0
        }
        let ended = microseconds(self.ended)
        return (max(ended, microseconds(self.begun)), ended)
    }

    /// What expressions see as the step's status.
    public var statusSeen: String {
        self.byHand == nil ? self.state.rawValue : State.succeeded.rawValue
    }
}
