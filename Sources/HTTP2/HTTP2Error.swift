// What can go wrong with a connection or a stream, and whether the request may be sent again.

/// An error of the transport.
public struct HTTP2Error: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// No connection could be made.
        case connectFailed
        /// The connection ended before the stream did.
        case connectionLost
        /// The peer ended the stream by RST_STREAM; see ``HTTP2Error/streamCode``.
        case streamReset
        /// The peer refused the stream before it did anything with it.
        case refused
        /// The peer is going away and will not process the stream.
        case goingAway
        /// The peer broke the protocol.
        case protocolViolation
        /// A limit of ours was reached; the message names it.
        case limitExceeded
        /// A deadline passed.
        case timedOut
        /// The caller was cancelled.
        case cancelled
        /// The client's queue is full.
        case overloaded
        /// A setting cannot be used; the message names it.
        case configuration
        /// The address cannot be listened on.
        case bindFailed
        /// A certificate or its holder is not acceptable.
        case certificate
    }

    /// What kind of failure it is.
    public var code: Code
    /// One sentence for people.
    public var message: String
    /// The peer's error code of RFC 9113 section 7, where there is one.
    public var streamCode: UInt32?

    /// Makes an error.
    public init(_ code: Code, _ message: String, streamCode: UInt32? = nil) {
        self.code = code
        self.message = message
        self.streamCode = streamCode
    }

    /// Whether the peer certainly did nothing with the request, so that it may be sent again:
    /// REFUSED_STREAM, a stream above GOAWAY's last, or no connection at all (RFC 9113, 8.7).
    public var isUnprocessed: Bool {
        switch self.code {
        case .connectFailed, .refused, .goingAway, .overloaded: true
        case .connectionLost, .streamReset, .protocolViolation, .limitExceeded, .timedOut,
            .cancelled, .configuration, .bindFailed, .certificate:
            false
        }
    }

    /// The sentence.
    public var description: String { self.message }
}
