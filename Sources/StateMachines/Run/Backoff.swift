// How long to wait before the next attempt.

public import PulserIR

/// Exponential backoff with jitter, as River and AWS describe it: base × multiplier^(n−1), capped,
/// then spread so that many failures at one instant do not return at one instant.
public enum Backoff {
    /// The wait after a failed attempt.
    ///
    /// - Parameters:
    ///   - attempt: The number of the attempt that failed, from 1.
    ///   - policy: How the wait grows, how far, and how much it is spread.
    ///   - random: A number from 0 up to 1 that places the wait inside its jitter.
    /// - Returns: Milliseconds, never negative, never over the policy's longest wait.
    public static func milliseconds(
        after attempt: Int,
        policy: RetryPolicy,
        random: Double
    ) -> Int64 {
        var wait = Double(policy.backoffMilliseconds)
        let longest = Double(policy.backoffMillisecondsMax)
        for _ in 1..<max(2, min(attempt, 64)) where attempt > 1 && wait < longest {
            wait *= policy.multiplier
        }
        wait = min(wait, longest)
        wait *= 1 + policy.jitter * (2 * random - 1)
        // Compared as doubles: the longest wait may be a number whose double no Int64 can hold.
        guard wait < longest else { return max(0, policy.backoffMillisecondsMax) }
        return Int64(max(0, wait.rounded()))
    }

    /// Whether `policy` tries again after a failure of this kind.
    public static func retries(_ kind: RetryPolicy.Failure, policy: RetryPolicy) -> Bool {
        policy.when.isEmpty || policy.when.contains(kind)
    }
}
