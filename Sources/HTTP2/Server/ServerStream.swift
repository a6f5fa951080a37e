// One request over HTTP/2 on the connection's side: its bytes in, its answer out.

import HTTPTypes
import NIOCore

/// A stream that a client opened. Confined to the event loop.
final class ServerStream: HTTP2Stream {
    private var task: Task<Void, Never>?
    private var exchange: HTTP2Exchange?
    /// Bytes of the request's body that nobody has taken.
    private var inbound = ByteBuffer()
    private var reader: CheckedContinuation<ByteBuffer?, any Error>?
    private var failure: HTTP2Error?

    private var server: ServerConnection? { self.connection as? ServerConnection }

    override func received(_ block: FieldBlock, isEnd: Bool) {
        if self.flags.contains(.hasHead) {
            if isEnd { self.receivedEnd() }
            return
        }
        guard let server = self.server else { return }
        if block.isTooLarge { return self.refuse(431) }
        guard let method = block.method, let path = block.path, block.authority != nil else {
            return self.refuse(400)
        }
        let request = HTTPRequest(
            method: method,
            scheme: block.scheme,
            authority: block.authority,
            path: path,
            headerFields: block.fields
        )
        let exchange = HTTP2Exchange(
            request,
            origin: server.origin,
            stream: self,
            hasBody: !isEnd
        )
        self.exchange = exchange
        self.task = server.begin(exchange)
    }

    override func received(_ bytes: ByteBuffer) {
        if let reader = self.reader {
            self.reader = nil
            self.consume(bytes.readableBytes)
            reader.resume(returning: bytes)
        } else if self.inbound.readableBytes == 0 {
            self.inbound = bytes
        } else {
            self.inbound.writeImmutableBuffer(bytes)
        }
    }

    override func receivedEnd() {
        self.flags.insert(.isRemoteEnded)
        guard self.inbound.readableBytes == 0, let reader = self.reader else { return }
        self.reader = nil
        reader.resume(returning: nil)
    }

    override func closed(_ error: HTTP2Error?) {
        self.failure = error
        self.task?.cancel()
        self.task = nil
        self.exchange = nil
        guard let reader = self.reader else { return }
        self.reader = nil
        reader.resume(throwing: error ?? HTTP2Error(.cancelled, "the stream is over"))
    }

    /// The handler has returned: nothing of the request is needed any more.
    func handlerReturned(isAnswered: Bool) {
        self.task = nil
        self.exchange = nil
        if !isAnswered { self.refuse(500) }
    }

    /// Answers with a status only.
    func refuse(_ status: Int) {
        self.answer(HTTPResponse(status: HTTPResponse.Status(code: status)), .none)
    }

    /// Submits the answer, once.
    func answer(_ response: HTTPResponse, _ outbound: Outbound) {
        guard let connection = self.connection, !self.flags.contains(.isAnswered) else {
            if case .pulled(let body) = outbound {
                body.closed(self.failure ?? HTTP2Error(.cancelled, "the stream is over"))
            }
            return
        }
        connection.submit(response, outbound: outbound, on: self)
    }

    /// Gives the next bytes of the request's body.
    func read(_ continuation: CheckedContinuation<ByteBuffer?, any Error>) {
        if self.inbound.readableBytes > 0 {
            let bytes = self.inbound
            self.inbound = ByteBuffer()
            self.consume(bytes.readableBytes)
            continuation.resume(returning: bytes)
        } else if self.flags.contains(.isRemoteEnded) {
            continuation.resume(returning: nil)
        } else if self.flags.contains(.isClosed) {
            continuation.resume(
                throwing: self.failure ?? HTTP2Error(.cancelled, "the stream is over")
            )
        } else if self.reader != nil {
            continuation.resume(
                throwing: HTTP2Error(.configuration, "a request's body is read by one reader")
            )
        } else {
            self.reader = continuation
        }
    }

    /// Whoever was reading was cancelled.
    func stopReading() {
        guard let reader = self.reader else { return }
        self.reader = nil
        reader.resume(throwing: HTTP2Error(.cancelled, "reading the body was cancelled"))
    }
}
