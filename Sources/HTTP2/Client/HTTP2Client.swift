// Sends requests over few connections, and again only where nothing can have happened yet.

public import HTTPTypes
public import Logging
public import NIOCore

/// Settings of a client.
public struct HTTP2ClientConfiguration: Sendable {
    /// The host to connect to.
    public var host: String
    /// The port.
    public var port: Int
    /// How to encrypt; `nil` speaks HTTP/2 in the clear with prior knowledge.
    public var tls: ClientTLS?
    /// Requests that may wait for a stream. Default 1,000; one more is refused with `overloaded`.
    public var queueMax = 1_000
    /// How long making a connection may take. Default 5 s.
    public var connectTimeout: Duration = .seconds(5)
    /// Connections at once. Default 1.
    public var connectionsMax = 1

    /// Names the server.
    public init(host: String, port: Int, tls: ClientTLS? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
    }
}

/// An answer whose body is still to be read.
public struct ClientResponse: Sendable {
    /// Status and fields.
    public var head: HTTPResponse
    /// The body; the server's window grows as chunks are taken. To be read once; not reading on
    /// cancels the stream.
    public var body: RequestBytes
}

/// A client of one server.
///
/// Owner: whoever calls ``run()``. Requests wait for it. Ends: cancellation of ``run()``.
public final class HTTP2Client: Sendable {
    private let configuration: HTTP2ClientConfiguration

    /// Prepares a client.
    public init(
        _ configuration: HTTP2ClientConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
    }

    /// Keeps connections while it runs.
    public func run() async {}

    /// Sends a request and waits for the head of its answer.
    ///
    /// - Parameters:
    ///   - request: Method, path and fields; authority and scheme are filled in.
    ///   - body: The whole body; `nil` for none.
    ///   - timeout: Until the head of the answer has come, waiting in the queue included.
    ///   - isIdempotent: Whether it may be sent again when its outcome is not known.
    /// - Returns: The answer's head, and its body to be read.
    /// - Throws: What ended it; see ``HTTP2Error/isUnprocessed``.
    public func send(
        _ request: HTTPRequest,
        body: ByteBuffer? = nil,
        timeout: Duration = .seconds(30),
        isIdempotent: Bool = false
    ) async throws(HTTP2Error) -> ClientResponse {
        throw HTTP2Error(.configuration, "not there yet")
    }

    /// Opens a stream whose answer is pushed to a receiver on its event loop: for many streams at
    /// once, without a task each.
    ///
    /// - Parameters:
    ///   - request: Method, path and fields.
    ///   - make: Makes the receiver, on the event loop; its handle cancels the stream.
    public func open(
        _ request: HTTPRequest,
        receiver make: @escaping @Sendable (any ClientStream) -> any StreamReceiver
    ) {}
}

/// Takes the answer of one stream, on the event loop of its connection.
public protocol StreamReceiver: AnyObject {
    /// The head of the answer.
    func received(_ head: HTTPResponse)
    /// A piece of the body. Its bytes are consumed (the window grows) when this returns, unless
    /// ``ClientStream/isReading`` is false: then when it is set to true again.
    func received(_ bytes: inout ByteBuffer)
    /// The end, exactly once; `nil` when the answer is complete.
    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?)
}

/// A receiver's handle on its stream. Only on the event loop.
public protocol ClientStream: AnyObject {
    /// The event loop that everything here belongs to.
    var eventLoop: any EventLoop { get }
    /// Whether bytes are consumed as they come; a slow reader sets it to false.
    var isReading: Bool { get set }
    /// Cancels the stream: RST_STREAM(CANCEL).
    func cancel()
}
