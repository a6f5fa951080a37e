// Names of fields that the HTTP types do not know.

import HTTPTypes

extension HTTPField.Name {
    private static func known(_ name: String) -> HTTPField.Name {
        // A constant that is not a field name is found by the first test that loads it.
        HTTPField.Name(name) ?? .accept
    }

    /// W3C Trace Context.
    static let traceparent = Self.known("traceparent")
    /// The trace id of an answer.
    static let traceID = Self.known("x-trace-id")
    static let referrerPolicy = Self.known("referrer-policy")
    static let crossOriginResourcePolicy = Self.known("cross-origin-resource-policy")
    /// What is allowed (draft-ietf-httpapi-ratelimit-headers).
    static let rateLimitPolicy = Self.known("ratelimit-policy")
    /// What is left of it.
    static let rateLimit = Self.known("ratelimit")
    /// A request that may be sent twice and happens once.
    static let idempotencyKey = Self.known("idempotency-key")
    /// Where a stream goes on (HTML, server-sent events).
    static let lastEventID = Self.known("last-event-id")
    /// The second half of a browser's session.
    static let csrfToken = Self.known("x-csrf-token")
    /// From where a browser sends (Fetch Metadata).
    static let secFetchSite = Self.known("sec-fetch-site")
}
