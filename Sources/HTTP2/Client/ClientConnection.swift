// The client's end of a connection: opens streams, says when it takes more and when no more.

internal import CNghttp2
internal import HTTPTypes
internal import NIOCore

/// A connection to the server.
///
/// Owner: the pipeline. ``ClientLoop`` is told when it can be used, when it takes no more, when it
/// has ended.
@safe final class ClientConnection: HTTP2Connection {
    let id: Int
    /// The peer takes no new streams.
    private(set) var isLeaving = false
    private var client: ClientLoop?

    init(id: Int, client: ClientLoop, limits: ConnectionLimits) {
        self.id = id
        self.client = client
        super.init(isServer: false, eventLoop: client.eventLoop, limits: limits)
    }

    override var settings: [(nghttp2_settings_id, UInt32)] {
        [
            (NGHTTP2_SETTINGS_ENABLE_PUSH, 0),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(self.limits.streamWindowBytes)),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(self.limits.headerListBytesMax)),
        ]
    }

    override func settingsReceived(isAck: Bool) {
        guard !isAck, let session = unsafe self.session else { return }
        let streamsMax = unsafe nghttp2_session_get_remote_settings(
            session,
            NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
        )
        self.client?.ready(self.id, streamsMax: Int(streamsMax))
    }

    override func goingAway(last: Int32, code: UInt32) {
        self.isLeaving = true
        self.client?.leaving(self.id)
    }

    /// Nobody has needed it for a while.
    override func retire() {
        self.isLeaving = true
        self.client?.leaving(self.id)
    }

    override func ended(_ error: HTTP2Error) {
        let client = self.client
        self.client = nil
        client?.ended(self.id, error)
    }

    // MARK: Streams

    /// Opens a stream for a request; says `goingAway` when the connection takes none.
    func open(_ request: ClientRequest) {
        guard let session = unsafe self.session, self.failure == nil,
            unsafe nghttp2_session_check_request_allowed(session) != 0
        else {
            self.isLeaving = true
            self.client?.leaving(self.id)
            return self.requestEnded(request, Self.notOpened)
        }
        let id = Int32(bitPattern: unsafe nghttp2_session_get_next_stream_id(session))
        let stream = ClientRequestStream(id: id, connection: self, request: request)
        stream.owner = self
        switch request.body {
        case .none: stream.flags.insert(.isBodySent)
        case .whole(let bytes): stream.outbound = .whole(bytes)
        case .pulled(let make): stream.outbound = request.source(for: stream, make)
        }
        self.insert(stream)
        request.stream = stream
        guard unsafe self.submit(request.head, on: stream, session) == id else {
            return self.close(stream, Self.notOpened)
        }
        self.schedulePump()
    }

    private func submit(
        _ head: HTTPRequest,
        on stream: ClientRequestStream,
        _ session: OpaquePointer
    ) -> Int32 {
        let user = unsafe Unmanaged<HTTP2Stream>.passUnretained(stream).toOpaque()
        var provider = unsafe self.provider(of: stream)
        let hasBody = !stream.flags.contains(.isBodySent)
        return unsafe self.loop.arena.with(head) { fields, count in
            hasBody
                ? unsafe nghttp2_submit_request(session, nil, fields, count, &provider, user)
                : unsafe nghttp2_submit_request(session, nil, fields, count, nil, user)
        }
    }

    /// A stream is over, or was never opened.
    func requestEnded(_ request: ClientRequest, _ error: HTTP2Error?) {
        if self.isEnding || self.failure != nil, !self.isLeaving {
            // Nothing is to be sent after the streams that now end one by one.
            self.isLeaving = true
            self.client?.leaving(self.id)
        }
        self.client?.streamEnded(request, error)
    }

    private static let notOpened = HTTP2Error(
        .goingAway,
        "the connection takes no more requests"
    )

    // MARK: Life

    /// Says GOAWAY and closes; whatever is still open is reset.
    func shutDown() {
        self.fail(HTTP2Error(.cancelled, "the client closed the connection"))
        guard let channel = self.context?.channel else { return }
        // A peer that takes nothing does not keep the connection.
        self.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            if channel.isActive { channel.close(promise: nil) }
        }
    }
}
