// Sends requests over few connections, and again only where nothing can have happened yet.

public import HTTPTypes
public import Logging
public import NIOCore

/// A client of one server.
///
/// Owner: whoever calls ``run()``. Runs on: one event loop, with all of its connections; use several
/// clients to use several. Requests made before `run()` wait for it until their deadline. Ends:
/// cancellation of ``run()``.
public final class HTTP2Client: Sendable {
    private let eventLoop: any EventLoop
    private let loop: NIOLoopBoundBox<ClientLoop>

    /// Prepares a client.
    public init(
        _ configuration: HTTP2ClientConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        let eventLoop = group.next()
        self.eventLoop = eventLoop
        self.loop = NIOLoopBoundBox.makeBoxSendingValue(
            ClientLoop(configuration, eventLoop: eventLoop, logger: logger),
            eventLoop: eventLoop
        )
    }

    /// Keeps connections while it runs. At its cancellation requests that wait fail, those on their
    /// way may end within ``HTTP2ClientConfiguration/drainTimeout``, streams opened by ``open`` are
    /// cancelled. Called once.
    public func run() async {
        let loop = self.loop
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.eventLoop.execute { loop.value.start(continuation) }
            }
        } onCancel: {
            self.eventLoop.execute { loop.value.stop() }
        }
    }

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
        try await self.exchange(request, timeout: timeout, isIdempotent: isIdempotent) {
            () -> ClientRequest.Body in
            guard let body, body.readableBytes > 0 else { return .none }
            return .whole(body)
        }
    }

    /// Sends a request whose body comes piece by piece: the next chunk is asked for when the server
    /// has room. It is never sent twice.
    ///
    /// - Parameters:
    ///   - request: Method, path and fields; authority and scheme are filled in.
    ///   - body: The chunks; when it throws, the stream is reset.
    ///   - timeout: Until the head of the answer has come, waiting in the queue included.
    /// - Returns: The answer's head, and its body to be read. It may come before the last chunk was
    ///   sent.
    /// - Throws: What ended it.
    public func send<Chunks: AsyncSequence & Sendable>(
        _ request: HTTPRequest,
        streaming body: Chunks,
        timeout: Duration = .seconds(30)
    ) async throws(HTTP2Error) -> ClientResponse where Chunks.Element == ByteBuffer {
        try await self.exchange(request, timeout: timeout, isIdempotent: false) {
            () -> ClientRequest.Body in
            .pulled { stream in UploadBody(body, for: stream) }
        }
    }

    /// Opens a stream whose answer is pushed to a receiver on its event loop: for many streams at
    /// once, without a task each.
    ///
    /// - Parameters:
    ///   - request: Method, path and fields.
    ///   - body: The whole body; `nil` for none.
    ///   - timeout: Until the stream has ended; `nil` for no limit.
    ///   - make: Makes the receiver, on the event loop; its handle cancels the stream.
    public func open(
        _ request: HTTPRequest,
        body: ByteBuffer? = nil,
        timeout: Duration? = nil,
        receiver make: @escaping @Sendable (any ClientStream) -> any StreamReceiver
    ) {
        self.onLoop { loop in
            let opened = loop.makeRequest(
                request,
                body.map { .whole($0) } ?? .none,
                isIdempotent: false,
                isAwaited: false
            )
            opened.attach(make(opened))
            loop.submit(opened, timeout: timeout)
        }
    }

    /// Opens a stream whose body is pulled and whose answer is pushed: both directions at once.
    ///
    /// - Parameters:
    ///   - request: Method, path and fields.
    ///   - pulling: Makes the body, on the event loop.
    ///   - make: Makes the receiver, on the event loop; its handle cancels the stream.
    public func open(
        _ request: HTTPRequest,
        pulling: @escaping @Sendable (any BodyStream) -> any PulledBody,
        receiver make: @escaping @Sendable (any ClientStream) -> any StreamReceiver
    ) {
        self.onLoop { loop in
            let opened = loop.makeRequest(
                request,
                .pulled(pulling),
                isIdempotent: false,
                isAwaited: false
            )
            opened.attach(make(opened))
            loop.submit(opened, timeout: nil)
        }
    }

    private func exchange(
        _ head: HTTPRequest,
        timeout: Duration,
        isIdempotent: Bool,
        _ body: @escaping @Sendable () -> ClientRequest.Body
    ) async throws(HTTP2Error) -> ClientResponse {
        let call = ClientCall(self.loop, eventLoop: self.eventLoop)
        let result: Result<ClientResponse, HTTP2Error> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                call.begin(head, body, timeout, isIdempotent, continuation)
            }
        } onCancel: {
            call.cancel()
        }
        return try result.get()
    }

    private func onLoop(_ body: @escaping @Sendable (ClientLoop) -> Void) {
        let loop = self.loop
        if self.eventLoop.inEventLoop {
            body(loop.value)
        } else {
            self.eventLoop.execute { body(loop.value) }
        }
    }
}

/// One call of ``HTTP2Client/send(_:body:timeout:isIdempotent:)``, which may be cancelled at any
/// moment.
private struct ClientCall: Sendable {
    private let loop: NIOLoopBoundBox<ClientLoop>
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// Confined to the event loop.
    private struct State {
        var request: ClientRequest?
        var isCancelled = false
    }

    init(_ loop: NIOLoopBoundBox<ClientLoop>, eventLoop: any EventLoop) {
        self.loop = loop
        self.eventLoop = eventLoop
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    func begin(
        _ head: HTTPRequest,
        _ body: @escaping @Sendable () -> ClientRequest.Body,
        _ timeout: Duration,
        _ isIdempotent: Bool,
        _ continuation: ResponseReader.HeadWaiter
    ) {
        self.eventLoop.execute {
            guard !self.state.value.isCancelled else {
                return continuation.resume(returning: .failure(Self.cancelled))
            }
            let request = self.loop.value.makeRequest(
                head,
                body(),
                isIdempotent: isIdempotent,
                isAwaited: true
            )
            self.state.value.request = request
            request.attach(ResponseReader(request, continuation))
            self.loop.value.submit(request, timeout: timeout)
        }
    }

    func cancel() {
        self.eventLoop.execute {
            self.state.value.isCancelled = true
            self.state.value.request?.abandon(Self.cancelled)
        }
    }

    private static let cancelled = HTTP2Error(.cancelled, "the request was cancelled")
}
