// By what the rows of a batch are told apart.

internal import PulserIR

extension WriteBatch {
    /// One claim on a run. Two claims may meet in one batch when a run was taken from an actor that
    /// does not know it yet: the older one's writes must neither hide nor pass for the newer one's.
    struct ClaimKey: Hashable {
        var run: Int64
        var claim: Int64

        init(run: Int64, claim: Int64) {
            self.run = run
            self.claim = claim
        }

        init(_ fence: RunFence) { self.init(run: fence.run.number, claim: fence.claimNumber) }
    }

    /// One journal row's key.
    struct JournalKey: Hashable {
        var claim: ClaimKey
        var step: String
        var attempt: Int64

        init(claim: ClaimKey, step: String, attempt: Int64) {
            self.claim = claim
            self.step = step
            self.attempt = attempt
        }

        init(_ fence: RunFence, _ record: StepRecord) {
            self.init(
                claim: ClaimKey(fence),
                step: record.step,
                attempt: Int64(record.attempt)
            )
        }
    }

    /// One file's key.
    struct ArtifactKey: Hashable {
        var claim: ClaimKey
        var step: String
        var name: String
    }
}
