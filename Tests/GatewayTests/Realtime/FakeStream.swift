// Decides how a subscriber's body is pulled in tests: by a transport whose window the test opens and shuts.

import HTTP2
import HTTPTypes
import NIOCore
import NIOPosix
import PulserIR
import Synchronization
import TestKit

@testable import Gateway

extension JSONValue {
    var integerValue: Int64? {
        if case .integer(let number) = self { return number }
        return nil
    }
}

/// Pulls a body like a connection does: up to a frame at a time, while the window is open.
//
// SAFETY: everything but `init` and what is behind the lock happens on the event loop.
final class FakeStream: BodyStream, @unchecked Sendable {
    static let frameBytes = 16_384

    let eventLoop: any EventLoop
    var windowBytes: Int
    private var body: (any PulledBody)?
    private var isPumpScheduled = false
    private var out = ByteBuffer()
    private let taken: Mutex<StreamParser>
    private let over = Mutex(false)

    init(_ eventLoop: any EventLoop, format: StreamFormat, window: Int = .max) {
        self.eventLoop = eventLoop
        let form = StreamParser.Form(rawValue: format.rawValue) ?? .serverSentEvents
        self.taken = Mutex(StreamParser(form))
        self.windowBytes = window
    }

    func begin(_ make: @escaping @Sendable (any BodyStream) -> any PulledBody) {
        self.eventLoop.execute {
            self.body = make(self)
            self.pump()
        }
    }

    func resume() {
        guard !self.isPumpScheduled else { return }
        self.isPumpScheduled = true
        self.eventLoop.execute {
            self.isPumpScheduled = false
            self.pump()
        }
    }

    /// Opens the window by so many bytes.
    func open(_ bytes: Int) {
        self.eventLoop.execute {
            self.windowBytes = bytes == .max ? .max : self.windowBytes + bytes
            self.pump()
        }
    }

    /// The node says that the connection is going away.
    func drain() { self.eventLoop.execute { (self.body as? Subscriber)?.draining() } }

    /// The peer is gone from one moment to the next; returns when the body knows.
    func cut() async {
        try? await self.eventLoop.submit { self.end(HTTP2Error(.connectionLost, "cut")) }.get()
    }

    /// Everything received up to now that is complete.
    var parts: [StreamPart] { self.taken.withLock { $0.parts } }
    /// How many events of logs that is.
    var eventCount: Int { self.taken.withLock { $0.eventCount } }
    /// The bytes of all that was received.
    var byteCount: Int { self.taken.withLock { $0.byteCount } }
    /// Whether the body has ended by itself.
    var isOver: Bool { self.over.withLock { $0 } }

    private func end(_ error: HTTP2Error?) {
        let body = self.body
        self.body = nil
        body?.closed(error)
    }

    private func pump() {
        while let body = self.body, self.windowBytes > 0 {
            self.out.clear()
            switch body.pull(upTo: min(Self.frameBytes, self.windowBytes), into: &self.out) {
            case .appended: self.take(self.out)
            case .chunk(let piece): self.take(piece)
            case .wait: return
            case .end:
                self.over.withLock { $0 = true }
                self.end(nil)
            case .abort: self.end(HTTP2Error(.streamReset, "aborted"))
            }
        }
    }

    private func take(_ bytes: ByteBuffer) {
        if self.windowBytes != .max { self.windowBytes -= bytes.readableBytes }
        self.taken.withLock { $0.feed(bytes.readableBytesView) }
    }
}
