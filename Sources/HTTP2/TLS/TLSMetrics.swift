// Every metric of the transport's encryption, declared once.

internal import Metrics

enum TLSMetrics {
    private static let renewed = Counter(
        label: "ops_http2_certificate_reloads_total",
        dimensions: [("outcome", "renewed")]
    )
    private static let refused = Counter(
        label: "ops_http2_certificate_reloads_total",
        dimensions: [("outcome", "refused")]
    )
    private static let end = Gauge(label: "ops_http2_certificate_end_seconds")

    /// Files of a certificate changed, and could be used or not.
    static func certificateReloads(renewed: Bool) {
        (renewed ? Self.renewed : Self.refused).increment()
    }

    /// How long the certificate in use is still valid.
    static func certificateEnd(seconds: Int) { Self.end.record(seconds) }
}
