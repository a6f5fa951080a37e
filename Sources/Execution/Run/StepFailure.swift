// Why an attempt failed, and how the graph hears of it.

internal import PulserIR
internal import StateMachines
internal import Tools

/// A step attempt that did not succeed.
struct StepFailure: Error {
    var kind: RetryPolicy.Failure
    var message: String
    var isStopped = false
    var isUnknown = false
    /// Set when it asks to be tried again later.
    var snoozedMilliseconds: Int64?

    static let stopped = StepFailure(.error, "stopped", isStopped: true)

    init(
        _ kind: RetryPolicy.Failure,
        _ message: String,
        isStopped: Bool = false,
        isUnknown: Bool = false
    ) {
        self.kind = kind
        self.message = message
        self.isStopped = isStopped
        self.isUnknown = isUnknown
    }

    init(_ failure: ToolFailure) {
        self.init(failure.kind, failure.message, isStopped: failure.isCancelled)
    }

    /// A verifier that does not hold; for the tool's own check the tool's kind of failure counts.
    init(verifier: VerifierOutcome, badEnd: RetryPolicy.Failure?) {
        let isDefault = verifier.id == "default"
        let what = isDefault ? "" : "verifier '\(verifier.id)' does not hold: "
        self.init(
            isDefault ? badEnd ?? .verifier : .verifier,
            "\(what)expected \(verifier.expected), found \(verifier.observed)"
        )
    }
}

extension StepRecord {
    mutating func fail(_ error: StepFailure, redactor: Redactor) {
        self.snoozedMilliseconds = error.snoozedMilliseconds
        self.state =
            error.isStopped || error.snoozedMilliseconds != nil
            ? .cancelled : error.isUnknown ? .unknown : .failed
        self.failure = redactor.redact(error.message)
        self.failureKind = error.kind
    }

    /// How the graph hears of this record.
    var end: StepGraphMachine.AttemptEnd {
        switch self.state {
        case .succeeded, .skipped: .succeeded
        case .cancelled:
            self.snoozedMilliseconds.map { .snoozed(milliseconds: $0) } ?? .stopped
        case .unknown: .unknown
        // A failure without a kind is final.
        case .failed, .intent:
            .failed(self.failureKind ?? .error, retryable: self.failureKind != nil)
        }
    }
}
