// The receiving end of one stream, on its event loop.

import HTTP2
import HTTPTypes
import NIOCore

/// Reads one stream for its subscriber, slowly if that wants it, until one of both ends it.
final class StreamReader: StreamReceiver {
    private let subscriber: Subscriber
    private let stream: any ClientStream
    private var cutter: FrameCutter
    private var status = 0
    private var isCut = false
    private var isOver = false
    /// It reads nothing until its pause is over: at most a window comes in each of them.
    private var isPausing = false

    init(_ subscriber: Subscriber, _ stream: any ClientStream, _ cutter: FrameCutter) {
        self.subscriber = subscriber
        self.stream = stream
        self.cutter = cutter
    }

    func received(_ head: HTTPResponse) {
        self.status = head.status.code
        if self.status != 200 {
            self.subscriber.ledger.fault("a stream is answered \(self.status)")
        }
    }

    func received(_ bytes: inout ByteBuffer) {
        defer { bytes.moveReaderIndex(forwardBy: bytes.readableBytes) }
        guard self.status == 200, !self.isCut else { return }
        do {
            try bytes.withUnsafeReadableBytes { try self.subscriber.take(&self.cutter, $0) }
        } catch {
            self.subscriber.ledger.fault("\(error)")
            return self.cut()
        }
        let pause = self.subscriber.wish.pauseMilliseconds
        guard pause > 0, !self.isPausing else { return }
        self.isPausing = true
        self.stream.isReading = false
        let bound = NIOLoopBound(self, eventLoop: self.stream.eventLoop)
        self.stream.eventLoop.scheduleTask(in: .milliseconds(Int64(pause))) {
            bound.value.readOn()
        }
    }

    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.isOver = true
        guard self.subscriber.wish.isOn else { return }
        if self.isCut {
            self.subscriber.ledger.count("reconnects")
            return self.subscriber.open()
        }
        self.subscriber.ledger.count("ended: \(error?.message ?? "by the server")")
        // Whoever is refused comes back a little later.
        let subscriber = self.subscriber
        self.stream.eventLoop.scheduleTask(in: .milliseconds(200)) { subscriber.open() }
    }

    func cut() {
        guard !self.isOver, !self.isCut else { return }
        self.isCut = true
        self.stream.cancel()
    }

    func readOn() {
        self.isPausing = false
        if !self.isOver, !self.isCut { self.stream.isReading = true }
    }
}
