// How much an event should alarm a reader.

public import PulserIR

/// The level of an event, for those who want to see only what matters.
public enum EventLevel: String, Sendable, Hashable, CaseIterable {
    /// All goes as planned.
    case info
    /// Something did not go as planned and is being dealt with; a program's error output, too.
    case warning
    /// Something failed.
    case error
}

extension RunEvent.Kind {
    /// The level of events of this kind; output lines of a program's error output are a `warning`.
    public var level: EventLevel {
        switch self {
        case .runFailed, .runTimedOut, .stepFailed, .stepUnknown: .error
        case .runWaiting, .runPaused, .runRetrying, .runRequeued, .runRollingBack, .runCancelled,
            .stepRetrying, .stepCancelled, .writeRefused:
            .warning
        case .runStarted, .runResumed, .runUnpaused, .runProgress, .runSucceeded, .stepStarted,
            .stepOutput, .stepVerified, .stepSucceeded, .stepSkipped, .artifactStored, .signalTaken,
            .approvalDecided:
            .info
        }
    }

    /// The status a run ends in with an event of this kind; `nil` for all others.
    public var endStatus: RunStatus? {
        switch self {
        case .runSucceeded: .succeeded
        case .runFailed: .failed
        case .runCancelled: .cancelled
        case .runTimedOut: .timedOut
        case .runStarted, .runResumed, .runWaiting, .runPaused, .runUnpaused, .runRetrying,
            .runRequeued, .runProgress, .runRollingBack, .stepStarted, .stepOutput, .stepVerified,
            .stepRetrying,
            .stepSucceeded, .stepFailed, .stepSkipped,
            .stepCancelled, .stepUnknown, .artifactStored, .signalTaken, .approvalDecided,
            .writeRefused:
            nil
        }
    }
}
