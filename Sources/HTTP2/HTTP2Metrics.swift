// Every metric of the transport, declared once.

import Metrics
import NIOCore

/// The module's metrics; labels are closed sets.
enum HTTP2Metrics {
    /// Connections that are open at the servers of this process.
    static func connections(_ count: Int) {
        Gauge(label: "ops_http2_connections_count").record(count)
    }

    /// Requests that a handler was started for.
    static func requests(version: RequestOrigin.Version) -> Counter {
        Counter(label: "ops_http2_requests_total", dimensions: [("version", version.rawValue)])
    }

    /// How often a peer ran into a limit.
    static func reached(_ name: LimitName) {
        Counter(label: "ops_http2_limits_total", dimensions: [("limit", name.rawValue)])
            .increment()
    }

    /// Time from a PING of ours to its answer.
    static func ping(_ time: TimeAmount) {
        Timer(label: "ops_http2_ping_seconds").recordNanoseconds(time.nanoseconds)
    }
}
