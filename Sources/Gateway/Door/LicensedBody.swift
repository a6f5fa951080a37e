// Ends a stream whose token was revoked or is over, although its request was let in long ago.

import HTTP2
import HTTPTypes
import NIOCore

/// A pulled body that goes on only while somebody may have it.
///
/// Confined to the event loop of its connection, as the body it holds.
final class LicensedBody: PulledBody {
    /// How often it is asked. A stream that has nothing to say is asked at its next heartbeat.
    static let interval: TimeAmount = .seconds(1)

    private let body: any PulledBody
    private let isLive: @Sendable () -> Bool
    private let interval: TimeAmount
    private var askAgain: NIODeadline
    private var isOver = false

    init(
        _ body: any PulledBody,
        interval: TimeAmount = LicensedBody.interval,
        isLive: @escaping @Sendable () -> Bool
    ) {
        self.body = body
        self.isLive = isLive
        self.interval = interval
        self.askAgain = .now() + interval
    }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        let now = NIODeadline.now()
        if now >= self.askAgain {
            self.askAgain = now + self.interval
            // The answer ends whole: who comes again is told 401.
            if !self.isLive() { self.isOver = true }
        }
        if self.isOver { return .end(nil) }
        return self.body.pull(upTo: bytesMax, into: &buffer)
    }

    func closed(_ error: HTTP2Error?) {
        let revoked = HTTP2Error(.cancelled, "the token of this stream is over")
        self.body.closed(self.isOver ? revoked : error)
    }

    func draining() { self.body.draining() }
}
