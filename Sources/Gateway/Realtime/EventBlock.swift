// Events encoded once for all their readers: a block of bytes, and where each event lies in it.

import NIOCore
import StateMachines

/// One event of a block.
struct EventEntry: Sendable {
    /// Where its server-sent form begins.
    var start: Int32
    /// Where its JSON begins; the server-sent form ends two bytes behind it.
    var json: Int32
    /// Where its server-sent form ends.
    var end: Int32
    /// See ``EventFacts``.
    var kind: UInt8
    var level: UInt8
    /// Its lane; 0 for an id that stands alone.
    var lane: Int64
    var sequence: Int64
    var run: Int64

    /// Whether it is an id alone, at the end of a wide stream's block.
    var isMark: Bool { self.lane == 0 }
    /// Whether its server-sent form tells the cursor: something stands before `data: `.
    var hasID: Bool { self.json > self.start + 6 }
}

/// Events of one topic that are published together. Shared by all who read them.
final class EventBlock: Sendable {
    /// The index of its first entry among all of its topic.
    let firstIndex: Int64
    /// The positions before it.
    let base: LanePositions
    /// The positions behind it.
    let heads: LanePositions
    /// All entries in server-sent form, one behind the other.
    let bytes: ByteBuffer
    let entries: [EventEntry]

    init(
        firstIndex: Int64,
        base: LanePositions,
        heads: LanePositions,
        bytes: ByteBuffer,
        entries: [EventEntry]
    ) {
        self.firstIndex = firstIndex
        self.base = base
        self.heads = heads
        self.bytes = bytes
        self.entries = entries
    }

    /// The index behind its last entry.
    var endIndex: Int64 { self.firstIndex + Int64(self.entries.count) }

    /// The bytes of an entry's JSON.
    func json(_ entry: EventEntry) -> ByteBuffer {
        self.bytes.getSlice(at: Int(entry.json), length: Int(entry.end - entry.json) - 2)
            ?? ByteBuffer()
    }

    /// The bytes of server-sent forms, from one entry's beginning to another's end.
    func slice(from start: Int32, to end: Int32) -> ByteBuffer {
        self.bytes.getSlice(at: Int(start), length: Int(end - start)) ?? ByteBuffer()
    }
}

/// Encodes events of one topic into its next block.
struct EventBlockBuilder {
    /// Lanes up to which every event carries the whole cursor as its id.
    static let eachIDLanesMax = 64
    /// Events of a wide topic after which its cursor is written.
    static let markEvery = 256

    private let epoch: String
    let onlyLane: Int64?
    private var firstIndex: Int64
    private var base: LanePositions
    private var bytes = ByteBuffer()
    private var entries: [EventEntry] = []
    private var unmarked = 0
    private var id: [UInt8] = []
    /// The positions behind all that was added.
    private(set) var heads: LanePositions

    init(epoch: String, onlyLane: Int64?, heads: LanePositions) {
        self.epoch = epoch
        self.onlyLane = onlyLane
        self.firstIndex = 0
        self.base = heads
        self.heads = heads
    }

    var isEmpty: Bool { self.entries.isEmpty }
    /// The index the next entry gets.
    var nextIndex: Int64 { self.firstIndex + Int64(self.entries.count) }
    /// Whether events were published whose cursor was not.
    var isMarkDue: Bool { self.unmarked > 0 }

    /// Adds an event that directly follows those of its lane that were added.
    mutating func add(
        _ line: ArraySlice<UInt8>,
        lane: Int64,
        sequence: Int64,
        _ facts: EventFacts
    ) {
        self.heads[lane] = sequence
        let start = Int32(self.bytes.writerIndex)
        if self.onlyLane != nil || self.heads.all.count <= Self.eachIDLanesMax {
            self.writeID()
            self.bytes.writeStaticString("\n")
        } else {
            self.unmarked += 1
        }
        self.bytes.writeStaticString("data: ")
        let json = Int32(self.bytes.writerIndex)
        EventJSON.write(line, lane: lane, to: &self.bytes)
        self.bytes.writeStaticString("\n\n")
        self.entries.append(
            EventEntry(
                start: start,
                json: json,
                end: Int32(self.bytes.writerIndex),
                kind: facts.kind,
                level: facts.level,
                lane: lane,
                sequence: sequence,
                run: facts.run
            )
        )
        if self.unmarked >= Self.markEvery { self.mark() }
    }

    /// Adds the cursor alone: a reader of server-sent events remembers it without an event.
    mutating func mark() {
        self.unmarked = 0
        let start = Int32(self.bytes.writerIndex)
        self.writeID()
        self.bytes.writeStaticString("\n\n")
        let end = Int32(self.bytes.writerIndex)
        self.entries.append(
            EventEntry(
                start: start,
                json: end,
                end: end,
                kind: EventFacts.unknownKind,
                level: 0,
                lane: 0,
                sequence: 0,
                run: 0
            )
        )
    }

    /// Ends the block and begins the next.
    mutating func finish() -> EventBlock {
        let block = EventBlock(
            firstIndex: self.firstIndex,
            base: self.base,
            heads: self.heads,
            bytes: self.bytes,
            entries: self.entries
        )
        self.firstIndex = block.endIndex
        self.base = self.heads
        self.bytes = ByteBuffer()
        self.entries = []
        return block
    }

    /// Goes on behind events of a lane that were not added. Between two blocks only.
    mutating func jump(_ lane: Int64, to sequence: Int64) {
        self.heads[lane] = sequence
        self.base = self.heads
    }

    private mutating func writeID() {
        self.id.removeAll(keepingCapacity: true)
        StreamCursor.write(epoch: self.epoch, self.heads, to: &self.id)
        self.bytes.writeStaticString("id: ")
        self.bytes.writeBytes(self.id)
    }
}

/// An event as streams send it: the stored line with its lane in front.
enum EventJSON {
    /// Appends `{"lane":7,` and the line without its brace.
    static func write(_ line: ArraySlice<UInt8>, lane: Int64, to bytes: inout ByteBuffer) {
        bytes.writeStaticString(#"{"lane":"#)
        Self.write(lane, to: &bytes)
        bytes.writeStaticString(",")
        bytes.writeBytes(line.dropFirst())
    }

    private static func write(_ number: Int64, to bytes: inout ByteBuffer) {
        bytes.writeString(String(number))
    }
}
