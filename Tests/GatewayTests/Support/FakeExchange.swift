// Decides how a request reaches the gateway without a socket: the transport's part, played in memory.

import HTTP2
import HTTPTypes
import NIOCore
import NIOPosix
import Synchronization

/// What was answered.
struct Answer: Sendable {
    var status: Int
    var fields: HTTPFields
    var bytes: [UInt8]

    var text: String { String(decoding: self.bytes, as: UTF8.self) }
}

/// Why there is no whole answer.
struct Unanswered: Error, CustomStringConvertible {
    var description: String
}

/// One request and its answer, without a connection.
final class FakeExchange: ServerExchange {
    let request: HTTPRequest
    let origin: RequestOrigin
    let body: RequestBytes
    let eventLoop: any EventLoop
    private let events: AsyncStream<Event>
    private let sink: AsyncStream<Event>.Continuation
    private let source = Mutex<FakeBodyStream?>(nil)

    /// What the handler did.
    enum Event: Sendable {
        case head(HTTPResponse)
        case bytes(ByteBuffer)
        case end(HTTPFields?)
        case aborted
    }

    init(
        _ request: HTTPRequest,
        body: ByteBuffer? = nil,
        peer: SocketAddress? = try? SocketAddress(ipAddress: "127.0.0.1", port: 50_000),
        version: RequestOrigin.Version = .http2,
        isTLS: Bool = false
    ) {
        self.request = request
        self.origin = RequestOrigin(
            address: peer,
            version: version,
            isTLS: isTLS,
            certificateNames: []
        )
        let chunks = Mutex(body)
        self.body = RequestBytes {
            chunks.withLock { chunk in
                defer { chunk = nil }
                return chunk
            }
        }
        self.eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        (self.events, self.sink) = AsyncStream.makeStream()
    }

    func respond(_ response: HTTPResponse, body: ByteBuffer?) {
        self.sink.yield(.head(response))
        if let body { self.sink.yield(.bytes(body)) }
        self.tell(.end(nil))
    }

    func respond(
        _ response: HTTPResponse,
        pulling make: @escaping @Sendable (any BodyStream) -> any PulledBody
    ) {
        self.sink.yield(.head(response))
        self.eventLoop.execute {
            let stream = FakeBodyStream(self.eventLoop, self.tell)
            self.source.withLock { $0 = stream }
            stream.begin(make(stream))
        }
    }

    func respond(_ response: HTTPResponse) -> any ResponseBytes {
        self.sink.yield(.head(response))
        return FakeResponseBytes(self.tell)
    }

    private func tell(_ event: Event) {
        self.sink.yield(event)
        switch event {
        case .end, .aborted: self.sink.finish()
        case .head, .bytes: break
        }
    }

    /// The peer goes away in the middle of a pulled body.
    func disconnect() {
        self.eventLoop.execute {
            self.source.withLock { $0 }?.close(HTTP2Error(.connectionLost, "the test hung up"))
        }
        self.sink.finish()
    }

    /// What the handler does, as it does it; to be read once.
    var answering: AsyncStream<Event> { self.events }

    /// The whole answer.
    ///
    /// - Throws: ``Unanswered`` when it ended without head or was broken off.
    func answer() async throws -> Answer {
        var answer: Answer?
        for await event in self.events {
            switch event {
            case .head(let head):
                guard answer == nil else { throw Unanswered(description: "answered twice") }
                answer = Answer(status: head.status.code, fields: head.headerFields, bytes: [])
            case .bytes(let bytes): answer?.bytes += Array(bytes.readableBytesView)
            case .end: break
            case .aborted: throw Unanswered(description: "the body was broken off")
            }
        }
        guard let answer else { throw Unanswered(description: "nobody answered") }
        return answer
    }
}

/// Takes a body written piece by piece.
private final class FakeResponseBytes: ResponseBytes {
    private let tell: @Sendable (FakeExchange.Event) -> Void

    init(_ tell: @escaping @Sendable (FakeExchange.Event) -> Void) { self.tell = tell }

    func write(_ bytes: ByteBuffer) async throws(HTTP2Error) { self.tell(.bytes(bytes)) }

    func finish(_ trailers: HTTPFields?) { self.tell(.end(trailers)) }

    func abort() { self.tell(.aborted) }
}

/// Pulls a body as a transport with an open window does.
///
// SAFETY: everything but `init` happens on the event loop.
private final class FakeBodyStream: BodyStream, @unchecked Sendable {
    let eventLoop: any EventLoop
    let windowBytes = 1 << 16
    private let tell: @Sendable (FakeExchange.Event) -> Void
    private var body: (any PulledBody)?
    private var isPulling = false

    init(_ eventLoop: any EventLoop, _ tell: @escaping @Sendable (FakeExchange.Event) -> Void) {
        self.eventLoop = eventLoop
        self.tell = tell
    }

    func begin(_ body: any PulledBody) {
        self.body = body
        self.pull()
    }

    func resume() {
        self.eventLoop.assertInEventLoop()
        guard !self.isPulling else { return }
        self.eventLoop.execute { self.pull() }
    }

    func close(_ error: HTTP2Error?) {
        self.body?.closed(error)
        self.body = nil
    }

    private func pull() {
        self.isPulling = true
        defer { self.isPulling = false }
        while let body = self.body {
            var buffer = ByteBuffer()
            switch body.pull(upTo: 16_384, into: &buffer) {
            case .appended: self.tell(.bytes(buffer))
            case .chunk(let chunk): self.tell(.bytes(chunk))
            case .wait: return
            case .end(let trailers):
                self.close(nil)
                self.tell(.end(trailers))
            case .abort(let code):
                self.close(HTTP2Error(.streamReset, "aborted", streamCode: code))
                self.tell(.aborted)
            }
        }
    }
}
