// Holds a peer to the limits: counts what it sends, answers deadlines, stops reading when too much waits.

import CNghttp2
import NIOCore

extension HTTP2Connection {
    // MARK: Conduct

    /// Looks at the frames before the library does.
    ///
    /// - Returns: Whether the peer may go on.
    final func watch(_ buffer: ByteBuffer) -> Bool {
        var exceeded: LimitName?
        let now = self.now
        unsafe buffer.withUnsafeReadableBytes { bytes in
            unsafe self.scanner.scan(bytes) { frame in
                let limit = self.conduct.received(frame, at: now)
                exceeded = exceeded ?? limit
            }
        }
        self.deadlines.received(isInHead: self.scanner.isInHead, at: now)
        guard let exceeded else { return true }
        self.exceed(exceeded)
        return false
    }

    /// Ends the connection because of a limit.
    final func exceed(_ limit: LimitName, code: UInt32 = StreamCode.calm) {
        guard self.failure == nil else { return }
        self.reached(limit)
        self.fail(
            HTTP2Error(.limitExceeded, "the peer exceeded the limit '\(limit.rawValue)'"),
            code: code
        )
    }

    /// The peer did something wrong that does not end the connection by itself.
    final func glitch() {
        if let limit = self.conduct.glitched(at: self.now) { self.exceed(limit) }
    }

    final func frameWasInvalid(_ error: Int32) { self.glitch() }

    final func frameSent(_ frame: UnsafePointer<nghttp2_frame>) {
        let head = unsafe frame.pointee.hd
        switch head.type {
        case FrameType.data:
            self.conduct.sentData(head.length)
        case FrameType.headers where !self.isServer:
            self.conduct.sentRequest()
        case FrameType.reset:
            let code = unsafe frame.pointee.rst_stream.error_code
            let isOurs = self.stream(head.stream_id)?.flags.contains(.isReset) == true
            if code != StreamCode.none, !isOurs { self.glitch() }
        default: break
        }
    }

    // MARK: Queue

    /// Looks at how many frames wait for a peer that does not read.
    final func watchQueue() {
        guard let session = unsafe self.session, self.failure == nil else { return }
        let count = unsafe nghttp2_session_get_outbound_queue_size(session)
        if count > self.limits.queuedFramesMax {
            self.exceed(.queuedFrames)
        } else if count > self.limits.queuedFramesPause {
            self.isReadPaused = true
        }
    }

    final func read(context: ChannelHandlerContext) {
        if self.isReadPaused {
            self.wantsRead = true
        } else {
            context.read()
        }
    }

    /// Reads again when the queue has become short.
    final func readAgain() {
        guard self.isReadPaused, let session = unsafe self.session else { return }
        let count = unsafe nghttp2_session_get_outbound_queue_size(session)
        guard count <= self.limits.queuedFramesPause / 2 else { return }
        self.isReadPaused = false
        guard self.wantsRead else { return }
        self.wantsRead = false
        self.context?.read()
    }

    // MARK: Deadlines

    final func sweep(_ now: NIODeadline) {
        guard let session = unsafe self.session else { return }
        self.now = now
        if let failedAt = self.failedAt {
            // The peer does not even read why.
            if now - failedAt > .seconds(5) { self.context?.close(promise: nil) }
            return
        }
        var stream = self.firstStream
        while let current = stream {
            stream = current.next
            self.sweep(current, now)
        }
        self.swept(now)
        let isIdle = self.streamsCount == 0 && !self.isNeeded
        switch self.deadlines.check(isIdle: isIdle, at: now) {
        case nil: break
        case .ping:
            self.pingPayload &+= 1
            unsafe withUnsafeBytes(of: self.pingPayload) { bytes in
                _ = unsafe nghttp2_submit_ping(
                    session,
                    0,
                    bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                )
            }
            self.schedulePump()
        case .retire:
            self.reached(.idleTimeout)
            self.retire()
        case .close(let limit, let code):
            if limit == .writeTimeout || limit == .pingTimeout {
                self.reached(limit)
                self.failure = HTTP2Error(.timedOut, "the peer did not answer in time")
                self.failedAt = now
                self.context?.close(promise: nil)
            } else {
                self.exceed(limit, code: code)
            }
        }
    }

    final func pingAnswered(_ payload: UInt64) {
        guard payload == self.pingPayload else { return self.ponged(payload) }
        guard let time = self.deadlines.ponged(at: self.now) else { return }
        HTTP2Metrics.ping(time)
    }
}
