// Cuts the bytes of a link into messages, whatever pieces they come in.

internal import NIOCore

/// Bytes of a link that are not a whole message yet.
struct FrameParser {
    /// A whole message.
    struct Frame {
        var tag: UInt8
        /// The number of the call.
        var id: UInt32
        var bytes: [UInt8]
    }

    private let bytesMax: Int
    private var buffer = ByteBuffer()

    /// Prepares for messages of at most so many bytes.
    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            self.buffer.discardReadBytes()
            self.buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole message; `nil` until more bytes come.
    mutating func next() throws(ClusterError) -> Frame? {
        let start = self.buffer.readerIndex
        guard let length: UInt32 = self.buffer.getInteger(at: start) else { return nil }
        guard length >= 5, Int(length) <= self.bytesMax else {
            throw ClusterError(
                .malformed,
                "a message of \(length) bytes came, where \(self.bytesMax) are allowed"
            )
        }
        guard self.buffer.readableBytes >= 4 + Int(length) else { return nil }
        self.buffer.moveReaderIndex(forwardBy: 4)
        guard let tag: UInt8 = self.buffer.readInteger(),
            let id: UInt32 = self.buffer.readInteger(),
            let bytes = self.buffer.readBytes(length: Int(length) - 5)
        else { return nil }
        return Frame(tag: tag, id: id, bytes: bytes)
    }
}
