// Where a run is in its life.

/// A run's status; the words are those of the database and of every output.
public enum RunStatus: String, Codable, Sendable, Hashable, CaseIterable {
    /// Stored, waits for its turn in its lane.
    case queued
    /// Taken by a node, nothing started yet.
    case claimed
    /// Steps are running.
    case running
    /// Waits for a timer: the pause before its next attempt, or a decision of a person.
    case waiting
    /// Every step ended well.
    case succeeded
    /// A step failed for good.
    case failed
    /// Somebody asked for its end.
    case cancelled
    /// Its time was over.
    case timedOut = "timed_out"

    /// Whether the run has ended.
    public var isTerminal: Bool {
        switch self {
        case .queued, .claimed, .running, .waiting: false
        case .succeeded, .failed, .cancelled, .timedOut: true
        }
    }
}

/// A step's status inside a run.
public enum StepStatus: String, Codable, Sendable, Hashable, CaseIterable {
    /// Waits for the steps it needs.
    case pending
    /// An attempt is under way.
    case running
    /// Waits before its next attempt.
    case retrying
    /// Ended well, verified.
    case succeeded
    /// Failed for good.
    case failed
    /// Its `if` was false, or a step it needs failed.
    case skipped
    /// The run ended first.
    case cancelled
    /// A crash left its outcome unknown and no verifier can tell.
    case unknown

    /// Whether the step will not run again in this attempt of the run.
    public var isSettled: Bool {
        switch self {
        case .pending, .running, .retrying: false
        case .succeeded, .failed, .skipped, .cancelled, .unknown: true
        }
    }
}
