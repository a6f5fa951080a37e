// What a commit added to a lane's log, as those hear of it who must not wait for the database.

/// A piece of one lane's log that is stored.
public struct CommittedChunk: Sendable, Hashable {
    /// The lane's number.
    public var lane: Int64
    /// The first event's number.
    public var firstSequence: Int64
    /// How many events.
    public var count: Int
    /// One JSON document a line, each ended by a newline.
    public var bytes: [UInt8]

    /// The number after the last event.
    public var endSequence: Int64 { self.firstSequence + Int64(self.count) }

    /// Describes a piece.
    public init(lane: Int64, firstSequence: Int64, count: Int, bytes: [UInt8]) {
        self.lane = lane
        self.firstSequence = firstSequence
        self.count = count
        self.bytes = bytes
    }

    init(lane: Int64, _ chunk: LaneLog.Chunk) {
        self.init(
            lane: lane,
            firstSequence: chunk.firstSequence,
            count: chunk.count,
            bytes: chunk.bytes
        )
    }
}
