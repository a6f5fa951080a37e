// One request over HTTP/2 as its handler sees it, from whatever thread.

import HTTPTypes
import NIOCore
import Synchronization

/// A request being answered over HTTP/2.
final class HTTP2Exchange: ServerExchange {
    let request: HTTPRequest
    let origin: RequestOrigin
    let eventLoop: any EventLoop
    private let stream: NIOLoopBound<ServerStream>
    private let hasBody: Bool
    private let isAnswered = Atomic(false)

    init(_ request: HTTPRequest, origin: RequestOrigin, stream: ServerStream, hasBody: Bool) {
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
            stream.answer(response, .pulled(make(stream)))
        }
    }

    func respond(_ response: HTTPResponse) -> any ResponseBytes {
        let bytes = WrittenBody(self.eventLoop)
        self.respond(response) { stream in bytes.source(of: stream) }
        return bytes
    }

    /// The handler is done; an answer that is missing is made up.
    func handlerReturned() {
        let answered = self.isAnswered.load(ordering: .relaxed)
        let stream = self.stream
        Self.onLoop(self.eventLoop) { stream.value.handlerReturned(isAnswered: answered) }
    }

    private func begin() -> Bool {
        !self.isAnswered.exchange(true, ordering: .relaxed)
    }

    /// Runs something on the event loop: at once when already there.
    private static func onLoop(_ eventLoop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
    }
}
