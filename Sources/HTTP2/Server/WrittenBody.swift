// Makes a pulled body of pieces that a task writes, which waits when too much was not sent yet.

import HTTPTypes
import NIOCore
import Synchronization

/// The body of an answer, written from a task.
final class WrittenBody: ResponseBytes {
    private let eventLoop: any EventLoop
    private let source: NIOLoopBoundBox<WrittenBodySource>

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.source = NIOLoopBoundBox.makeBoxSendingValue(WrittenBodySource(), eventLoop: eventLoop)
    }

    /// The source of the bytes. On the event loop.
    func source(of stream: any BodyStream) -> any PulledBody {
        let source = self.source.value
        source.stream = stream
        source.budget = (stream as? HTTP2Stream)?.connection?.written
        return source
    }

    func write(_ bytes: ByteBuffer) async throws(HTTP2Error) {
        let result: Result<Void, HTTP2Error> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.onLoop { $0.write(bytes, continuation) }
                // Cancelled before: the handler below ran before there was a writer.
                if Task.isCancelled { self.onLoop { $0.stopWaiting() } }
            }
        } onCancel: {
            self.onLoop { $0.stopWaiting() }
        }
        try result.get()
    }

    func finish(_ trailers: HTTPFields?) { self.onLoop { $0.finish(trailers) } }

    func abort() { self.onLoop { $0.abort() } }

    private func onLoop(_ body: @escaping @Sendable (WrittenBodySource) -> Void) {
        if self.eventLoop.inEventLoop {
            body(self.source.value)
        } else {
            self.eventLoop.execute { body(self.source.value) }
        }
    }
}

/// What the bodies of one connection have written and not yet sent, together. Confined to the event
/// loop.
final class WrittenBytes {
    var count = 0
}

/// What was written and not yet sent. Confined to the event loop.
///
/// A writer waits when 256 KiB of its body wait to be sent. When as much waits on all streams of its
/// connection together it waits for each piece: a peer that reads nothing makes us hold that and a
/// piece for each of its streams, no more.
final class WrittenBodySource: PulledBody {
    private enum Ending {
        case finished(HTTPFields?)
        case aborted
        case closed(HTTP2Error?)
    }

    private static let bytesMax = 262_144

    typealias Writer = CheckedContinuation<Result<Void, HTTP2Error>, Never>

    var stream: (any BodyStream)?
    /// `nil` for a connection that answers one request at a time.
    var budget: WrittenBytes?
    private var pieces = CircularBuffer<ByteBuffer>()
    private var waitingBytes = 0
    private var writers: [Writer] = []
    private var ending: Ending?

    func write(_ bytes: ByteBuffer, _ writer: Writer) {
        if let ending = self.ending {
            return writer.resume(returning: .failure(Self.error(ending)))
        }
        if bytes.readableBytes > 0 {
            self.count(bytes.readableBytes)
            self.pieces.append(bytes)
            self.stream?.resume()
        }
        if self.waitingBytes <= self.bytesMax {
            writer.resume(returning: .success(()))
        } else {
            self.writers.append(writer)
        }
    }

    func stopWaiting() {
        self.resumeWriters(.failure(HTTP2Error(.cancelled, "writing the body was cancelled")))
    }

    func finish(_ trailers: HTTPFields?) {
        guard self.ending == nil else { return }
        self.ending = .finished(trailers)
        self.stream?.resume()
    }

    func abort() {
        guard self.ending == nil else { return }
        self.ending = .aborted
        self.drop()
        self.stream?.resume()
        self.resumeWriters(.failure(Self.error(.aborted)))
    }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        if case .aborted = self.ending { return .abort(StreamCode.internalError) }
        guard var piece = self.pieces.popFirst() else {
            if case .finished(let trailers) = self.ending { return .end(trailers) }
            return .wait
        }
        let part: ByteBuffer
        if piece.readableBytes > bytesMax, let head = piece.readSlice(length: bytesMax) {
            self.pieces.prepend(piece)
            part = head
        } else {
            part = piece
        }
        self.count(-part.readableBytes)
        if self.waitingBytes <= self.bytesMax / 2 { self.resumeWriters(.success(())) }
        return .chunk(part)
    }

    func closed(_ error: HTTP2Error?) {
        self.ending = .closed(error)
        self.stream = nil
        self.drop()
        self.resumeWriters(.failure(Self.error(.closed(error))))
    }

    private var bytesMax: Int {
        (self.budget?.count ?? 0) > Self.bytesMax ? 0 : Self.bytesMax
    }

    private func count(_ bytes: Int) {
        self.waitingBytes += bytes
        self.budget?.count += bytes
    }

    private func drop() {
        self.pieces.removeAll()
        self.count(-self.waitingBytes)
    }

    private func resumeWriters(_ result: Result<Void, HTTP2Error>) {
        let writers = self.writers
        self.writers = []
        for writer in writers { writer.resume(returning: result) }
    }

    private static func error(_ ending: Ending) -> HTTP2Error {
        switch ending {
        case .finished: HTTP2Error(.configuration, "the body was ended before this was written")
        case .aborted: HTTP2Error(.cancelled, "the body was aborted")
        case .closed(let error): error ?? HTTP2Error(.cancelled, "the stream is over")
        }
    }
}
