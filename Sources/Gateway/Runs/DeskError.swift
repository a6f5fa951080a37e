// Why a run cannot be started or run again, in words that every door can put a next step to.

public import PulserIR

/// An error of the desk.
public struct DeskError: Error, Sendable, CustomStringConvertible {
    /// What stands in the way.
    public enum Code: Sendable, Hashable {
        /// The inputs are too large.
        case inputsTooLarge
        /// There is no such session.
        case unknownSession
        /// The session has ended; its name stays taken.
        case endedSession
        /// The key was used for something else.
        case keyInUse
        /// The run has not ended.
        case underWay(RunID)
        /// The plan has no such step.
        case unknownStep(RunID)
        /// Every step succeeded; the first of them is told.
        case nothingToDo(RunID, firstStep: String)
        /// The step cannot be said to be done by hand.
        case notSkipped(RunID)
        /// A step cannot be said to be done by hand before what it needs is decided.
        case undecided(RunID)
        /// The run changed meanwhile.
        case changed(RunID)
        /// Another run has its unique key.
        case notUnique(RunID)
        /// Nothing was stored.
        case notStored
    }

    /// What stands in the way.
    public var code: Code
    /// One sentence.
    public var message: String

    /// What is said when another run has the unique key.
    static func held(by run: RunID) -> DeskError {
        DeskError(
            .notUnique(run),
            "run \(run) is of the same kind and has not made room for another"
        )
    }

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { self.message }
}
