// What goes out: the pump that asks the library for frames, and bodies that are pulled by it.

import CNghttp2
import HTTPTypes
import NIOCore

extension HTTP2Connection {
    private static let headerBytes = 9

    /// Has the connection pumped at the end of this turn of the event loop.
    final func schedulePump() {
        guard !self.isPumpScheduled, !self.isEnding else { return }
        self.isPumpScheduled = true
        self.loop.schedule(self)
    }

    /// Writes what the library wants to send while the channel takes it, with one flush.
    ///
    /// A flush may complete at once and announce writability inside this function, where it would be
    /// lost: so it goes round until everything is sent or the channel is full.
    final func pump() {
        guard !self.isReceiving, !self.isPumping, unsafe self.session != nil else { return }
        self.isPumpScheduled = false
        self.isPumping = true
        self.now = NIODeadline.now()
        self.takeBuffer()
        var isDrained = false
        repeat {
            isDrained = self.fill()
            self.emit(isLast: true)
        } while !isDrained && self.canWrite && !self.isTurnOver
        self.returnBuffer()
        self.isPumping = false
        self.afterPump(isDrained: isDrained)
    }

    /// Others have had their turn.
    final func takeTurn() {
        self.isTurnAwaited = false
        self.turnBytes = 0
        self.pump()
    }

    /// Whether others are to have their turn. Bytes are counted until then, not by pump: a flush that
    /// completes at once has the channel ask for more again and again.
    private var isTurnOver: Bool { self.turnBytes >= Self.turnBytesMax }

    private var canWrite: Bool {
        guard unsafe self.session != nil, !self.isEnding, let context = self.context else {
            return false
        }
        return context.channel.isWritable
    }

    /// Moves frames into ``out``.
    ///
    /// - Returns: Whether the library has nothing more to send.
    private func fill() -> Bool {
        guard let session = unsafe self.session, let channel = self.context?.channel else {
            return true
        }
        var data: UnsafePointer<UInt8>?
        while channel.isWritable, !self.isEnding, !self.isTurnOver {
            let count = unsafe nghttp2_session_mem_send(session, &data)
            if count < 0 {
                self.failure = self.failure ?? HTTP2Error(.protocolViolation, "sending failed")
                self.context?.close(promise: nil)
                return true
            }
            guard count > 0 else {
                guard self.isPaused else { return true }
                // Bodies have given enough: unless that is written, the channel never seems full.
                self.isPaused = false
                self.emit(isLast: false)
                continue
            }
            unsafe self.out.writeBytes(UnsafeRawBufferPointer(start: data, count: count))
            if self.out.readableBytes >= Self.writeBytes { self.emit(isLast: false) }
        }
        return false
    }

    /// Writes what was gathered; flushes at the end or when enough is waiting.
    private func emit(isLast: Bool) {
        guard let context = self.context else { return }
        let count = self.out.readableBytes
        if count > 0 {
            context.write(self.wrapOutboundOut(self.out), promise: nil)
            self.deadlines.sent(at: self.now)
            self.unflushedBytes += count
            self.turnBytes += count
        }
        if self.unflushedBytes > 0, isLast || self.unflushedBytes >= 2 * Self.writeBytes {
            self.unflushedBytes = 0
            context.flush()
        }
        // Uses the memory again when the socket has taken everything.
        if count > 0 { self.out.clear() }
    }

    private func takeBuffer() {
        swap(&self.out, &self.loop.out)
        self.out.clear(minimumCapacity: Self.writeBytes)
    }

    private func returnBuffer() {
        if self.out.capacity > self.loop.out.capacity { swap(&self.out, &self.loop.out) }
        self.out = ByteBuffer()
    }

    private func afterPump(isDrained: Bool) {
        guard let session = unsafe self.session, !self.isEnding else { return }
        if unsafe nghttp2_session_want_read(session) == 0,
            unsafe nghttp2_session_want_write(session) == 0
        {
            self.closeWhenWritten()
            return
        }
        self.readAgain()
        guard !isDrained, self.canWrite else { return }
        if !self.isTurnOver {
            self.schedulePump()
        } else if !self.isTurnAwaited {
            self.isTurnAwaited = true
            self.loop.turns.wait(self)
        }
    }

    /// Closes the channel behind everything that was written to it, in two steps: closing at once
    /// with bytes unread would have the system throw away what the peer has not read yet.
    private func closeWhenWritten() {
        guard let context = self.context, !self.isClosing else { return }
        self.isClosing = true
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        }
    }

    // MARK: Bodies

    /// Sends a head, and a body from `outbound`; `none` ends the stream with the head.
    final func submit(
        _ response: HTTPResponse,
        outbound: OutboundBody,
        on stream: HTTP2Stream
    ) {
        guard let session = unsafe self.session, !stream.flags.contains(.isClosed) else { return }
        stream.flags.insert(.isAnswered)
        var provider = unsafe self.provider(of: stream)
        let result: Int32
        if case .none = outbound {
            stream.flags.insert(.isBodySent)
            result = unsafe self.loop.arena.with(response) { fields, count in
                unsafe nghttp2_submit_response(session, stream.id, fields, count, nil)
            }
        } else {
            stream.outbound = outbound
            result = unsafe self.loop.arena.with(response) { fields, count in
                unsafe nghttp2_submit_response(session, stream.id, fields, count, &provider)
            }
        }
        if result != 0 { stream.reset(StreamCode.internalError) }
        self.schedulePump()
    }

    /// What the library needs to ask a stream for bytes. The stream outlives it: it is kept until
    /// the library has closed it.
    final func provider(of stream: HTTP2Stream) -> nghttp2_data_provider {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
        unsafe provider.read_callback = { _, _, _, bytesMax, flags, source, user in
            guard let user = unsafe user, let stream = unsafe source?.pointee.ptr,
                let flags = unsafe flags
            else { return Int(CallbackResult.streamFailure) }
            let connection = unsafe Unmanaged<HTTP2Connection>.fromOpaque(user)
                .takeUnretainedValue()
            return unsafe connection.pull(
                Unmanaged<HTTP2Stream>.fromOpaque(stream).takeUnretainedValue(),
                bytesMax,
                &flags.pointee
            )
        }
        return unsafe provider
    }

    /// Asks a stream's body for the payload of one DATA frame. The body appends behind the nine bytes
    /// left for the frame's header, which ``dataSent(_:_:)`` fills in: nothing else is written between.
    private func pull(_ stream: HTTP2Stream, _ bytesMax: Int, _ flags: inout UInt32) -> Int {
        stream.progressedAt = self.now
        switch stream.outbound {
        case .none:
            return Int(CallbackResult.streamFailure)
        case .whole(var bytes):
            stream.outbound = .none
            guard let piece = bytes.readSlice(length: min(bytesMax, bytes.readableBytes)) else {
                return Int(CallbackResult.streamFailure)
            }
            if bytes.readableBytes == 0 {
                stream.flags.insert(.isBodySent)
                flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
            } else {
                stream.outbound = .whole(bytes)
            }
            return self.place(piece, &flags)
        case .pulled(let body):
            return self.pull(body, of: stream, bytesMax, &flags)
        }
    }

    private func pull(
        _ body: any PulledBody,
        of stream: HTTP2Stream,
        _ bytesMax: Int,
        _ flags: inout UInt32
    ) -> Int {
        let start = self.out.writerIndex
        self.out.writeRepeatingByte(0, count: Self.headerBytes)
        let pulled = body.pull(upTo: bytesMax, into: &self.out)
        let count = self.out.writerIndex - start - Self.headerBytes
        if case .appended = pulled, count > 0, count <= bytesMax {
            self.frameStart = start
            flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
            return count
        }
        self.out.moveWriterIndex(to: start)
        switch pulled {
        case .chunk(let piece) where piece.readableBytes > 0 && piece.readableBytes <= bytesMax:
            return self.place(piece, &flags)
        case .wait:
            stream.flags.insert(.isDeferred)
            return CallbackResult.deferred
        case .end(let trailers):
            stream.flags.insert(.isBodySent)
            flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if let trailers, !trailers.isEmpty {
                flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                unsafe self.loop.arena.with(trailers) { fields, count in
                    _ = unsafe nghttp2_submit_trailer(self.session, stream.id, fields, count)
                }
            }
            return 0
        // Nothing more is asked for before RST_STREAM is sent; a failure would send a second one.
        case .abort(let code):
            stream.reset(code)
            return CallbackResult.deferred
        case .appended, .chunk:
            stream.reset(StreamCode.internalError)
            return CallbackResult.deferred
        }
    }

    /// Lays out a payload: large ones are kept for ``dataSent(_:_:)``, small ones copied.
    private func place(_ piece: ByteBuffer, _ flags: inout UInt32) -> Int {
        flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        self.frameStart = self.out.writerIndex
        self.out.writeRepeatingByte(0, count: Self.headerBytes)
        if piece.readableBytes >= Self.chunkBytesMin {
            self.chunk = piece
        } else {
            self.out.writeImmutableBuffer(piece)
        }
        return piece.readableBytes
    }

    /// The library has made the header of the frame whose payload was laid out last.
    final func dataSent(_ header: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        let bytes = unsafe UnsafeRawBufferPointer(start: header, count: Self.headerBytes)
        unsafe self.out.setBytes(bytes, at: self.frameStart)
        if let chunk = self.chunk, let context = self.context {
            self.chunk = nil
            context.write(self.wrapOutboundOut(self.out), promise: nil)
            context.write(self.wrapOutboundOut(chunk), promise: nil)
            let written = self.out.readableBytes + chunk.readableBytes
            self.unflushedBytes += written
            self.turnBytes += written
            // The large buffer is used again when it was sent; what follows is small.
            if self.out.capacity > self.loop.out.capacity { swap(&self.out, &self.loop.out) }
            self.out = context.channel.allocator.buffer(capacity: 256)
        }
        let isEnough = self.unflushedBytes + self.out.readableBytes >= 2 * Self.writeBytes
        guard isEnough || self.context?.channel.isWritable != true else { return CallbackResult.ok }
        self.isPaused = true
        return CallbackResult.pause
    }

    // MARK: Asked for by streams

    /// Says that a request's body is wanted.
    final func submitContinue(on id: Int32) {
        guard let session = unsafe self.session else { return }
        unsafe self.loop.arena.with(HTTPResponse(status: .continue)) { fields, count in
            _ = unsafe nghttp2_submit_headers(session, 0, id, nil, fields, count, nil)
        }
        self.schedulePump()
    }

    final func resume(_ stream: HTTP2Stream) {
        guard let session = unsafe self.session else { return }
        unsafe nghttp2_session_resume_data(session, stream.id)
        self.schedulePump()
    }

    final func reset(_ id: Int32, _ code: UInt32) {
        guard let session = unsafe self.session else { return }
        unsafe nghttp2_submit_rst_stream(session, 0, id, code)
        self.schedulePump()
    }

    final func consume(_ count: Int, of stream: HTTP2Stream) {
        guard let session = unsafe self.session else { return }
        unsafe nghttp2_session_consume(session, stream.id, count)
        self.schedulePump()
    }

    final func windowBytes(of stream: HTTP2Stream) -> Int {
        guard let session = unsafe self.session else { return 0 }
        let own = unsafe nghttp2_session_get_stream_remote_window_size(session, stream.id)
        let all = unsafe nghttp2_session_get_remote_window_size(session)
        return Int(max(0, min(own, all)))
    }
}
