// One request as its handler sees it, from whatever thread; the protocol is the stream's business.

import HTTPTypes
import NIOCore
import Synchronization

/// What an exchange needs of its connection. Confined to the event loop.
protocol AnswerStream: BodyStream {
    /// Gives the next bytes of the request's body.
    func read(_ reader: InboundBody.Reader)
    /// Whoever was reading was cancelled.
    func stopReading()
    /// Sends the answer.
    func answer(_ response: HTTPResponse, _ body: OutboundBody)
    /// Whether the answer has no body by its nature, so that none is made.
    func isBodiless(_ response: HTTPResponse) -> Bool
    /// The handler has returned; without an answer, one is made up.
    func handlerReturned(isAnswered: Bool)
}

/// A request being answered.
final class Exchange: ServerExchange {
    let request: HTTPRequest
    let origin: RequestOrigin
    let eventLoop: any EventLoop
    private let stream: NIOLoopBound<any AnswerStream>
    private let hasBody: Bool
    private let isAnswered = Atomic(false)

    init(
        _ request: HTTPRequest,
        origin: RequestOrigin,
        stream: any AnswerStream,
        hasBody: Bool
    ) {
        self.request = request
        self.origin = origin
        self.eventLoop = stream.eventLoop
        self.stream = NIOLoopBound(stream, eventLoop: stream.eventLoop)
        self.hasBody = hasBody
    }

    var body: RequestBytes {
        guard self.hasBody else { return RequestBytes { nil } }
        let stream = self.stream
        let eventLoop = self.eventLoop
        return RequestBytes {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    Self.onLoop(eventLoop) { stream.value.read(continuation) }
                    // Cancelled before: the handler below ran before there was a reader.
                    if Task.isCancelled { eventLoop.execute { stream.value.stopReading() } }
                }
            } onCancel: {
                eventLoop.execute { stream.value.stopReading() }
            }
        }
    }

    func respond(_ response: HTTPResponse, body: ByteBuffer?) {
        guard self.begin() else { return }
        let stream = self.stream
        Self.onLoop(self.eventLoop) {
            if let body, body.readableBytes > 0 {
                stream.value.answer(response, .whole(body))
            } else {
                stream.value.answer(response, .none)
            }
        }
    }

    func respond(
        _ response: HTTPResponse,
        pulling make: @escaping @Sendable (any BodyStream) -> any PulledBody
    ) {
        guard self.begin() else { return }
        let stream = self.stream
        Self.onLoop(self.eventLoop) {
            let stream = stream.value
            if stream.isBodiless(response) {
                stream.answer(response, .none)
            } else {
                stream.answer(response, .pulled(make(stream)))
            }
        }
    }

    func respond(_ response: HTTPResponse) -> any ResponseBytes {
        let bytes = WrittenBody(self.eventLoop)
        guard self.begin() else {
            bytes.abort()
            return bytes
        }
        let stream = self.stream
        Self.onLoop(self.eventLoop) {
            stream.value.answer(response, .pulled(bytes.source(of: stream.value)))
        }
        return bytes
    }

    /// The handler is done.
    func handlerReturned() {
        let isAnswered = self.isAnswered.load(ordering: .relaxed)
        let stream = self.stream
        Self.onLoop(self.eventLoop) { stream.value.handlerReturned(isAnswered: isAnswered) }
    }

    private func begin() -> Bool { !self.isAnswered.exchange(true, ordering: .relaxed) }

    /// Runs something on the event loop: at once when already there.
    private static func onLoop(_ eventLoop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
    }
}
