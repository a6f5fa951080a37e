// How one number is kept while many threads change it.

import Metrics
import Synchronization

/// Something that can be written out.
protocol SeriesHandler: AnyObject, Sendable {
    /// The lines of this series: what follows the name, the additional label, the value.
    var samples: [MetricsText.Sample] { get }
}

/// A whole number that only grows.
final class CountSeries: SeriesHandler, CounterHandler {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { self.value.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { self.value.store(0, ordering: .relaxed) }

    var samples: [MetricsText.Sample] {
        [MetricsText.Sample(value: String(self.value.load(ordering: .relaxed)))]
    }
}

/// A number that is set, or grows by fractions.
final class LevelSeries: SeriesHandler, MeterHandler, RecorderHandler, FloatingPointCounterHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { self.set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { self.value.withLock { $0 += amount } }
    func decrement(by amount: Double) { self.value.withLock { $0 -= amount } }
    func record(_ value: Int64) { self.set(Double(value)) }
    func record(_ value: Double) { self.set(value) }
    func reset() { self.set(0.0) }

    var samples: [MetricsText.Sample] {
        [MetricsText.Sample(value: MetricsText.number(self.value.withLock { $0 }))]
    }
}

/// How often which values came.
final class HistogramSeries: SeriesHandler, TimerHandler, RecorderHandler {
    /// Bounds for times: a tenth of a millisecond to half a minute.
    static let seconds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
        5, 10, 30,
    ]
    /// Bounds for sizes and counts: powers of four.
    static let counts: [Double] = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144]

    private struct State: Sendable {
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        self.state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) { self.record(Double(duration) / 1e9) }

    func preferDisplayUnit(_ unit: TimeUnit) {}

    func record(_ value: Int64) { self.record(Double(value)) }

    func record(_ value: Double) {
        let index = self.bounds.firstIndex { value <= $0 } ?? self.bounds.count
        self.state.withLock { state in
            state.counts[index] += 1
            state.sum += value
        }
    }

    var samples: [MetricsText.Sample] {
        let state = self.state.withLock { $0 }
        var samples: [MetricsText.Sample] = []
        var total = 0
        for (index, count) in state.counts.enumerated() {
            total += count
            let bound =
                index < self.bounds.count ? MetricsText.number(self.bounds[index]) : "+Inf"
            samples.append(
                MetricsText.Sample(suffix: "_bucket", label: ("le", bound), value: String(total))
            )
        }
        samples.append(MetricsText.Sample(suffix: "_sum", value: MetricsText.number(state.sum)))
        samples.append(MetricsText.Sample(suffix: "_count", value: String(total)))
        return samples
    }
}
