// One connection: nghttp2's session inside a channel, for both ends.

import CNghttp2
import NIOCore

/// A session of nghttp2 in a channel's pipeline. What differs between client and server is in
/// subclasses of this and of ``HTTP2Stream``.
///
/// Owner: the pipeline. Runs on: the channel's event loop only. Ends: `handlerRemoved` or an
/// inactive channel; every stream is closed then.
@safe class HTTP2Connection: ChannelDuplexHandler, LoopMember, TurnTaker {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// Bytes gathered before they are written to the channel.
    static let writeBytes = 65_536
    /// Pieces of at least so many bytes are written without being copied.
    static let chunkBytesMin = 8_192
    /// Bytes that are written before other connections have their turn.
    static let turnBytesMax = 1_048_576

    final let eventLoop: any EventLoop
    final let loop: LoopContext
    final let limits: ConnectionLimits
    final let isServer: Bool
    /// `nil` before the start and after the end.
    final var session: OpaquePointer?
    final var context: ChannelHandlerContext?
    /// Streams that are open.
    final var streamsCount = 0
    /// The list of open streams.
    final var firstStream: HTTP2Stream?
    /// The head or trailers that are arriving, and the stream they belong to.
    final var block = FieldBlock()
    final var blockStream: HTTP2Stream?
    /// The time of this turn of the event loop.
    final var now = NIODeadline.now()
    /// Why the connection is ending, once that is known.
    final var failure: HTTP2Error?
    final var failedAt: NIODeadline?

    final var memberIndex = -1

    // Watching; see HTTP2Connection+Watching.
    final var scanner: FrameScanner
    final var conduct: ConductMachine
    final var deadlines: HTTP2DeadlineMachine
    final var pingPayload: UInt64 = 0
    final var isReadPaused = false
    final var wantsRead = false

    // Sending; see HTTP2Connection+Sending.
    final var out = ByteBuffer()
    /// Where the frame begins whose payload was just appended to ``out``.
    final var frameStart = 0
    /// A payload to be sent without a copy.
    final var chunk: ByteBuffer?
    final var unflushedBytes = 0
    /// What tasks have written to bodies and is not sent yet.
    final lazy var written = WrittenBytes()
    final var turnBytes = 0
    final var isTurnAwaited = false
    final var isPumping = false
    final var isPumpScheduled = false
    final var isPaused = false

    // Receiving; see HTTP2Connection+Receiving.
    final var isReceiving = false
    /// What is being received, so that large pieces can be sliced out of it.
    final var incoming = ByteBuffer()
    final var isEnding = false
    /// The channel is closed once everything is written.
    final var isClosing = false

    init(isServer: Bool, eventLoop: any EventLoop, limits: ConnectionLimits) {
        self.isServer = isServer
        self.eventLoop = eventLoop
        self.loop = LoopContext.of(eventLoop)
        self.limits = limits
        self.scanner = FrameScanner(isServer: isServer)
        self.conduct = ConductMachine(limits, isServer: isServer)
        self.deadlines = HTTP2DeadlineMachine(limits, at: .now())
    }

    // MARK: What the ends differ in

    /// The settings to announce.
    var settings: [(nghttp2_settings_id, UInt32)] { [] }

    /// The peer begins a stream: gives the object for it, or `nil` to refuse.
    func makeStream(_ id: Int32) -> HTTP2Stream? { nil }

    /// The connection can be used.
    func started() {}

    /// A PING was answered that is not one of the connection's own.
    func ponged(_ payload: UInt64) {}

    /// A limit was reached.
    func reached(_ limit: LimitName) { HTTP2Metrics.reached(limit) }

    /// Whether anybody needs the connection beyond its open streams.
    var isNeeded: Bool { false }

    /// Nobody has needed the connection for a while.
    func retire() { self.context?.close(promise: nil) }

    /// Looks at the deadlines of a stream.
    func sweep(_ stream: HTTP2Stream, _ now: NIODeadline) {}

    /// Time has passed.
    func swept(_ now: NIODeadline) {}

    /// Begins to end gracefully, when it belongs to this server.
    func drain(_ server: ServerLife) {}

    /// Closes at once, when it belongs to this server.
    func closeNow(_ server: ServerLife) {}

    /// The peer is going away: streams of ours above `last` were not and will not be processed.
    func goingAway(last: Int32, code: UInt32) {}

    /// The peer's SETTINGS have come, the first or others.
    func settingsReceived(isAck: Bool) {}

    /// A stream was closed and is no longer in the list.
    func removed(_ stream: HTTP2Stream) {}

    /// The connection is over; no stream is left.
    func ended(_ error: HTTP2Error) {}

    // MARK: Life

    final func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.start() }
    }

    final func channelActive(context: ChannelHandlerContext) {
        self.start()
        context.fireChannelActive()
    }

    final func handlerRemoved(context: ChannelHandlerContext) {
        self.finish(HTTP2Error(.connectionLost, "the connection was closed"))
        self.context = nil
    }

    final func channelInactive(context: ChannelHandlerContext) {
        self.finish(HTTP2Error(.connectionLost, "the connection was closed"))
        context.fireChannelInactive()
    }

    final func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(HTTP2Error(.connectionLost, "the connection failed: \(error)"))
        context.close(promise: nil)
    }

    private func start() {
        guard unsafe self.session == nil, !self.isEnding else { return }
        let user = unsafe Unmanaged.passUnretained(self).toOpaque()
        guard let session = unsafe NGHTTP2Session.make(isServer: self.isServer, user: user) else {
            self.context?.close(promise: nil)
            return
        }
        unsafe self.session = session
        let entries = self.settings.map {
            nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: $0.1)
        }
        unsafe nghttp2_submit_settings(session, 0, entries, entries.count)
        unsafe nghttp2_session_set_local_window_size(
            session,
            0,
            0,
            Int32(clamping: self.limits.connectionWindowBytes)
        )
        self.loop.add(self)
        self.started()
        self.pump()
    }

    /// Ends everything; the channel is closed or about to be.
    final func finish(_ error: HTTP2Error) {
        guard !self.isEnding else { return }
        self.isEnding = true
        self.failure = self.failure ?? error
        // The library may be further up the stack.
        if self.isReceiving || self.isPumping {
            self.eventLoop.assumeIsolated().execute { self.tearDown() }
        } else {
            self.tearDown()
        }
    }

    private func tearDown() {
        let error = self.failure ?? HTTP2Error(.connectionLost, "the connection was closed")
        if let session = unsafe self.session {
            unsafe self.session = nil
            unsafe nghttp2_session_del(session)
        }
        self.blockStream = nil
        self.out = ByteBuffer()
        self.chunk = nil
        while let stream = self.firstStream { self.close(stream, error) }
        self.loop.remove(self)
        self.ended(error)
    }

    /// Ends the connection because of what the peer or we did wrong: GOAWAY, then closed.
    final func fail(_ error: HTTP2Error, code: UInt32 = StreamCode.none) {
        guard let session = unsafe self.session, self.failure == nil else { return }
        self.failure = error
        self.failedAt = self.now
        unsafe nghttp2_session_terminate_session(session, code)
        self.schedulePump()
    }

    // MARK: Streams

    /// Adds a stream to the list.
    final func insert(_ stream: HTTP2Stream) {
        stream.next = self.firstStream
        unsafe self.firstStream?.previous = stream
        self.firstStream = stream
        self.streamsCount += 1
    }

    /// Takes a stream from the list and tells everybody, exactly once.
    final func close(_ stream: HTTP2Stream, _ error: HTTP2Error?) {
        guard !stream.flags.contains(.isClosed) else { return }
        stream.flags.insert(.isClosed)
        if let previous = unsafe stream.previous {
            previous.next = stream.next
        } else {
            self.firstStream = stream.next
        }
        unsafe stream.next?.previous = stream.previous
        stream.next = nil
        unsafe stream.previous = nil
        self.streamsCount -= 1
        if self.blockStream === stream { self.blockStream = nil }
        if stream.unconsumedBytes > 0, let session = unsafe self.session {
            unsafe nghttp2_session_consume_connection(session, stream.unconsumedBytes)
            stream.unconsumedBytes = 0
        }
        let outbound = stream.outbound
        stream.outbound = .none
        stream.connection = nil
        stream.closed(error)
        outbound.closed(stream.flags.contains(.isBodySent) ? nil : error ?? Self.cutShort)
        self.removed(stream)
    }

    private static let cutShort = HTTP2Error(
        .streamReset,
        "the stream was closed before its body was sent"
    )
}
