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
    /// Where the next page of a list is (RFC 8288).
    static let link = Self.known("link")
    /// Whether an earlier request with the key made it.
    static let idempotencyReplayed = Self.known("idempotency-replayed")
    /// The SHA-256 of a representation (RFC 9530).
    static let reprDigest = Self.known("repr-digest")
    /// The SHA-256 of a body as it is sent (RFC 9530).
    static let contentDigest = Self.known("content-digest")
    static let referrerPolicy = Self.known("referrer-policy")
    static let crossOriginOpenerPolicy = Self.known("cross-origin-opener-policy")
    static let permissionsPolicy = Self.known("permissions-policy")
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
