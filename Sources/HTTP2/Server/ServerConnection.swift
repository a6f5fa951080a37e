// The server's end of an HTTP/2 connection: makes requests of streams and starts their handlers.

import CNghttp2
import HTTPTypes
import Metrics
import NIOCore

/// A connection of a client.
@safe final class ServerConnection: HTTP2Connection {
    let server: ServerLife
    let origin: RequestOrigin
    /// Tasks of handlers that have not returned, whether or not their stream is still open.
    private var tasksCount = 0
    private var requestsCount = 0
    private let requestsMax: Int
    private var isOver = false
    private var hasLeft = false
    private var drainPhase = DrainPhase.none

    private enum DrainPhase {
        case none
        /// The first GOAWAY and a PING are on their way.
        case noticed(since: NIODeadline)
        /// The last stream was named.
        case last
    }

    /// The PING behind the first GOAWAY.
    private static let drainPing: UInt64 = 0x6f70_7364_7261_696e

    init(eventLoop: any EventLoop, server: ServerLife, origin: RequestOrigin) {
        self.server = server
        self.origin = origin
        // Not all connections go at once.
        let most = server.limits.requestsMax
        self.requestsMax = max(1, most - Int.random(in: 0...max(1, most / 10)))
        super.init(isServer: true, eventLoop: eventLoop, limits: server.limits)
    }

    override var settings: [(nghttp2_settings_id, UInt32)] {
        [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, UInt32(self.limits.streamsMax)),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(self.limits.streamWindowBytes)),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(self.limits.headerListBytesMax)),
        ]
    }

    /// Whether the client was told to go elsewhere.
    var isDraining: Bool {
        if case .none = self.drainPhase { false } else { true }
    }

    override var isNeeded: Bool { self.tasksCount > 0 }

    override func makeStream(_ id: Int32) -> HTTP2Stream? {
        guard self.tasksCount < self.limits.streamsMax else {
            self.reached(.tasks)
            self.reset(id, StreamCode.refused)
            return nil
        }
        self.requestsCount += 1
        if self.requestsCount == self.requestsMax {
            self.reached(.requests)
            self.beginDrain()
        }
        return ServerStream(id: id, server: self)
    }

    /// A limit was reached by one request.
    func count(_ limit: LimitName) {
        self.reached(limit)
        self.glitch()
    }

    /// Runs the handler of a request in a task of its own.
    func begin(_ exchange: Exchange, on stream: ServerStream) {
        self.tasksCount += 1
        self.loop.requestsHTTP2.increment()
        let handler = self.server.handler
        // SAFETY: the stream cancels it when it is closed; `tasksCount` is waited for at the end.
        stream.task = Task(executorPreference: self.loop.executor) {
            await handler(exchange)
            exchange.handlerReturned()
        }
    }

    /// One handler less.
    func handlerReturned() {
        self.tasksCount -= 1
        self.leaveWhenDone()
    }

    override func ended(_ error: HTTP2Error) {
        self.isOver = true
        self.leaveWhenDone()
    }

    private func leaveWhenDone() {
        guard self.isOver, self.tasksCount == 0, !self.hasLeft else { return }
        self.hasLeft = true
        self.server.left(self.origin.address)
    }

    // MARK: Deadlines

    override func sweep(_ stream: HTTP2Stream, _ now: NIODeadline) {
        if let stream = stream as? ServerStream, let limit = stream.check(at: now) {
            self.reached(limit)
            stream.reset(StreamCode.cancel)
        }
    }

    override func swept(_ now: NIODeadline) {
        if case .noticed(let since) = self.drainPhase, now - since > .seconds(1) {
            self.sendLastGoaway()
        }
    }

    override func retire() { self.beginDrain() }

    // MARK: Draining

    override func drain(_ server: ServerLife) {
        if server === self.server { self.beginDrain() }
    }

    override func closeNow(_ server: ServerLife) {
        if server === self.server { self.context?.close(promise: nil) }
    }

    /// Says that no more requests are wanted, and waits a round trip for those on their way.
    private func beginDrain() {
        guard let session = unsafe self.session, case .none = self.drainPhase else { return }
        self.drainPhase = .noticed(since: .now())
        unsafe nghttp2_submit_shutdown_notice(session)
        unsafe withUnsafeBytes(of: Self.drainPing) { bytes in
            _ = unsafe nghttp2_submit_ping(
                session,
                0,
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
        }
        var stream = self.firstStream
        while let current = stream {
            stream = current.next
            current.outbound.draining()
        }
        self.schedulePump()
    }

    override func ponged(_ payload: UInt64) {
        if payload == Self.drainPing { self.sendLastGoaway() }
    }

    private func sendLastGoaway() {
        guard let session = unsafe self.session, case .noticed = self.drainPhase else { return }
        self.drainPhase = .last
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        unsafe nghttp2_submit_goaway(session, 0, last, StreamCode.none, nil, 0)
        self.schedulePump()
    }
}
