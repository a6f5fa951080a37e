// One request of a caller, over as many attempts as it takes.

internal import HTTPTypes
internal import NIOCore

/// A request and whoever waits for its answer. Confined to the client's event loop.
///
/// Owner: ``ClientLoop``, until the receiver was told the end, which happens exactly once.
final class ClientRequest: ClientStream {
    /// What is sent behind the head.
    enum Body {
        case none
        case whole(ByteBuffer)
        /// Made when the stream is opened: such a request is opened once.
        case pulled(@Sendable (any BodyStream) -> any PulledBody)
    }

    let eventLoop: any EventLoop
    let id: Int
    let head: HTTPRequest
    let body: Body
    let isIdempotent: Bool
    /// Whether somebody waits for the answer; streams that nobody waits for end with `run()`.
    let isAwaited: Bool
    /// The stream of the present attempt.
    var stream: ClientRequestStream?
    /// The end of the caller's patience.
    var deadline: Scheduled<Void>?
    /// Whether there was an attempt before.
    var wasSent = false
    /// Whether something of an answer was passed on.
    private(set) var hasHead = false
    private var wasOpened = false
    private var receiver: (any StreamReceiver)?
    private var client: ClientLoop?

    init(
        id: Int,
        head: HTTPRequest,
        body: Body,
        isIdempotent: Bool,
        isAwaited: Bool,
        client: ClientLoop
    ) {
        self.id = id
        self.head = head
        self.body = body
        self.isIdempotent = isIdempotent
        self.isAwaited = isAwaited
        self.client = client
        self.eventLoop = client.eventLoop
    }

    /// Sets who takes the answer, before anything else happens.
    func attach(_ receiver: any StreamReceiver) { self.receiver = receiver }

    var isReading = true {
        didSet {
            guard self.isReading, let stream = self.stream else { return }
            stream.consume(stream.unconsumedBytes)
        }
    }

    /// Gives bytes back to the server's window.
    func consume(_ count: Int) { self.stream?.consume(count) }

    func cancel() { self.abandon(HTTP2Error(.cancelled, "the stream was cancelled")) }

    /// The caller is gone, for this reason.
    func abandon(_ error: HTTP2Error) { self.client?.abandon(self.id, error) }

    /// Whether the request can be sent once more as it was.
    var canRepeat: Bool {
        if case .pulled = self.body, self.wasOpened { return false }
        return !self.hasHead
    }

    // MARK: From the stream

    /// Makes the source of a pulled body.
    func source(
        for stream: ClientRequestStream,
        _ make: @Sendable (any BodyStream) -> any PulledBody
    ) -> OutboundBody {
        self.wasOpened = true
        return .pulled(make(stream))
    }

    func received(_ head: HTTPResponse) {
        self.hasHead = true
        self.receiver?.received(head)
    }

    /// Takes bytes.
    ///
    /// - Returns: Whether they are consumed.
    func received(_ bytes: inout ByteBuffer) -> Bool {
        self.receiver?.received(&bytes)
        return self.isReading || self.receiver == nil
    }

    /// Tells the receiver the end, once.
    func finish(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.deadline?.cancel()
        self.deadline = nil
        self.client = nil
        let receiver = self.receiver
        self.receiver = nil
        receiver?.ended(trailers, error)
    }
}

/// One attempt: a stream of a connection. Confined to the event loop.
final class ClientRequestStream: HTTP2Stream {
    private let request: ClientRequest
    private var trailers: HTTPFields?
    private var hasAnswer = false
    private var failure: HTTP2Error?

    init(id: Int32, connection: ClientConnection, request: ClientRequest) {
        self.request = request
        super.init(id: id, connection: connection)
    }

    private var client: ClientConnection? { self.connection as? ClientConnection }

    override func received(_ block: FieldBlock, isEnd: Bool) {
        if block.isTooLarge {
            self.failure = HTTP2Error(
                .limitExceeded,
                "the answer's head is larger than this client takes"
            )
            return self.reset(StreamCode.cancel)
        }
        if self.hasAnswer {
            self.trailers = block.fields
        } else {
            // An interim answer (RFC 9110, 15.2) is not the answer.
            guard block.status >= 200 else { return }
            self.hasAnswer = true
            self.request.received(
                HTTPResponse(
                    status: HTTPResponse.Status(code: block.status),
                    headerFields: block.fields
                )
            )
        }
        if isEnd { self.receivedEnd() }
    }

    override func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        let count = bytes.readableBytes
        if self.request.received(&bytes) { self.consume(count) }
    }

    override func receivedEnd() {
        self.flags.insert(.isRemoteEnded)
        // The answer is complete; nobody wants the rest of the request.
        if !self.flags.contains(.isBodySent) { self.reset(StreamCode.cancel) }
    }

    override func closed(_ error: HTTP2Error?) {
        self.request.stream = nil
        let connection = self.owner
        self.owner = nil
        if self.failure == nil, self.flags.contains(.isRemoteEnded) {
            self.request.finish(self.trailers, nil)
            connection?.requestEnded(self.request, nil)
        } else {
            var error =
                self.failure ?? error
                ?? HTTP2Error(.streamReset, "the stream ended before its answer", streamCode: 0)
            if error.code == .refused, connection?.isLeaving == true { error.code = .goingAway }
            connection?.requestEnded(self.request, error)
        }
    }

    /// The connection to report to: the stream has been taken from it when it closes.
    var owner: ClientConnection?
}
