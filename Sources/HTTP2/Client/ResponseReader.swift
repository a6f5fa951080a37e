// Gives an answer to one waiting task: head first, then the body as fast as it is read.

internal import HTTPTypes
internal import NIOCore

/// Receives the answer to ``HTTP2Client/send(_:body:timeout:isIdempotent:)``. Confined to the event
/// loop.
final class ResponseReader: StreamReceiver {
    typealias HeadWaiter = CheckedContinuation<Result<ClientResponse, HTTP2Error>, Never>
    typealias ChunkWaiter = CheckedContinuation<ByteBuffer?, any Error>

    private let request: ClientRequest
    private var headWaiter: HeadWaiter?
    private var chunkWaiter: ChunkWaiter?
    private var chunks = CircularBuffer<ByteBuffer>()
    private var end: Result<HTTPFields?, HTTP2Error>?

    init(_ request: ClientRequest, _ headWaiter: HeadWaiter) {
        self.request = request
        self.headWaiter = headWaiter
        // The window grows as chunks are taken.
        request.isReading = false
    }

    func received(_ head: HTTPResponse) {
        self.request.deadline?.cancel()
        self.request.deadline = nil
        let reading = ResponseReading(self, eventLoop: self.request.eventLoop)
        let body = RequestBytes { try await reading.next() }
        self.headWaiter?.resume(
            returning: .success(ClientResponse(head: head, body: body, reading: reading))
        )
        self.headWaiter = nil
    }

    func received(_ bytes: inout ByteBuffer) {
        if let waiter = self.chunkWaiter {
            self.chunkWaiter = nil
            self.request.consume(bytes.readableBytes)
            waiter.resume(returning: bytes)
        } else {
            self.chunks.append(bytes)
        }
    }

    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.end = error.map { .failure($0) } ?? .success(trailers)
        if let error { self.headWaiter?.resume(returning: .failure(error)) }
        self.headWaiter = nil
        guard let waiter = self.chunkWaiter else { return }
        self.chunkWaiter = nil
        self.give(waiter)
    }

    /// The next chunk, or the end.
    func next(_ waiter: ChunkWaiter) {
        if self.chunkWaiter != nil {
            waiter.resume(throwing: HTTP2Error(.configuration, "a body is read by one reader"))
        } else if self.chunks.isEmpty, self.end == nil {
            self.chunkWaiter = waiter
        } else {
            self.give(waiter)
        }
    }

    private func give(_ waiter: ChunkWaiter) {
        if let chunk = self.chunks.popFirst() {
            self.request.consume(chunk.readableBytes)
            return waiter.resume(returning: chunk)
        }
        switch self.end {
        case .failure(let error)?: waiter.resume(throwing: error)
        case .success?, nil: waiter.resume(returning: nil)
        }
    }

    /// Whoever was reading was cancelled.
    func stopReading() {
        guard let waiter = self.chunkWaiter else { return }
        self.chunkWaiter = nil
        waiter.resume(throwing: HTTP2Error(.cancelled, "reading the body was cancelled"))
    }

    /// The trailers, once the end has been read.
    var trailers: HTTPFields? {
        guard case .success(let trailers)? = self.end, self.chunks.isEmpty else { return nil }
        return trailers
    }

    /// Nobody will read the body any more.
    func drop() {
        self.chunks.removeAll()
        if self.end == nil { self.request.cancel() }
    }
}

/// The reader as tasks see it. When the last copy of the body is gone, so is the stream.
final class ResponseReading: Sendable {
    private let reader: NIOLoopBound<ResponseReader>
    private let eventLoop: any EventLoop

    init(_ reader: ResponseReader, eventLoop: any EventLoop) {
        self.reader = NIOLoopBound(reader, eventLoop: eventLoop)
        self.eventLoop = eventLoop
    }

    deinit {
        let reader = self.reader
        self.eventLoop.execute { reader.value.drop() }
    }

    func next() async throws -> ByteBuffer? {
        let reader = self.reader
        let eventLoop = self.eventLoop
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                eventLoop.execute { reader.value.next(continuation) }
                // Cancelled before: the handler below ran before there was a reader.
                if Task.isCancelled { eventLoop.execute { reader.value.stopReading() } }
            }
        } onCancel: {
            eventLoop.execute { reader.value.stopReading() }
        }
    }

    func trailers() async -> HTTPFields? {
        let reader = self.reader
        let eventLoop = self.eventLoop
        return await withCheckedContinuation { continuation in
            eventLoop.execute { continuation.resume(returning: reader.value.trailers) }
        }
    }
}
