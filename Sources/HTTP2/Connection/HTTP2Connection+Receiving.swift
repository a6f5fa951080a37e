// What comes in: bytes to the library, and what the library makes of them to streams.

import CNghttp2
import HTTPTypes
import NIOCore

extension HTTP2Connection {
    /// Pieces of at least so many bytes are handed on as slices of what was read; smaller ones are
    /// copied, so that few bytes never keep a large buffer alive.
    private static let sliceBytesMin = 4_096

    final func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.receive(self.unwrapInboundIn(data))
    }

    final func channelReadComplete(context: ChannelHandlerContext) {
        self.pump()
        context.fireChannelReadComplete()
    }

    final func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.deadlines.writable(context.channel.isWritable, at: .now())
        if context.channel.isWritable { self.pump() }
        context.fireChannelWritabilityChanged()
    }

    private func receive(_ buffer: ByteBuffer) {
        guard let session = unsafe self.session, self.failure == nil else { return }
        self.now = NIODeadline.now()
        guard self.watch(buffer) else { return }
        self.isReceiving = true
        // The pump after the read answers for everything that happens now.
        self.isPumpScheduled = true
        self.loop.executor.hold(isBriefly: true)
        self.incoming = buffer
        let result = unsafe buffer.withUnsafeReadableBytes { bytes in
            unsafe nghttp2_session_mem_recv(
                session,
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                bytes.count
            )
        }
        self.incoming = ByteBuffer()
        self.isReceiving = false
        if result < 0 {
            let reason = unsafe nghttp2_strerror(Int32(result)).map { unsafe String(cString: $0) }
            let isFlood = result == Int(NGHTTP2_ERR_FLOODED.rawValue)
            self.fail(
                HTTP2Error(.protocolViolation, "the peer broke HTTP/2: \(reason ?? "unknown")"),
                code: isFlood ? StreamCode.calm : StreamCode.protocolError
            )
        }
        self.loop.executor.drain()
        self.watchQueue()
    }

    // MARK: Called by the library

    final func headersBegan(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let id = unsafe frame.pointee.hd.stream_id
        self.block = FieldBlock()
        if unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            guard let stream = self.makeStream(id) else {
                // It was reset with a code of its own; a failure here would reset it once more.
                self.blockStream = nil
                return CallbackResult.ok
            }
            self.insert(stream)
            unsafe nghttp2_session_set_stream_user_data(
                self.session,
                id,
                Unmanaged.passUnretained(stream).toOpaque()
            )
            self.blockStream = stream
        } else {
            self.blockStream = self.stream(id)
        }
        return CallbackResult.ok
    }

    final func fieldReceived(
        _ name: UnsafeBufferPointer<UInt8>,
        _ value: UnsafeBufferPointer<UInt8>
    ) -> Int32 {
        guard self.blockStream != nil else { return CallbackResult.ok }
        let verdict = unsafe self.block.add(
            name,
            value,
            names: self.loop.names,
            listBytesMax: self.limits.headerListBytesMax,
            countMax: self.limits.headerFieldsMax
        )
        switch verdict {
        case .fine: return CallbackResult.ok
        case .tooLarge:
            return self.block.listBytes > 4 * self.limits.headerListBytesMax
                ? CallbackResult.streamFailure : CallbackResult.ok
        case .malformed:
            self.glitch()
            return CallbackResult.streamFailure
        }
    }

    final func frameReceived(_ frame: UnsafePointer<nghttp2_frame>) {
        let head = unsafe frame.pointee.hd
        let isFlagged = head.flags & FrameType.endStreamOrAck != 0
        switch head.type {
        case FrameType.headers:
            guard let stream = self.blockStream else { return }
            self.blockStream = nil
            let block = self.block
            self.block = FieldBlock()
            if isFlagged { stream.flags.insert(.isRemoteEnded) }
            stream.progressedAt = self.now
            stream.received(block, isEnd: isFlagged)
            stream.flags.insert(.hasHead)
        case FrameType.data:
            if !isFlagged, unsafe frame.pointee.data.padlen > 0 {
                let bytes = unsafe head.length - frame.pointee.data.padlen
                if let limit = self.conduct.receivedPadded(contentBytes: bytes) {
                    self.exceed(limit)
                }
            }
            guard isFlagged, let stream = self.stream(head.stream_id) else { return }
            stream.flags.insert(.isRemoteEnded)
            stream.receivedEnd()
        case FrameType.settings:
            self.deadlines.settings(isAck: isFlagged)
            self.settingsReceived(isAck: isFlagged)
        case FrameType.ping:
            guard isFlagged else { return }
            let payload = unsafe frame.pointee.ping.opaque_data
            self.pingAnswered(unsafe unsafeBitCast(payload, to: UInt64.self))
        case FrameType.goaway:
            unsafe self.goingAway(
                last: frame.pointee.goaway.last_stream_id,
                code: frame.pointee.goaway.error_code
            )
        default: break
        }
    }

    final func dataReceived(_ id: Int32, _ bytes: UnsafeRawBufferPointer) {
        guard let stream = self.stream(id), !stream.flags.contains(.isReset) else {
            unsafe nghttp2_session_consume(self.session, id, bytes.count)
            return
        }
        stream.unconsumedBytes += bytes.count
        stream.progressedAt = self.now
        stream.received(unsafe self.piece(bytes))
    }

    /// A buffer with these bytes, which lie in ``incoming``.
    private func piece(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        guard bytes.count >= Self.sliceBytesMin else {
            return unsafe ByteBuffer(bytes: bytes)
        }
        let offset = unsafe self.incoming.withUnsafeReadableBytes { all in
            guard let base = all.baseAddress, let start = bytes.baseAddress else { return -1 }
            return unsafe start - base
        }
        let start = self.incoming.readerIndex + offset
        if let slice = self.incoming.getSlice(at: start, length: bytes.count) { return slice }
        return unsafe ByteBuffer(bytes: bytes)
    }

    final func streamClosed(_ id: Int32, _ code: UInt32) {
        guard let stream = self.stream(id) else { return }
        self.close(stream, code == StreamCode.none ? nil : Self.error(ofReset: code))
    }

    /// The object of a stream; `nil` when it is not open.
    final func stream(_ id: Int32) -> HTTP2Stream? {
        guard let pointer = unsafe nghttp2_session_get_stream_user_data(self.session, id) else {
            return nil
        }
        return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// What RST_STREAM with a code means for the stream.
    static func error(ofReset code: UInt32) -> HTTP2Error {
        let name = unsafe nghttp2_http2_strerror(code).map { unsafe String(cString: $0) } ?? "?"
        return code == StreamCode.refused
            ? HTTP2Error(.refused, "the peer refused the stream", streamCode: code)
            : HTTP2Error(.streamReset, "the stream was reset: \(name)", streamCode: code)
    }
}
