// One stream of a connection: the body going out, the bytes coming in that nobody took yet.

import HTTPTypes
import NIOCore

/// What both ends know of a stream. Confined to the connection's event loop.
///
/// Owner: ``HTTP2Connection``, until the stream is closed. Ends: `closed` is called exactly once.
@safe class HTTP2Stream: BodyStream {
    /// Facts about a stream.
    struct Flags: OptionSet {
        let rawValue: UInt8
        /// The body had nothing when it was asked last.
        static let isDeferred = Flags(rawValue: 1)
        /// The body was handed over to its end.
        static let isBodySent = Flags(rawValue: 2)
        /// The peer has sent everything.
        static let isRemoteEnded = Flags(rawValue: 4)
        /// The stream is over.
        static let isClosed = Flags(rawValue: 8)
        /// We have asked for RST_STREAM.
        static let isReset = Flags(rawValue: 16)
        /// The head of the message has come.
        static let hasHead = Flags(rawValue: 32)
        /// A head of ours was submitted.
        static let isAnswered = Flags(rawValue: 64)
    }

    /// The identifier of RFC 9113 section 5.1.1.
    final let id: Int32
    /// `nil` once the stream is over.
    final var connection: HTTP2Connection?
    final var outbound = OutboundBody.none
    final var flags: Flags = []
    /// Bytes of DATA that were received and not yet given back to the peer's window.
    final var unconsumedBytes = 0
    /// When the connection last made progress with this stream; for deadlines.
    final var progressedAt: NIODeadline
    final let eventLoop: any EventLoop
    // The list of a connection's streams; it owns them.
    final var next: HTTP2Stream?
    final unowned(unsafe) var previous: HTTP2Stream?

    init(id: Int32, connection: HTTP2Connection) {
        self.id = id
        self.connection = connection
        self.eventLoop = connection.eventLoop
        self.progressedAt = connection.now
    }

    /// Takes a complete head, or trailers when ``Flags/hasHead`` was set before.
    func received(_ block: FieldBlock, isEnd: Bool) {}

    /// Takes bytes of DATA; whoever takes them says so by ``HTTP2Stream/consume(_:)``.
    func received(_ bytes: ByteBuffer) {}

    /// The peer has sent everything.
    func receivedEnd() {}

    /// The stream is over.
    func closed(_ error: HTTP2Error?) {}

    /// Gives bytes back to the peer's window.
    final func consume(_ count: Int) {
        guard count > 0, let connection = self.connection else { return }
        self.unconsumedBytes -= count
        connection.consume(count, of: self)
    }

    /// Bytes that the stream's and the connection's window allow now.
    final var windowBytes: Int { self.connection?.windowBytes(of: self) ?? 0 }

    /// Says that the body has bytes again.
    final func resume() {
        guard self.flags.contains(.isDeferred), let connection = self.connection else { return }
        self.flags.remove(.isDeferred)
        // It had nothing to send until now.
        self.progressedAt = .now()
        connection.resume(self)
    }

    /// Ends the stream by RST_STREAM.
    final func reset(_ code: UInt32) {
        guard let connection = self.connection, !self.flags.contains(.isReset) else { return }
        self.flags.insert(.isReset)
        connection.reset(self.id, code)
    }
}
