// Keeps every number the program reports, and how many series there may be.

public import Metrics
import Synchronization

/// Numbers in memory, for `/metrics`.
///
/// The series of one name are bounded: further ones are counted together, labelled `other`.
public final class MetricsRegistry: MetricsFactory {
    /// The most series of one name.
    public static let seriesMax = 1_000

    /// One series.
    struct Series: Sendable {
        var labels: [(String, String)]
        var handler: any SeriesHandler
    }

    /// All series of one name.
    struct Family: Sendable {
        var kind: String
        var series: [[String]: Series] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    public init() {}

    /// A number that only grows.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.handler("counter", label, dimensions) { CountSeries() }
    }

    /// A number with a fraction that only grows.
    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        self.handler("counter", label, dimensions) { LevelSeries() }
    }

    /// A number that goes up and down, or a distribution when `aggregate` is set.
    public func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            return self.handler("histogram", label, dimensions) {
                HistogramSeries(bounds: HistogramSeries.counts)
            }
        }
        return self.handler("gauge", label, dimensions) { LevelSeries() }
    }

    /// A number that goes up and down.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.handler("gauge", label, dimensions) { LevelSeries() }
    }

    /// A distribution of times, in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        self.handler("histogram", label, dimensions) {
            HistogramSeries(bounds: HistogramSeries.seconds)
        }
    }

    /// Series stay: a counter that goes back to zero reads as a restart.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Series stay.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    /// Series stay.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Series stay.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Series stay.
    public func destroyTimer(_ handler: any TimerHandler) {}

    /// Everything there is, by name.
    func snapshot() -> [(name: String, family: Family)] {
        self.families.withLock { families in
            families.sorted { $0.key < $1.key }.map { (name: $0.key, family: $0.value) }
        }
    }

    /// The handler of a series; the same for the same name and labels.
    private func handler<Handler: SeriesHandler>(
        _ kind: String,
        _ label: String,
        _ dimensions: [(String, String)],
        _ make: () -> Handler
    ) -> Handler {
        let name = MetricsText.name(label)
        return self.families.withLock { families in
            var labels = dimensions.map { (MetricsText.name($0.0), $0.1) }
            var family = families[name] ?? Family(kind: kind)
            // The same name used for another kind of number: kept, but not shown.
            guard family.kind == kind else { return make() }
            if family.series[labels.flatMap { [$0, $1] }] == nil,
                family.series.count >= Self.seriesMax
            {
                labels = labels.map { ($0.0, "other") }
            }
            let key = labels.flatMap { [$0, $1] }
            if let known = family.series[key]?.handler as? Handler { return known }
            let handler = make()
            family.series[key] = Series(labels: labels, handler: handler)
            families[name] = family
            return handler
        }
    }
}
