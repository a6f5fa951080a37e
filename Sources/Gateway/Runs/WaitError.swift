// Why a signal or a decision is not taken, in words that every door can put a next step to.

public import PulserIR

/// An error of the desk for what comes to runs from outside.
public struct WaitError: Error, Sendable, CustomStringConvertible {
    /// What stands in the way.
    public enum Code: Sendable, Hashable {
        /// What was sent cannot be taken by anybody.
        case invalid
        /// This person may not decide.
        case forbidden
        /// It is decided, its time is over, or the run has ended.
        case decided(RunID)
        /// What the run does may still change.
        case notBegun(RunID)
        /// The run has no step of that name that asks people.
        case unknownStep(RunID)
        /// The key was used for another signal.
        case keyInUse
    }

    /// What stands in the way.
    public var code: Code
    /// One sentence.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { self.message }
}

extension Problem {
    /// The desk's error.
    init(_ error: WaitError) {
        switch error.code {
        case .invalid:
            self.init(.invalidBody, error.message, next: "GET /v1/approvals shows the form")
        case .forbidden:
            self.init(
                .forbidden,
                error.message,
                next: "GET /v1/me tells your groups; ask somebody who may decide"
            )
        case .decided(let run):
            self.init(.conflict, error.message, next: "look at it: GET /v1/runs/\(run)/steps")
        case .notBegun(let run):
            self.init(
                .conflict,
                error.message,
                next: "decide when it has begun; look at it then: GET /v1/runs/\(run)"
            )
        case .unknownStep:
            self.init(.notFound, error.message, next: "GET /v1/approvals lists what waits")
        case .keyInUse:
            self.init(.idempotencyConflict, error.message, next: "use a new key for a new signal")
        }
    }
}
