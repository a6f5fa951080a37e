// Decides what is known of attempts that were about to begin when their run was let go: they never did.

public import PulserIR

/// An attempt of a step, of a fan-out's item or of a rollback.
public struct Intent: Sendable, Hashable {
    /// The key of its journal.
    public let step: String
    /// Its number, from 1.
    public let attempt: Int

    /// The attempt of a record.
    public init(_ record: StepRecord) {
        self.step = record.step
        self.attempt = record.attempt
    }
}

/// What a run intended and never began when it was let go.
///
/// The journal has these intents, or may have them, and cannot tell them from attempts that were under
/// way. Who let go of the run can, as long as nobody else had it since: claims are counted.
public struct UnbegunIntents: Sendable {
    private let intents: Set<Intent>
    private let claimNumber: Int64

    /// - Parameters:
    ///   - intents: What never began.
    ///   - claimNumber: The number of the claim that was let go.
    public init(_ intents: Set<Intent>, claimNumber: Int64) {
        self.intents = intents
        self.claimNumber = claimNumber
    }

    /// What still holds under another claim of the run: all under the next one, else nothing, for whoever had
    /// it meanwhile may have begun them.
    public func after(claimNumber: Int64) -> Set<Intent> {
        claimNumber == self.claimNumber + 1 ? self.intents : []
    }
}
