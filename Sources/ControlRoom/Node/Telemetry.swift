// Collects this process's metrics, once.

import Gateway
import Metrics

/// What this process counts.
enum Telemetry {
    /// The registry behind `/metrics`. Whoever asks first makes it; numbers that were made before are
    /// lost, so a node asks before it does anything else.
    static let registry: MetricsRegistry = {
        let registry = MetricsRegistry()
        MetricsSystem.bootstrap(registry)
        return registry
    }()
}
