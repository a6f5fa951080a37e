// What nodes say to each other about events: few bytes, the events' own lines as they are stored.

import Cluster
import PulserIR
import StateMachines
import Store

/// A change of what a node follows.
struct EventFollow: Codable, Sendable {
    /// The node that follows.
    var node: Int64
    /// See ``RelayChange``.
    var tail: Int64
    var isFirst: Bool
    /// Packed.
    var lanes: [UInt8]
    var gone: [UInt8]

    init(_ change: RelayChange, of node: NodeEpoch) {
        self.node = node.number
        self.tail = change.tail
        self.isFirst = change.isFirst
        self.lanes = PackedNumbers.pack(change.lanes)
        self.gone = PackedNumbers.pack(change.gone)
    }

    /// The change; `nil` when it is not one of ours.
    var change: RelayChange? {
        let most = RelayMachine.changeLanesMax
        guard let lanes = PackedNumbers.unpack(self.lanes, most: most),
            let gone = PackedNumbers.unpack(self.gone, most: most)
        else { return nil }
        return RelayChange(tail: self.tail, isFirst: self.isFirst, lanes: lanes, gone: gone)
    }
}

/// Whether a change was taken.
struct EventFollowed: Codable, Sendable {
    /// Not when the node keeps no such tail: the follower begins anew.
    var isKnown: Bool
}

/// A question for what was kept.
struct EventPull: Codable, Sendable {
    var tail: Int64
    /// How long the answer may wait for news.
    var waitMilliseconds: Int64
}

/// What was kept.
struct EventAnswer: Codable, Sendable {
    /// Not when the node keeps no such tail.
    var isKnown: Bool
    /// Of each chunk lane, first sequence, number of events and of bytes; packed.
    var heads: [UInt8] = []
    /// The chunks' lines, one chunk behind the other.
    var bytes: [UInt8] = []
    /// Of each lane of which something was not kept its number and the last sequence of that; packed.
    var lost: [UInt8] = []

    /// Nothing of a tail that is not there.
    init() { self.isKnown = false }

    init(_ chunks: [CommittedChunk], lost: [Int64: Int64]) {
        self.isKnown = true
        self.bytes.reserveCapacity(chunks.reduce(0) { $0 + $1.bytes.count })
        for chunk in chunks {
            let size = Int64(chunk.bytes.count)
            PackedNumbers.pack(
                [chunk.lane, chunk.firstSequence, Int64(chunk.count), size],
                to: &self.heads
            )
            self.bytes += chunk.bytes
        }
        for (lane, last) in lost { PackedNumbers.pack([lane, last], to: &self.lost) }
    }

    /// The chunks; `nil` when they are none of ours.
    var chunks: [CommittedChunk]? {
        guard let heads = PackedNumbers.unpack(self.heads, most: 4 * EventTail.answerChunksMax),
            heads.count.isMultiple(of: 4)
        else { return nil }
        var chunks: [CommittedChunk] = []
        var place = 0
        for index in stride(from: 0, to: heads.count, by: 4) {
            let (first, count, size) = (heads[index + 1], heads[index + 2], heads[index + 3])
            guard first > 0, first <= .max / 2, size >= 0, size <= self.bytes.count - place,
                (0...size).contains(count)
            else { return nil }
            chunks.append(
                CommittedChunk(
                    lane: heads[index],
                    firstSequence: first,
                    count: Int(count),
                    bytes: Array(self.bytes[place..<place + Int(size)])
                )
            )
            place += Int(size)
        }
        return chunks
    }

    /// By lane the last sequence of what was not kept; `nil` when that is none of ours.
    var lostLanes: [Int64: Int64]? {
        guard let pairs = PackedNumbers.unpack(self.lost, most: 2 * RelayMachine.tailLanesMax),
            pairs.count.isMultiple(of: 2)
        else { return nil }
        var lanes: [Int64: Int64] = [:]
        for index in stride(from: 0, to: pairs.count, by: 2) {
            lanes[pairs[index]] = pairs[index + 1]
        }
        return lanes
    }
}

/// Numbers as few bytes: seven bits a byte, the lowest first; small ones of either sign are short.
enum PackedNumbers {
    static func pack(_ numbers: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.pack(numbers, to: &bytes)
        return bytes
    }

    static func pack(_ numbers: [Int64], to bytes: inout [UInt8]) {
        for number in numbers {
            var rest = UInt64(bitPattern: number << 1 ^ number >> 63)
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
        }
    }

    /// The numbers; `nil` for more than `most` and for bytes that are none.
    static func unpack(_ bytes: [UInt8], most: Int) -> [Int64]? {
        var numbers: [Int64] = []
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            guard shift < 64, numbers.count < most else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            numbers.append(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))
            value = 0
            shift = 0
        }
        return shift == 0 ? numbers : nil
    }
}
