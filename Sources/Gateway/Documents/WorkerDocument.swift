// The worker outside that has a run, as JSON and as a sentence.

public import PulserIR
public import Store

/// A run's worker.
public enum WorkerDocument {
    /// Its name, the number of its claim, and until when it is not missed.
    public static func json(_ claim: ExternalClaim) -> JSONValue {
        .object([
            "name": .string(claim.worker), "claim_no": .integer(claim.claimNumber),
            "lease_until": .string(Timestamp.text(milliseconds: claim.leaseUntilMilliseconds)),
        ])
    }

    /// One sentence.
    static func sentence(_ claim: ExternalClaim) -> String {
        let left = max(0, Int64(claim.leaseLeft / .seconds(1)))
        return "worker '\(claim.worker)' has it under claim \(claim.claimNumber), and is missed "
            + (left > 0 ? "if it says nothing for another \(left) s" : "by now")
    }
}
