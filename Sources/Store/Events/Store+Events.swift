// Reading a lane's log.

internal import Postgres
internal import PulserIR

/// A piece of a lane's log: `count` events, one JSON document a line.
public struct EventChunk: Sendable, Hashable {
    /// The first event's number.
    public var firstSequence: Int64
    /// How many events.
    public var count: Int
    /// The lines, each ended by a newline.
    public var bytes: [UInt8]

    /// The number after the last event.
    public var endSequence: Int64 { self.firstSequence + Int64(self.count) }

    /// The lines, without their newlines, each with its event's number.
    public var lines: [(sequence: Int64, line: ArraySlice<UInt8>)] {
        self.bytes.split(separator: UInt8(ascii: "\n")).enumerated().map {
            (self.firstSequence + Int64($0.offset), $0.element)
        }
    }
}

extension Store {
    /// The chunks of a lane's log that hold events from `sequence` on, at most `limit` of them.
    ///
    /// The first chunk may begin before `sequence`.
    public func events(
        lane: Int64,
        from sequence: Int64,
        limit: Int = 100
    ) async throws(StoreError) -> [EventChunk] {
        let rows = try await self.execute(
            EventsSQL.read,
            [.int8(lane), .int8(sequence), .int8(Int64(limit))]
        )
        return try rows.decode { row throws(StoreError) in
            let first = try row.int64(0)
            return EventChunk(
                firstSequence: first,
                count: try row.int(1),
                bytes: try self.seal.opened(
                    try row.bytes(2),
                    .events(lane: lane, firstSequence: first)
                )
            )
        }.filter { $0.endSequence > sequence }
    }
}
