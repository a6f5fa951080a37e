// Decides which of a topic's events stay in memory, and what those know who lose their place in it.

import NIOCore
import StateMachines

/// The newest blocks of one topic. Confined to an event loop; the blocks are shared.
struct EventRing {
    /// Entries that are kept at most.
    static let entriesMax: Int64 = 8_192
    /// Bytes that are kept at most, whatever else there is room for.
    static let bytesMax = 4 << 20
    /// Bytes that are kept, however little room there is.
    static let bytesMin = 64 << 10

    private var blocks: [EventBlock] = []
    private var bytes = 0
    /// What the machines see of it.
    private(set) var view: SubscriptionMachine.Ring

    init(index: Int64, positions: LanePositions, onlyLane: Int64?) {
        self.view = SubscriptionMachine.Ring(
            floor: index,
            head: index,
            base: positions,
            heads: positions,
            onlyLane: onlyLane
        )
    }

    /// Adds the block that follows the last one.
    mutating func append(_ block: EventBlock) {
        self.blocks.append(block)
        self.bytes += block.bytes.readableBytes
        self.view.head = block.endIndex
        self.view.heads = block.heads
    }

    /// How many of the oldest blocks are to go so that a quarter of `bytesMax` is free again; 0 when
    /// there is room.
    func surplus(bytesMax: Int) -> Int {
        let entries = self.view.head - self.view.floor
        guard self.bytes > bytesMax || entries > Self.entriesMax else { return 0 }
        var bytes = self.bytes
        var left = entries
        var count = 0
        // The newest block stays, whatever its size.
        while count < self.blocks.count - 1,
            bytes > bytesMax / 4 * 3 || left > Self.entriesMax / 4 * 3
        {
            bytes -= self.blocks[count].bytes.readableBytes
            left -= Int64(self.blocks[count].entries.count)
            count += 1
        }
        return count
    }

    /// The index of the oldest entry once `count` blocks are gone.
    func floor(without count: Int) -> Int64 {
        count < self.blocks.count ? self.blocks[count].firstIndex : self.view.head
    }

    /// Lets the oldest blocks go.
    mutating func removeFirst(_ count: Int) {
        for block in self.blocks.prefix(count) { self.bytes -= block.bytes.readableBytes }
        self.blocks.removeFirst(count)
        self.view.floor = self.blocks.first?.firstIndex ?? self.view.head
        self.view.base = self.blocks.first?.base ?? self.view.heads
    }

    /// Forgets everything and goes on elsewhere.
    mutating func restart(at index: Int64, _ positions: LanePositions) {
        self = EventRing(index: index, positions: positions, onlyLane: self.view.onlyLane)
    }

    /// The block that holds an entry.
    func block(at index: Int64) -> EventBlock? {
        if let last = self.blocks.last, index >= last.firstIndex {
            return index < last.endIndex ? last : nil
        }
        var low = 0
        var high = self.blocks.count
        while low < high {
            let middle = (low + high) / 2
            if self.blocks[middle].endIndex <= index { low = middle + 1 } else { high = middle }
        }
        guard low < self.blocks.count, self.blocks[low].firstIndex <= index else { return nil }
        return self.blocks[low]
    }

    /// The positions before the entry at `index`, which is in the ring or right behind it.
    func positions(at index: Int64) -> LanePositions {
        if let lane = self.view.onlyLane {
            return LanePositions([lane: self.view.base[lane] + index - self.view.floor])
        }
        guard let block = self.block(at: index) else { return self.view.heads }
        var positions = block.base
        for entry in block.entries.prefix(Int(index - block.firstIndex)) where !entry.isMark {
            positions[entry.lane] = entry.sequence
        }
        return positions
    }
}
