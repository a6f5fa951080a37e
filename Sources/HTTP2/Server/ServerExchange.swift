// One request and the way to its answer, the same over HTTP/1.1 and HTTP/2.

public import HTTPTypes
public import NIOCore

/// Who sent a request, and how.
public struct RequestOrigin: Sendable {
    /// The protocol of the connection.
    public enum Version: String, Sendable, Hashable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
    }

    /// The peer's address; `nil` for a socket without one.
    public var address: SocketAddress?
    /// The protocol spoken.
    public var version: Version
    /// Whether the connection is encrypted.
    public var isTLS: Bool
    /// The names a verified client certificate carries (SAN DNS and URI entries); empty without one.
    public var certificateNames: [String]

    /// Describes a sender.
    public init(
        address: SocketAddress?,
        version: Version,
        isTLS: Bool = false,
        certificateNames: [String] = []
    ) {
        self.address = address
        self.version = version
        self.isTLS = isTLS
        self.certificateNames = certificateNames
    }
}

/// A request being answered.
///
/// Exactly one of the `respond` functions is called, once; if the handler returns without, the
/// stream is answered with 500. If the peer goes away the handler's task is cancelled.
public protocol ServerExchange: AnyObject, Sendable {
    /// Method, path and fields.
    var request: HTTPRequest { get }
    /// Who sent it.
    var origin: RequestOrigin { get }
    /// The request's body. The peer's window grows as the chunks are taken. To be read once.
    var body: RequestBytes { get }
    /// The connection's event loop.
    var eventLoop: any EventLoop { get }

    /// Answers with a whole body; from any thread.
    func respond(_ response: HTTPResponse, body: ByteBuffer?)
    /// Answers with a body that is pulled; `make` is called on the event loop.
    func respond(
        _ response: HTTPResponse,
        pulling make: @escaping @Sendable (any BodyStream) -> any PulledBody
    )
    /// Answers with a body written piece by piece.
    func respond(_ response: HTTPResponse) -> any ResponseBytes
}

/// Writes the body of one answer.
public protocol ResponseBytes: AnyObject, Sendable {
    /// Writes a piece; returns when it fits into the stream's buffer (256 KiB).
    ///
    /// - Throws: When the peer has gone or the stream was reset.
    func write(_ bytes: ByteBuffer) async throws(HTTP2Error)
    /// Ends the body.
    func finish(_ trailers: HTTPFields?)
    /// Resets the stream: the answer must not look complete.
    func abort()
}

/// A request's body, chunk by chunk.
public struct RequestBytes: AsyncSequence, Sendable {
    /// A chunk.
    public typealias Element = ByteBuffer

    private let pull: @Sendable () async throws -> ByteBuffer?

    /// A body made of a function that gives chunk after chunk, then `nil`.
    public init(_ pull: @escaping @Sendable () async throws -> ByteBuffer?) { self.pull = pull }

    /// Gives chunk after chunk.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let pull: @Sendable () async throws -> ByteBuffer?

        /// The next chunk; `nil` at the end.
        ///
        /// - Throws: ``HTTP2Error`` when the peer goes away before the end.
        public mutating func next() async throws -> ByteBuffer? { try await self.pull() }
    }

    /// Begins reading.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pull: self.pull) }
}
