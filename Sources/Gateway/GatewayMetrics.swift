// Every metric of the gateway, declared once.

internal import Metrics

/// The module's metrics.
enum GatewayMetrics {
    /// Time from a request's head to the answer's head, per route.
    static func request(_ route: String) -> Timer {
        Timer(label: "ops_gateway_request_seconds", dimensions: [("route", route)])
    }

    /// Requests answered, per route and class of status.
    static func requests(_ route: String, _ status: String) -> Counter {
        Counter(
            label: "ops_gateway_requests_total",
            dimensions: [("route", route), ("status", status)]
        )
    }
}
