// Answers of HTTP/1.1 as bytes: heads, bodies in chunks, and how a connection ends.

import HTTPTypes
import NIOCore

extension HTTP1Connection {
    private static let pieceBytesMax = 32_768
    private static let bufferBytesMax = 65_536

    /// Says that a request's body is wanted.
    func writeContinue() {
        guard let context = self.context else { return }
        let bytes = ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")
        context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    /// Writes the head of an answer, and its body as far as the peer takes it.
    func answer(_ response: HTTPResponse, _ body: OutboundBody, _ stream: HTTP1Stream) {
        guard let context = self.context else {
            return body.closed(HTTP2Error(.connectionLost, "the connection was closed"))
        }
        // The rest of a request nobody read would have to be read before the next one.
        if !stream.inbound.isEnded || self.isDraining { stream.isKeptAlive = false }
        self.deadlines.answerBegan()
        var extra: [(StaticString, String)] = []
        var response = response
        var outbound = body
        if stream.isBodiless(response) {
            if stream.isHead, case .whole(let bytes) = body,
                response.headerFields[.contentLength] == nil
            {
                extra.append(("content-length", "\(bytes.readableBytes)"))
            }
            outbound = .none
            body.closed(nil)
        } else if case .pulled = body, let length = response.headerFields[.contentLength] {
            stream.bytesLeft = Int(length) ?? 0
        } else {
            // What is there is known better here.
            response.headerFields[.contentLength] = nil
            switch body {
            case .none: extra.append(("content-length", "0"))
            case .whole(let bytes): extra.append(("content-length", "\(bytes.readableBytes)"))
            case .pulled where stream.isOld: stream.isKeptAlive = false
            case .pulled:
                stream.isChunked = true
                extra.append(("transfer-encoding", "chunked"))
            }
        }
        if !stream.isKeptAlive {
            extra.append(("connection", "close"))
        } else if stream.isOld {
            extra.append(("connection", "keep-alive"))
        }
        var head = context.channel.allocator.buffer(capacity: 512)
        HTTP1Head.write(response, extra: extra, into: &head)
        if case .whole(let bytes) = outbound, bytes.readableBytes <= 16_384 {
            head.writeImmutableBuffer(bytes)
            outbound = .none
        }
        stream.outbound = outbound
        context.write(self.wrapOutboundOut(head), promise: nil)
        // Its drain began before there was anything to tell.
        if self.isDraining { outbound.draining() }
        self.schedulePump()
    }

    /// Writes what the answer has while the channel takes it, up to the end of its turn: a peer that
    /// reads as fast as we write does not keep the event loop.
    func pump() {
        guard !self.isPumping, let context = self.context else { return }
        self.isPumping = true
        repeat {
            while let stream = self.current, stream.isAnswered, self.mayWrite {
                guard self.writeSome(of: stream, context) else { break }
            }
            context.flush()
        } while self.hasMore && self.mayWrite
        self.isPumping = false
        guard self.hasMore, self.isWritable, !self.isTurnAwaited else { return }
        self.isTurnAwaited = true
        self.loop.turns.wait(self)
    }

    /// Others have had their turn.
    func takeTurn() {
        self.isTurnAwaited = false
        self.turnBytes = 0
        self.pump()
    }

    private var mayWrite: Bool {
        self.isWritable && self.turnBytes < HTTP2Connection.turnBytesMax
    }

    private var hasMore: Bool {
        guard !self.isClosing, let stream = self.current else { return false }
        return stream.isAnswered && !stream.isDeferred
    }

    /// Writes one buffer of an answer.
    ///
    /// - Returns: Whether there may be more to write at once.
    private func writeSome(of stream: HTTP1Stream, _ context: ChannelHandlerContext) -> Bool {
        switch stream.outbound {
        case .none:
            self.finished(stream)
            return true
        case .whole(var bytes):
            let length = min(bytes.readableBytes, Self.bufferBytesMax)
            if let piece = bytes.readSlice(length: length), length > 0 {
                self.turnBytes += length
                context.write(self.wrapOutboundOut(piece), promise: nil)
            }
            stream.outbound = bytes.readableBytes > 0 ? .whole(bytes) : .none
            return true
        case .pulled(let body):
            guard !stream.isDeferred else { return false }
            return self.pull(body, of: stream, context)
        }
    }

    private func pull(
        _ body: any PulledBody,
        of stream: HTTP1Stream,
        _ context: ChannelHandlerContext
    ) -> Bool {
        var buffer = context.channel.allocator.buffer(capacity: 2_048)
        var result = true
        pieces: while buffer.readableBytes < Self.bufferBytesMax {
            let start = buffer.writerIndex
            if stream.isChunked { buffer.writeStaticString("0000\r\n") }
            let payload = buffer.writerIndex
            let pulled = body.pull(upTo: Self.pieceBytesMax, into: &buffer)
            if case .appended = pulled, buffer.writerIndex > payload {
                self.endChunk(stream, &buffer, start, payload)
                continue
            }
            buffer.moveWriterIndex(to: payload)
            if case .chunk(let piece) = pulled, piece.readableBytes > 0 {
                buffer.writeImmutableBuffer(piece)
                self.endChunk(stream, &buffer, start, payload)
                continue
            }
            buffer.moveWriterIndex(to: start)
            switch pulled {
            case .wait:
                stream.isDeferred = true
                result = false
            // Bytes of another number would be read as part of the next answer, or the other way.
            case .end where stream.bytesLeft ?? 0 != 0:
                self.breakOff()
                return false
            case .end(let trailers):
                stream.outbound = .none
                if stream.isChunked {
                    buffer.writeStaticString("0\r\n")
                    if let trailers { HTTP1Head.write(trailers, into: &buffer) }
                    buffer.writeStaticString("\r\n")
                }
                body.closed(nil)
            case .abort, .appended, .chunk:
                self.breakOff()
                return false
            }
            break pieces
        }
        guard stream.bytesLeft ?? 0 >= 0 else {
            self.breakOff()
            return false
        }
        self.turnBytes += buffer.readableBytes
        if buffer.readableBytes > 0 { context.write(self.wrapOutboundOut(buffer), promise: nil) }
        return result
    }

    /// Fills in the size of a chunk, four digits of it.
    private func endChunk(
        _ stream: HTTP1Stream,
        _ buffer: inout ByteBuffer,
        _ start: Int,
        _ payload: Int
    ) {
        let count = buffer.writerIndex - payload
        if let left = stream.bytesLeft { stream.bytesLeft = left - count }
        guard stream.isChunked else { return }
        for place in 0..<4 {
            let digit = UInt8(count >> (12 - 4 * place) & 0xf)
            buffer.setInteger(digit < 10 ? 48 + digit : 87 + digit, at: start + place)
        }
        buffer.writeStaticString("\r\n")
    }

    // MARK: Ending

    /// Closes so that the peer sees that the answer is not complete.
    private func breakOff() {
        self.isClosing = true
        self.context?.flush()
        self.context?.close(promise: nil)
    }

    /// Closes behind what was written; what the peer still sends is dropped for a while, or it might
    /// lose the answer.
    func linger() {
        guard !self.isClosing, let context = self.context else { return }
        self.isClosing = true
        self.deadlines.lingers(at: .now())
        let channel = context.channel
        let isComplete = self.deadlines.isRequestComplete
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            if isComplete {
                channel.close(promise: nil)
            } else {
                channel.close(mode: .output, promise: nil)
            }
        }
        context.read()
    }

    // MARK: Deadlines

    func sweep(_ now: NIODeadline) {
        if let current = self.current {
            self.deadlines.awaitsBody(current.inbound.isAwaited, at: now)
        }
        guard let limit = self.deadlines.check(at: now) else { return }
        self.server.count(limit)
        switch limit {
        case .headerTimeout where self.current == nil: self.refuseLate()
        default:
            self.isClosing = true
            self.context?.close(promise: nil)
        }
    }

    private func refuseLate() {
        guard let context = self.context, !self.isClosing else { return }
        let text = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        context.write(self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        self.linger()
    }

    func drain(_ server: ServerLife) {
        guard server === self.server, !self.isDraining else { return }
        self.isDraining = true
        if let current = self.current {
            current.outbound.draining()
        } else {
            self.linger()
        }
    }

    func closeNow(_ server: ServerLife) {
        guard server === self.server else { return }
        self.isClosing = true
        self.context?.close(promise: nil)
    }
}
