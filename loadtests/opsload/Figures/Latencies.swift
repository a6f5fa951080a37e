// How long things took, kept in constant memory with three significant digits.

import Histogram

/// Latencies in microseconds.
struct Latencies: Sendable {
    private var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

    /// Takes one latency; what would be negative, by clocks that disagree, counts as nothing.
    mutating func record(_ latency: Duration) {
        let parts = latency.components
        let microseconds = parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000
        self.record(microseconds: microseconds)
    }

    /// Takes one latency.
    mutating func record(microseconds: Int64) {
        self.histogram.record(UInt64(max(0, microseconds)))
    }

    /// Takes all that another one has.
    mutating func add(_ other: Latencies) { self.histogram.add(other.histogram) }

    /// How many were taken.
    var count: Int { Int(self.histogram.totalCount) }

    /// The latency, in milliseconds, that so many percent do not exceed; 0 when there is none.
    func milliseconds(at percentile: Double) -> Double {
        guard self.histogram.totalCount > 0 else { return 0 }
        return Double(self.histogram.valueAtPercentile(percentile)) / 1_000
    }

    /// p50, p95, p99 and the maximum of what `name` says, as figures.
    func figures(_ name: String) -> [Figure] {
        [("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)].map { word, percentile in
            Figure(
                "\(name).\(word)",
                self.milliseconds(at: percentile),
                "ms",
                // One pause of the machine is the maximum: it is told, not compared.
                word == "max" ? .neither : .lower
            )
        }
    }
}
