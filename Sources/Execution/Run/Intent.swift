// Decides what is known of attempts that were about to begin when their run was let go: they never did.

internal import PulserIR
internal import Store

/// An attempt of a step, of a fan-out's item or of a rollback.
struct Intent: Sendable, Hashable {
    /// The key of its journal.
    var step: String
    /// Its number, from 1.
    var attempt: Int

    init(_ record: StepRecord) {
        self.step = record.step
        self.attempt = record.attempt
    }
}

typealias Intents = Set<Intent>

/// What a run intended and never began when it was let go, and under which claim.
struct Unbegun: Sendable {
    private let claimNumber: Int64
    private let intents: Intents

    init(_ claimNumber: Int64, _ intents: Intents) {
        self.claimNumber = claimNumber
        self.intents = intents
    }

    /// What holds for a run that is taken up: nothing where anybody had it between.
    func intents(of claimed: ClaimedRun) -> Intents {
        claimed.fence.claimNumber == self.claimNumber + 1 ? self.intents : []
    }
}
