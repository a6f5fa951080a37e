// The stream under a link: gives what waits when the transport asks, cuts what comes into messages.

internal import HTTP2
internal import HTTPTypes
internal import NIOCore

/// Both directions of one HTTP/2 stream. Confined to its event loop.
///
/// The transport asks for bytes when window and socket have room: everything that calls have added
/// meanwhile leaves in one piece.
final class LinkStream: PulledBody, StreamReceiver {
    /// RST_STREAM(CANCEL), RFC 9113 section 7.
    private static let cancel: UInt32 = 0x8

    private let link: Link
    private var parser: FrameParser
    private var sending = ByteBuffer()
    private var isStopped = false
    var body: (any BodyStream)?
    var handle: (any ClientStream)?

    init(_ link: Link) {
        self.link = link
        self.parser = FrameParser(bytesMax: link.settings.limits.bytesMax + 65_536)
    }

    // MARK: Out

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        if self.sending.readableBytes == 0 {
            guard let taken = self.link.take() else {
                if self.link.isClosing { return .end(nil) }
                return self.isStopped ? .abort(Self.cancel) : .wait
            }
            self.sending = taken
        }
        let count = min(bytesMax, self.sending.readableBytes)
        guard let piece = self.sending.readSlice(length: count) else { return .wait }
        return .chunk(piece)
    }

    func closed(_ error: HTTP2Error?) {
        self.body = nil
        self.lost(error)
    }

    /// The certificate was renewed, or the node is leaving.
    func draining() { self.link.retire() }

    /// There is something to send.
    func resume() { self.body?.resume() }

    /// The link is over.
    func stop() {
        self.isStopped = true
        self.handle?.cancel()
        self.handle = nil
        self.body?.resume()
    }

    // MARK: In

    func received(_ head: HTTPResponse) {
        guard head.status != .ok else { return }
        self.link.end(
            ClusterError(
                .refused,
                head.status == .forbidden
                    ? "the node does not let this one in: its certificate carries no node's name"
                    : "the node answers \(head.status.code): does it listen for nodes there?"
            )
        )
    }

    func received(_ bytes: inout ByteBuffer) {
        let now = NIODeadline.now()
        self.link.heard(at: now)
        self.parser.append(bytes)
        do throws(ClusterError) {
            while let frame = try self.parser.next() { try self.link.received(frame, at: now) }
        } catch {
            self.link.end(error)
        }
    }

    func ended(_ trailers: HTTPFields?, _ error: HTTP2Error?) {
        self.handle = nil
        self.lost(error)
    }

    private func lost(_ error: HTTP2Error?) {
        self.link.end(
            ClusterError(.unreachable, error?.message ?? "the node has ended the connection")
        )
    }
}

/// A stream as its link sees it, from any thread.
final class LinkChannel: LinkTransport {
    private let link: Link
    private let eventLoop: any EventLoop
    private let stream: NIOLoopBoundBox<LinkStream>

    init(_ link: Link, on eventLoop: any EventLoop) {
        self.link = link
        self.eventLoop = eventLoop
        self.stream = NIOLoopBoundBox.makeBoxSendingValue(LinkStream(link), eventLoop: eventLoop)
    }

    /// The stream's bytes can be sent. On the event loop.
    ///
    /// - Parameters:
    ///   - body: The stream.
    ///   - isCaller: Whether this end has called.
    ///   - patience: How long the peer may take to say who it is.
    /// - Returns: What gives the bytes.
    func opened(
        _ body: any BodyStream,
        isCaller: Bool,
        patience: Duration
    ) -> any PulledBody {
        let stream = self.stream.value
        stream.body = body
        self.link.attach(self, isCaller: isCaller)
        self.eventLoop.scheduleTask(in: TimeAmount(patience)) { [link] in
            guard !link.isReady else { return }
            link.end(ClusterError(.unreachable, "the node did not say in time who it is"))
        }
        return stream
    }

    /// The stream's answer is taken. On the event loop.
    func receiver(_ handle: any ClientStream) -> any StreamReceiver {
        self.stream.value.handle = handle
        return self.stream.value
    }

    /// Bytes of a request came. On the event loop.
    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        self.stream.value.received(&bytes)
    }

    func wake() { self.onLoop { $0.resume() } }

    func stop() { self.onLoop { $0.stop() } }

    private func onLoop(_ body: @escaping @Sendable (LinkStream) -> Void) {
        if self.eventLoop.inEventLoop {
            body(self.stream.value)
        } else {
            self.eventLoop.execute { body(self.stream.value) }
        }
    }
}
