// Every metric of the client, declared once.

internal import Metrics

enum ClientMetrics {
    private static let repeats = Counter(label: "ops_http2_client_repeats_total")
    private static let connected = Counter(
        label: "ops_http2_client_connects_total",
        dimensions: [("outcome", "ready")]
    )
    private static let notConnected = Counter(
        label: "ops_http2_client_connects_total",
        dimensions: [("outcome", "failed")]
    )

    /// A request was sent once more.
    static func repeated() { Self.repeats.increment() }

    /// A connection was made, or could not be made.
    static func connects(ready: Bool) { (ready ? Self.connected : Self.notConnected).increment() }
}
