// Keeps streams of one connection busy: one request after the other on each, without a task.

import HTTP2
import HTTPTypes
import NIOCore
import Synchronization

/// Requests on one connection.
final class RequestPump: Sendable {
    /// What all pumps of a measurement count together.
    final class Counter: Sendable {
        let answers = Atomic<Int>(0)
        let failures = Atomic<Int>(0)
        let isOn = Atomic<Bool>(true)
        let open = Atomic<Int>(0)
        private let reasons = Mutex<[String: Int]>([:])

        func fail(_ reason: String) {
            self.failures.add(1, ordering: .relaxed)
            self.reasons.withLock { if $0.count < 20 { $0[reason, default: 0] += 1 } }
        }

        /// Why requests failed.
        var sentences: [String] {
            self.reasons.withLock { $0.map { "\($0.value) × \($0.key)" }.sorted() }
        }
    }

    private let client: HTTP2Client
    private let request: HTTPRequest
    private let counter: Counter

    init(_ client: HTTP2Client, _ request: HTTPRequest, _ counter: Counter) {
        self.client = client
        self.request = request
        self.counter = counter
    }

    /// Keeps so many streams busy until the counter is switched off.
    func start(streams: Int) { for _ in 0..<streams { self.send() } }

    private func send() {
        self.counter.open.add(1, ordering: .relaxed)
        self.client.open(self.request, receiver: { _ in PumpReceiver(self) })
    }

    fileprivate func ended(_ status: Int, _ error: HTTP2Error?) {
        self.counter.open.subtract(1, ordering: .relaxed)
        if let error {
            if self.counter.isOn.load(ordering: .relaxed) { self.counter.fail(error.message) }
        } else if status == 200 {
            self.counter.answers.add(1, ordering: .relaxed)
        } else {
            self.counter.fail("answered \(status)")
        }
        // After a failure nothing is sent again: a broken server is not to be hammered.
        if error == nil, self.counter.isOn.load(ordering: .relaxed) { self.send() }
    }
}

private final class PumpReceiver: StreamReceiver {
    private let pump: RequestPump
    private var status = 0

    init(_ pump: RequestPump) { self.pump = pump }

    func received(_ head: HTTPResponse) { self.status = head.status.code }
    func received(_ bytes: inout ByteBuffer) {
        bytes.moveReaderIndex(forwardBy: bytes.readableBytes)
    }
    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.pump.ended(self.status, error)
    }
}

/// A stream that is held open.
final class HeldStream: StreamReceiver {
    private let onHead: @Sendable () -> Void

    init(_ onHead: @escaping @Sendable () -> Void) { self.onHead = onHead }

    func received(_ head: HTTPResponse) { self.onHead() }
    func received(_ bytes: inout ByteBuffer) {
        bytes.moveReaderIndex(forwardBy: bytes.readableBytes)
    }
    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {}
}
