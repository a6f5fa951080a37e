// One request over HTTP/1.1 on the connection's side: its bytes in, its answer out.

import HTTPTypes
import NIOCore

/// A request of a connection. Confined to the event loop.
final class HTTP1Stream: AnswerStream {
    let eventLoop: any EventLoop
    /// `nil` once the answer is complete or the connection is gone.
    private(set) var connection: HTTP1Connection?
    let owner: HTTP1Connection
    let isHead: Bool
    /// Whether the client's HTTP is too old for chunks.
    let isOld: Bool
    /// Whether the client wants to go on using the connection.
    var isKeptAlive: Bool
    /// The handler's task, until it has returned.
    var task: Task<Void, Never>?
    var inbound = InboundBody()
    var outbound = OutboundBody.none
    var isAnswered = false
    var isChunked = false
    /// What is missing of the length that was announced; `nil` without one.
    var bytesLeft: Int?
    var isContinueExpected = false
    /// The body had nothing when it was asked last.
    var isDeferred = false
    let beganAt: NIODeadline

    init(
        _ connection: HTTP1Connection,
        isHead: Bool,
        isOld: Bool,
        isKeptAlive: Bool,
        now: NIODeadline
    ) {
        self.connection = connection
        self.owner = connection
        self.eventLoop = connection.eventLoop
        self.isHead = isHead
        self.isOld = isOld
        self.isKeptAlive = isKeptAlive
        self.beganAt = now
    }

    var windowBytes: Int { self.connection?.isWritable == true ? 65_536 : 0 }

    func resume() {
        guard self.isDeferred else { return }
        self.isDeferred = false
        self.connection?.schedulePump()
    }

    func read(_ reader: InboundBody.Reader) {
        let count = self.inbound.read(reader)
        if self.isContinueExpected, self.inbound.isAwaited, !self.isAnswered {
            self.isContinueExpected = false
            self.connection?.writeContinue()
        }
        if count > 0 || self.inbound.isAwaited { self.connection?.readMore() }
    }

    func stopReading() { self.inbound.stopReading() }

    func isBodiless(_ response: HTTPResponse) -> Bool {
        self.isHead || response.status.code == 204 || response.status.code == 304
    }

    func answer(_ response: HTTPResponse, _ body: OutboundBody) {
        guard let connection = self.connection, !self.isAnswered else {
            return body.closed(HTTP2Error(.cancelled, "the connection is gone"))
        }
        self.isAnswered = true
        connection.answer(response, body, self)
    }

    func handlerReturned(isAnswered: Bool) {
        self.task = nil
        if !isAnswered { self.answer(HTTPResponse(status: .internalServerError), .none) }
        self.owner.handlerReturned()
    }

    /// The answer is complete, or cannot become so.
    func end(_ error: HTTP2Error?) {
        guard self.connection != nil else { return }
        self.connection = nil
        self.inbound.fail(error ?? HTTP2Error(.cancelled, "the answer is complete"))
        let outbound = self.outbound
        self.outbound = .none
        outbound.closed(error)
        if error != nil { self.task?.cancel() }
        self.task = nil
    }
}
