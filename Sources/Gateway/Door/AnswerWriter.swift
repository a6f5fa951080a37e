// Writes an answer's body to the transport: whole when it comes in one piece, else piece by piece.

import HTTP2
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// The answer of one exchange while it is written.
final class Answer: Sendable {
    private enum State {
        /// Nothing is sent yet.
        case fresh
        /// The only piece of a body of known length; it goes out together with the head.
        case whole(ByteBuffer)
        case streaming(any ResponseBytes)
        case finished
    }

    private let exchange: any ServerExchange
    private let head: HTTPResponse
    private let length: Int?
    private let state = Mutex(State.fresh)

    init(_ exchange: any ServerExchange, _ head: HTTPResponse, length: Int?) {
        self.exchange = exchange
        self.head = head
        self.length = length
    }

    /// Whether the head is on its way, so that no other answer can be given.
    var hasBegun: Bool {
        self.state.withLock { state in
            if case .fresh = state { false } else { true }
        }
    }

    func write(_ bytes: ByteBuffer) async throws(HTTP2Error) {
        guard bytes.readableBytes > 0 else { return }
        var pending: [ByteBuffer] = [bytes]
        let writer: (any ResponseBytes)? = self.state.withLock { state in
            switch state {
            case .fresh where self.length == bytes.readableBytes:
                state = .whole(bytes)
                return nil
            case .fresh:
                let writer = self.exchange.respond(self.head)
                state = .streaming(writer)
                return writer
            case .whole(let first):
                pending.insert(first, at: 0)
                let writer = self.exchange.respond(self.head)
                state = .streaming(writer)
                return writer
            case .streaming(let writer): return writer
            case .finished: return nil
            }
        }
        guard let writer else { return }
        for piece in pending { try await writer.write(piece) }
    }

    func finish(_ trailers: HTTPFields?) {
        self.state.withLock { state in
            switch state {
            case .fresh where trailers == nil: self.exchange.respond(self.head, body: nil)
            case .whole(let bytes) where trailers == nil:
                self.exchange.respond(self.head, body: bytes)
            case .fresh, .whole: self.exchange.respond(self.head).finish(trailers)
            case .streaming(let writer): writer.finish(trailers)
            case .finished: break
            }
            state = .finished
        }
    }

    /// Ends an answer whose body cannot be completed.
    func abort() {
        self.state.withLock { state in
            switch state {
            case .fresh, .whole: self.exchange.respond(self.head).abort()
            case .streaming(let writer): writer.abort()
            case .finished: break
            }
            state = .finished
        }
    }
}

/// The router's view of an answer.
struct AnswerWriter: ResponseBodyWriter {
    let answer: Answer

    mutating func write(_ buffer: ByteBuffer) async throws { try await self.answer.write(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        self.answer.finish(trailingHeaders)
    }
}
