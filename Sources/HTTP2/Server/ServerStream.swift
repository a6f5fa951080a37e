// One request over HTTP/2 on the connection's side: its bytes in, its answer out.

import HTTPTypes
import NIOCore

/// A stream that a client opened. Confined to the event loop.
final class ServerStream: HTTP2Stream, AnswerStream {
    /// The handler's task, until it has returned.
    var task: Task<Void, Never>?
    private var inbound = InboundBody()
    private var isHead = false
    private var rate: BodyRateMachine
    private var discardedBytes = 0

    /// Bytes of a request that are taken although nobody wants them.
    private static let discardedBytesMax = 262_144
    private var isContinueExpected = false

    private let server: ServerConnection

    init(id: Int32, server: ServerConnection) {
        self.server = server
        self.rate = BodyRateMachine(server.limits)
        super.init(id: id, connection: server)
    }

    override func received(_ block: FieldBlock, isEnd: Bool) {
        if self.flags.contains(.hasHead) {
            if isEnd { self.receivedEnd() }
            return
        }
        // A refusal may have a body, which HEAD never gets.
        self.isHead = block.method == .head
        if block.isTooLarge {
            self.server.count(.headerList)
            return self.refuse(431)
        }
        guard let request = Self.request(block) else { return self.refuse(400) }
        self.isContinueExpected =
            !isEnd && request.headerFields[.expect]?.lowercased() == "100-continue"
        if isEnd { self.inbound.end() }
        self.server.begin(
            Exchange(request, origin: self.server.origin, stream: self, hasBody: !isEnd),
            on: self
        )
    }

    /// The request that a head means; `nil` when it means none.
    private static func request(_ block: FieldBlock) -> HTTPRequest? {
        guard let method = block.method, method != .connect, let path = block.path else {
            return nil
        }
        let host = block.hosts
        // RFC 9113, 8.3.1: Host may repeat :authority, and only that; neither names a user.
        guard host.count <= 1, let authority = block.authority ?? host.first, !authority.isEmpty,
            !authority.contains("@"), host.isEmpty || host[0].lowercased() == authority.lowercased()
        else { return nil }
        return HTTPRequest(
            method: method,
            scheme: block.scheme,
            authority: authority,
            path: path,
            headerFields: block.fields
        )
    }

    override func received(_ bytes: ByteBuffer) {
        self.rate.arrived(bytes.readableBytes)
        guard !self.isUnwanted else { return self.discard(bytes.readableBytes) }
        self.consume(self.inbound.received(bytes))
    }

    override func receivedEnd() {
        self.flags.insert(.isRemoteEnded)
        self.inbound.end()
    }

    /// Whether the answer is complete and nobody reads what still comes of the request.
    private var isUnwanted: Bool {
        self.flags.contains(.isBodySent) && self.task == nil
            && !self.flags.contains(.isRemoteEnded)
    }

    /// Throws bytes away, so that a client that first sends everything gets to its answer; one that
    /// does not end is told to stop (RFC 9113, 8.1).
    private func discard(_ count: Int) {
        self.discardedBytes += count
        self.consume(count)
        if self.discardedBytes > Self.discardedBytesMax { self.reset(StreamCode.none) }
    }

    /// What has taken too long.
    func check(at now: NIODeadline) -> LimitName? {
        let limits = self.server.limits
        if self.isUnwanted {
            self.discard(self.unconsumedBytes)
            if now - self.progressedAt > TimeAmount(limits.headerTimeout) {
                self.reset(StreamCode.none)
            }
            return nil
        }
        self.rate.awaited(self.inbound.isAwaited, at: now)
        if self.rate.isTooSlow(at: now) { return .bodyRate }
        if !self.flags.contains(.isAnswered) {
            // A large body may take longer as long as it comes.
            return now - self.progressedAt > TimeAmount(limits.requestTimeout)
                ? .requestTimeout : nil
        }
        // Bytes that the peer gives no window for; a body that has none waits as long as it likes.
        guard !self.flags.contains(.isBodySent), !self.flags.contains(.isDeferred) else {
            return nil
        }
        return now - self.progressedAt > TimeAmount(limits.writeTimeout) ? .writeTimeout : nil
    }

    override func closed(_ error: HTTP2Error?) {
        self.inbound.fail(error ?? HTTP2Error(.cancelled, "the stream is over"))
        // A handler may go on behind its answer when that was sent to its end.
        if !self.flags.contains(.isBodySent) || error != nil { self.task?.cancel() }
        self.task = nil
    }

    func handlerReturned(isAnswered: Bool) {
        self.task = nil
        if !isAnswered { self.refuse(500) }
        self.server.handlerReturned()
    }

    /// Answers what no handler is asked about, or gave no answer to.
    private func refuse(_ status: Int) {
        let (response, body) = self.server.server.refusal(status)
        self.answer(response, body)
    }

    func isBodiless(_ response: HTTPResponse) -> Bool {
        self.isHead || response.status.code == 204 || response.status.code == 304
    }

    func answer(_ response: HTTPResponse, _ body: OutboundBody) {
        guard let connection = self.connection, !self.flags.contains(.isAnswered) else {
            return body.closed(HTTP2Error(.cancelled, "the stream is over"))
        }
        guard self.isBodiless(response) else {
            connection.submit(response, outbound: body, on: self)
            // Its drain began before there was anything to tell.
            if self.server.isDraining { body.draining() }
            return
        }
        var response = response
        if case .whole(let bytes) = body, self.isHead,
            response.headerFields[.contentLength] == nil
        {
            response.headerFields[.contentLength] = "\(bytes.readableBytes)"
        }
        connection.submit(response, outbound: .none, on: self)
        body.closed(nil)
    }

    func read(_ reader: InboundBody.Reader) {
        self.consume(self.inbound.read(reader))
        guard self.isContinueExpected, self.inbound.isAwaited else { return }
        self.isContinueExpected = false
        if !self.flags.contains(.isAnswered) { self.connection?.submitContinue(on: self.id) }
    }

    func stopReading() { self.inbound.stopReading() }
}
