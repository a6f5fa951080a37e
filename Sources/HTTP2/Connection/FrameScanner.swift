// Sees the header of every frame a peer sends, also of those that the library drops without a word. Pure.

/// Follows the frames in a stream of bytes without looking into them.
struct FrameScanner {
    /// A frame's header, RFC 9113 section 4.1.
    struct Header: Equatable {
        var length: Int
        var type: UInt8
        var flags: UInt8
        var streamID: UInt32
    }

    private static let headerBytes = 9

    /// Bytes to be passed over: the preface, then payloads.
    private var skippedBytes: Int
    private var header: UInt64 = 0
    private var lastByte: UInt8 = 0
    private var headerCount = 0
    /// Whether a head has begun and not ended, be it within a frame or between two.
    private(set) var isInHead = false
    private var endsHead = false

    /// - Parameter isServer: Whether the peer begins with the client's preface of 24 bytes.
    init(isServer: Bool) { self.skippedBytes = isServer ? 24 : 0 }

    /// Passes over bytes, and gives each frame whose header is complete.
    mutating func scan(_ bytes: UnsafeRawBufferPointer, _ seen: (Header) -> Void) {
        var index = 0
        while index < bytes.count {
            if self.skippedBytes > 0 {
                let count = min(self.skippedBytes, bytes.count - index)
                self.skippedBytes -= count
                index += count
                if self.skippedBytes == 0 { self.payloadEnded() }
                continue
            }
            unsafe self.add(bytes[index])
            index += 1
            if self.headerCount == Self.headerBytes { seen(self.take()) }
        }
    }

    private mutating func add(_ byte: UInt8) {
        if self.headerCount < 8 {
            self.header = self.header << 8 | UInt64(byte)
        } else {
            self.lastByte = byte
        }
        self.headerCount += 1
    }

    private mutating func take() -> Header {
        let header = Header(
            length: Int(self.header >> 40),
            type: UInt8(truncatingIfNeeded: self.header >> 32),
            flags: UInt8(truncatingIfNeeded: self.header >> 24),
            streamID: UInt32(truncatingIfNeeded: self.header << 8) & 0x7fff_ffff
                | UInt32(self.lastByte)
        )
        self.header = 0
        self.headerCount = 0
        self.skippedBytes = header.length
        if header.type == FrameType.headers { self.isInHead = true }
        self.endsHead =
            header.flags & 0x4 != 0
            && (header.type == FrameType.headers || header.type == FrameType.continuation)
        if header.length == 0 { self.payloadEnded() }
        return header
    }

    private mutating func payloadEnded() {
        if self.endsHead { self.isInHead = false }
        self.endsHead = false
    }
}
