// The body of a request between its connection and its reader.

import NIOCore

/// Bytes that have come and nobody has taken, or a reader that waits for some. One reader at a time.
struct InboundBody {
    typealias Reader = CheckedContinuation<ByteBuffer?, any Error>

    private var bytes = ByteBuffer()
    private var reader: Reader?
    /// Whether everything has come.
    private(set) var isEnded = false
    private var failure: HTTP2Error?

    /// Bytes that nobody has taken.
    var waitingBytes: Int { self.bytes.readableBytes }
    /// Whether somebody waits for bytes.
    var isAwaited: Bool { self.reader != nil }

    /// Bytes have come.
    ///
    /// - Returns: How many of them were taken at once.
    mutating func received(_ bytes: ByteBuffer) -> Int {
        guard self.failure == nil else { return bytes.readableBytes }
        if let reader = self.reader {
            self.reader = nil
            reader.resume(returning: bytes)
            return bytes.readableBytes
        }
        if self.bytes.readableBytes == 0 {
            self.bytes = bytes
        } else {
            self.bytes.writeImmutableBuffer(bytes)
        }
        return 0
    }

    /// Everything has come.
    mutating func end() {
        self.isEnded = true
        self.reader?.resume(returning: nil)
        self.reader = nil
    }

    /// No more will come.
    mutating func fail(_ error: HTTP2Error) {
        guard self.failure == nil else { return }
        self.failure = error
        self.reader?.resume(throwing: error)
        self.reader = nil
    }

    /// Gives the next bytes, now or when they come.
    ///
    /// - Returns: How many bytes were taken.
    mutating func read(_ reader: Reader) -> Int {
        if self.bytes.readableBytes > 0 {
            let bytes = self.bytes
            self.bytes = ByteBuffer()
            reader.resume(returning: bytes)
            return bytes.readableBytes
        }
        if self.isEnded {
            reader.resume(returning: nil)
        } else if let failure = self.failure {
            reader.resume(throwing: failure)
        } else if self.reader != nil {
            reader.resume(
                throwing: HTTP2Error(.configuration, "a request's body is read by one reader")
            )
        } else {
            self.reader = reader
        }
        return 0
    }

    /// Whoever was reading was cancelled.
    mutating func stopReading() {
        let reader = self.reader
        self.reader = nil
        reader?.resume(throwing: HTTP2Error(.cancelled, "reading the body was cancelled"))
    }
}
