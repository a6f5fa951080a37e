// Stored events in a subscriber's own form, while they are being given.

import NIOCore

/// A page of a lane's log, encoded for one reader.
final class SubscriberPage {
    /// An event that was encoded.
    struct Mark {
        /// The index behind its last byte.
        var end: Int
        var sequence: Int64
    }

    let lane: Int64
    /// The last event it covers, whether it was wanted or not.
    let lastSequence: Int64
    /// The status of the run that ends with it.
    let endStatus: String?
    private var bytes: ByteBuffer
    private var marks: ArraySlice<Mark>
    /// Where the event begins that is being given.
    private var begin = 0

    init(
        lane: Int64,
        lastSequence: Int64,
        endStatus: String?,
        bytes: ByteBuffer,
        marks: [Mark]
    ) {
        self.lane = lane
        self.lastSequence = lastSequence
        self.endStatus = endStatus
        self.bytes = bytes
        self.marks = marks[...]
    }

    var isDone: Bool { self.bytes.readableBytes == 0 }

    /// Takes up to `count` bytes.
    ///
    /// - Returns: The bytes, and the last event that is complete with them.
    func take(_ count: Int) -> (bytes: ByteBuffer, sequence: Int64?) {
        let slice = self.bytes.readSlice(length: min(count, self.bytes.readableBytes))
        var sequence: Int64?
        while let mark = self.marks.first, mark.end <= self.bytes.readerIndex {
            sequence = mark.sequence
            self.begin = mark.end
            self.marks.removeFirst()
        }
        return (slice ?? ByteBuffer(), sequence)
    }

    /// Takes the rest of an event that was given in part; nothing between two events.
    func takeRest() -> (bytes: ByteBuffer, sequence: Int64?) {
        guard let mark = self.marks.first, self.bytes.readerIndex > self.begin else {
            return (ByteBuffer(), nil)
        }
        return self.take(mark.end - self.bytes.readerIndex)
    }
}
