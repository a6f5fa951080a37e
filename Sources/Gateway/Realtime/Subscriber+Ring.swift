// What a live subscriber gets: bytes that were encoded once, copied as they lie in the ring.

import Metrics
import NIOCore
import PulserIR
import StateMachines

extension Subscriber {
    /// Gives entries of one block, as many as there is room for.
    func deliver(_ index: Int64, _ room: Int, _ buffer: inout ByteBuffer) {
        guard let block = self.topic.ring.block(at: index) else { return }
        let offset = Int(index - block.firstIndex)
        if self.isMarkedByEvents, self.machine.skipping == nil, self.ticket.run == nil {
            self.copy(block, offset, room, &buffer)
        } else {
            self.choose(block, offset, room, &buffer)
        }
    }

    /// Everything, in the form it lies there.
    private func copy(
        _ block: EventBlock,
        _ offset: Int,
        _ room: Int,
        _ buffer: inout ByteBuffer
    ) {
        let entries = block.entries
        let start = entries[offset].start
        let all = block.bytes.writerIndex - Int(start)
        if all <= room {
            buffer.writeImmutableBuffer(block.slice(from: start, to: start + Int32(all)))
            self.fanout.deliveries += entries.count - offset
            _ = self.machine.handle(.delivered(index: block.endIndex))
            return
        }
        let cut = start + Int32(room)
        buffer.writeImmutableBuffer(block.slice(from: start, to: cut))
        // The first entry that does not fit as a whole; its rest goes first next time.
        var low = offset
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].end <= cut { low = middle + 1 } else { high = middle }
        }
        var next = low
        if next < entries.count, entries[next].start < cut {
            self.keep(block.slice(from: cut, to: entries[next].end))
            next += 1
        }
        self.fanout.deliveries += next - offset
        _ = self.machine.handle(.delivered(index: block.firstIndex + Int64(next)))
    }

    /// Event by event: filtered, in another form, or up to a run's end.
    private func choose(
        _ block: EventBlock,
        _ offset: Int,
        _ room: Int,
        _ buffer: inout ByteBuffer
    ) {
        let end = buffer.writerIndex + room
        let filter = self.filter
        // Ahead of the ring in some lanes: its ids would lead back to what the reader has had.
        var ahead = self.machine.skipping.map { skipping in
            ReaderAhead(had: skipping, ring: self.ringPlace)
        }
        self.ringPlaceAhead = nil
        var next = offset
        // What does not fit waits in `pending`, and nothing may overtake it.
        while next < block.entries.count, buffer.writerIndex < end, self.pending.readableBytes == 0
        {
            let entry = block.entries[next]
            next += 1
            if ahead?.passes(entry) == false { continue }
            let facts = EventFacts(kind: entry.kind, level: entry.level, run: entry.run)
            let status = self.endStatus(facts, sequence: entry.sequence)
            if !entry.isMark,
                !filter.admits(kind: entry.kind, level: entry.level, run: entry.run)
            {
                self.unmarked += 1
                guard let status else { continue }
                // The last event is not wanted; that it came is.
                _ = self.machine.handle(.runEnded(status: status))
                return
            }
            let left = end - buffer.writerIndex
            if let ahead, self.format == .serverSentEvents, entry.hasID {
                self.give(block, entry, at: ahead.place, left, &buffer)
            } else {
                self.give(block, entry, left, &buffer)
            }
            if let status {
                _ = self.machine.handle(.runEnded(status: status))
                return
            }
        }
        let index = block.firstIndex + Int64(next)
        _ = self.machine.handle(.delivered(index: index))
        if let ahead {
            if ahead.isOver {
                _ = self.machine.handle(.passed)
            } else {
                self.ringPlaceAhead = (index, ahead.ring)
            }
        }
        if self.unmarked >= LoopFanout.bookmarkEvents { self.flags.insert(.isBookmarkDue) }
    }

    /// Where the ring is at its index: found once, then kept while it is ahead of it.
    private var ringPlace: LanePositions {
        guard let index = self.machine.index else { return LanePositions() }
        if let kept = self.ringPlaceAhead, kept.index == index { return kept.place }
        return self.topic.ring.positions(at: index)
    }

    private func give(
        _ block: EventBlock,
        _ entry: EventEntry,
        _ room: Int,
        _ buffer: inout ByteBuffer
    ) {
        if self.format == .serverSentEvents {
            var bytes = block.slice(from: entry.start, to: entry.end)
            let head = bytes.readSlice(length: min(room, bytes.readableBytes)) ?? ByteBuffer()
            buffer.writeImmutableBuffer(head)
            if bytes.readableBytes > 0 { self.keep(bytes) }
            // With its id the reader has its cursor.
            if entry.hasID { self.unmarked = 0 }
        } else if !entry.isMark {
            let json = block.json(entry)
            self.unmarked += 1
            if json.readableBytes + 5 <= room {
                self.format.write(event: json, id: nil, to: &buffer)
            } else {
                self.format.write(event: json, id: nil, to: &self.pending)
            }
        }
        if !entry.isMark { self.fanout.deliveries += 1 }
    }

    /// Gives an entry with the reader's own place for an id.
    private func give(
        _ block: EventBlock,
        _ entry: EventEntry,
        at place: LanePositions,
        _ room: Int,
        _ buffer: inout ByteBuffer
    ) {
        let id = ByteBuffer(string: self.cursor(place))
        var text = ByteBuffer()
        if entry.isMark {
            text.writeString("id: \(String(buffer: id))\n\n")
        } else {
            self.format.write(event: block.json(entry), id: id, to: &text)
            self.fanout.deliveries += 1
        }
        if let head = text.readSlice(length: min(room, text.readableBytes)) {
            buffer.writeImmutableBuffer(head)
        }
        if text.readableBytes > 0 { self.keep(text) }
        self.unmarked = 0
    }

    /// Keeps the rest of an event by itself: a slow reader must not hold its whole block.
    private func keep(_ rest: ByteBuffer) {
        self.pending = ByteBuffer(bytes: rest.readableBytesView)
    }

    // MARK: What is left out

    /// Of the entries the newest of every kind and run, and the gap they leave.
    func conflate(_ from: Int64, _ to: Int64) {
        struct Key: Hashable {
            var kind: UInt8
            var run: Int64
        }
        var seen: Set<Key> = []
        var kept: [Int64] = []
        for index in stride(from: to - 1, through: from, by: -1) {
            guard let entry = self.entry(at: index), !entry.isMark,
                self.filter.admits(kind: entry.kind, level: entry.level, run: entry.run),
                seen.insert(Key(kind: entry.kind, run: entry.run)).inserted
            else { continue }
            kept.append(index)
        }
        kept.reverse()
        var left = kept[...]
        self.writeGaps(from, to, reason: "conflated") { index in
            if left.first == index { left.removeFirst() } else { return true }
            return false
        }
        for index in kept {
            guard let block = self.topic.ring.block(at: index) else { continue }
            let entry = block.entries[Int(index - block.firstIndex)]
            self.format.write(event: block.json(entry), id: nil, to: &self.pending)
            self.fanout.deliveries += 1
        }
        self.writeBookmark(self.topic.ring.positions(at: to))
    }

    /// None of the entries, and the gap they leave.
    func skip(_ from: Int64, _ to: Int64) {
        self.writeGaps(from, to, reason: "slow") { _ in true }
        self.writeBookmark(self.topic.ring.positions(at: to))
    }

    private func entry(at index: Int64) -> EventEntry? {
        guard let block = self.topic.ring.block(at: index) else { return nil }
        return block.entries[Int(index - block.firstIndex)]
    }

    private func writeGaps(
        _ from: Int64,
        _ to: Int64,
        reason: String,
        _ isLeftOut: (Int64) -> Bool
    ) {
        struct Gap {
            var from: Int64
            var to: Int64
            var count: Int64
        }
        var gaps: [Int64: Gap] = [:]
        for index in from..<to {
            guard let entry = self.entry(at: index), !entry.isMark,
                self.filter.admits(kind: entry.kind, level: entry.level, run: entry.run),
                isLeftOut(index)
            else { continue }
            var gap = gaps[entry.lane] ?? Gap(from: entry.sequence, to: entry.sequence, count: 0)
            gap.to = entry.sequence
            gap.count += 1
            gaps[entry.lane] = gap
        }
        for (lane, gap) in gaps.sorted(by: { $0.key < $1.key }) {
            GatewayMetrics.streamGaps.increment()
            let frame = StreamFrame.gap(
                lane: lane,
                from: gap.from,
                to: gap.to,
                count: gap.count,
                reason: reason
            )
            self.format.write(frame, to: &self.pending)
        }
    }
}

/// How far a reader is that has had some of what comes in the ring.
private struct ReaderAhead {
    /// What it had when it joined the ring.
    let had: LanePositions
    /// The ring's own place.
    private(set) var ring: LanePositions
    /// The reader's: in each lane the later of both.
    private(set) var place: LanePositions

    init(had: LanePositions, ring: LanePositions) {
        self.had = had
        self.ring = ring
        self.place = ring.later(had)
    }

    /// Whether there is nothing left in the ring that it has had.
    var isOver: Bool { self.ring.firstLane(before: self.had) == nil }

    /// Goes past an entry.
    ///
    /// - Returns: Whether it is one that the reader has not had.
    mutating func passes(_ entry: EventEntry) -> Bool {
        if entry.isMark { return true }
        self.ring[entry.lane] = entry.sequence
        guard entry.sequence > self.had[entry.lane] else { return false }
        self.place[entry.lane] = entry.sequence
        return true
    }
}
