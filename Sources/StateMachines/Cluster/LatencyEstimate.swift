// Decides how long an answer may take before its absence means something.

/// A learned timeout, after the phi-accrual failure detector (Hayashibara et al.): latencies are
/// taken as normally distributed, and a wait counts as a miss when an answer that late would be one
/// in a hundred million (phi 8, mean + 5.6 σ). Mean and deviation are smoothed as TCP does (RFC 6298).
struct LatencyEstimate: Sendable {
    private static let phiDeviations = 5.6

    private var mean: Double?
    private var deviation = 0.0

    /// Takes one more latency.
    mutating func note(_ latency: Duration) {
        let seconds = latency / .seconds(1)
        guard let mean = self.mean else {
            self.mean = seconds
            self.deviation = seconds / 2
            return
        }
        self.deviation += (abs(seconds - mean) - self.deviation) / 4
        self.mean = mean + (seconds - mean) / 8
    }

    /// How long to wait for the next answer, within the bounds of `timing`; the longest while nothing
    /// was learned.
    func timeout(_ timing: ClusterTiming) -> Duration {
        guard let mean = self.mean else { return timing.probeTimeoutMax }
        // The mean deviation of a normal distribution is 0.8 σ.
        let wait = Duration.seconds(mean + Self.phiDeviations * self.deviation / 0.8)
        return min(max(wait, timing.probeTimeoutMin), timing.probeTimeoutMax)
    }
}
