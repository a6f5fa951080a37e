// A stream outlives the request that opened it, but not the token.

import HTTP2
import NIOCore
import Synchronization
import Testing

@testable import Gateway

@Suite("Streams and their tokens")
struct LicensedBodyTests {
    private final class Endless: PulledBody {
        var ending: HTTP2Error??

        func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
            buffer.writeString("x")
            return .appended
        }

        var isDraining = false

        func closed(_ error: HTTP2Error?) { self.ending = .some(error) }

        func draining() { self.isDraining = true }
    }

    private final class Token: Sendable {
        let isLive = Atomic(true)
    }

    @Test("a stream goes on while its token lives, and ends whole when it does not")
    func ends() {
        let token = Token()
        let endless = Endless()
        let body = LicensedBody(endless, interval: .zero) { token.isLive.load(ordering: .relaxed) }
        var buffer = ByteBuffer()
        guard case .appended = body.pull(upTo: 10, into: &buffer) else {
            Issue.record("the stream gave nothing")
            return
        }
        token.isLive.store(false, ordering: .relaxed)
        guard case .end = body.pull(upTo: 10, into: &buffer) else {
            Issue.record("the stream went on")
            return
        }
        #expect(buffer.readableBytes == 1)
        body.closed(nil)
        #expect(endless.ending??.code == .cancelled)
    }

    @Test("a stream that the peer ends is told so")
    func peerEnds() {
        let endless = Endless()
        let body = LicensedBody(endless) { true }
        body.closed(HTTP2Error(.streamReset, "cancelled"))
        #expect(endless.ending??.code == .streamReset)
    }

    @Test("a stream is told that its connection goes away")
    func draining() {
        let endless = Endless()
        let body = LicensedBody(endless) { true }
        body.draining()
        #expect(endless.isDraining)
    }
}
