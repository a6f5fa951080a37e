// Decides how valid bytes become almost valid ones: by bit, by frame header, by order, by header block.

import TestKit

/// Changes sessions, which are lists of frames as bytes, by drawing from a seed.
struct FuzzMutation {
    var random: SeededGenerator

    private static let streams: [UInt32] = [0, 1, 2, 3, 5, 7, 99, 0x7FFF_FFFF, 0x8000_0001]
    private static let octets: [UInt8] = [0, 1, 0x1F, 0x20, 0x3F, 0x40, 0x7F, 0x80, 0xBE, 0xFF]
    private static let words: [UInt32] = [
        0, 1, 16_383, 16_384, 65_535, 1 << 24, 0x7FFF_FFFF, 0x8000_0000, .max,
    ]

    /// A session after one to five changes.
    mutating func mutate(_ session: [[UInt8]]) -> [[UInt8]] {
        var frames = session
        for _ in 0..<Int.random(in: 1...5, using: &self.random) where !frames.isEmpty {
            self.change(&frames)
        }
        return frames
    }

    /// Bytes after some of them were changed, without a look at what they mean.
    mutating func mutate(bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self.random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self.random)
            switch Int.random(in: 0..<5, using: &self.random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self.random)
            case 1: bytes[place] = self.random.pick(Self.octets)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(self.random.pick(Self.octets), at: place)
            default:
                let end = min(bytes.count, place + Int.random(in: 1...64, using: &self.random))
                bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
        return bytes
    }

    /// Cuts bytes into pieces, as a network might.
    mutating func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        guard self.random.chance(30) else { return [bytes[...]] }
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty, pieces.count < 40 {
            let count = Int.random(in: 1...max(1, rest.count / 2), using: &self.random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces + [rest]
    }

    private mutating func change(_ frames: inout [[UInt8]]) {
        let place = Int.random(in: 0..<frames.count, using: &self.random)
        let other = Int.random(in: 0..<frames.count, using: &self.random)
        switch Int.random(in: 0..<12, using: &self.random) {
        case 0: frames.remove(at: place)
        case 1: frames.insert(frames[place], at: other)
        case 2: frames.swapAt(place, other)
        case 3:
            let times = Int.random(in: 2...50, using: &self.random)
            frames.insert(contentsOf: [[UInt8]](repeating: frames[place], count: times), at: other)
        case 4, 5, 6: frames[place] = self.withOtherHeader(frames[place])
        case 7: frames.insert(self.anyFrame(), at: place)
        case 8: frames[place] = self.withBlock(frames[place])
        case 9: frames[place] = Array(frames[place].dropLast(self.few()))
        case 10: frames[place] += (0..<self.few()).map { _ in self.random.pick(Self.octets) }
        default: frames[place] = self.mutate(bytes: frames[place])
        }
    }

    private mutating func few() -> Int { Int.random(in: 1...9, using: &self.random) }

    /// The frame with another length, type, set of flags or stream.
    private mutating func withOtherHeader(_ frame: [UInt8]) -> [UInt8] {
        guard frame.count >= 9 else { return frame }
        var frame = frame
        switch Int.random(in: 0..<4, using: &self.random) {
        case 0:
            let length = max(0, frame.count - 9 + Int.random(in: -9...9, using: &self.random))
            frame.replaceSubrange(0..<3, with: UInt32(length).octets(3))
        case 1: frame[3] = UInt8.random(in: 0...12, using: &self.random)
        case 2: frame[4] = UInt8.random(in: 0...255, using: &self.random)
        default: frame.replaceSubrange(5..<9, with: self.random.pick(Self.streams).octets(4))
        }
        return frame
    }

    /// A frame made of nothing but chance.
    private mutating func anyFrame() -> [UInt8] {
        let count = self.random.chance(80) ? Int.random(in: 0...20, using: &self.random) : 16_385
        var payload: [UInt8] = []
        while payload.count < count {
            payload += self.random.pick(Self.words).octets(self.random.chance(50) ? 4 : 2)
        }
        return RawFrame(
            type: UInt8.random(in: 0...16, using: &self.random),
            flags: UInt8.random(in: 0...255, using: &self.random),
            stream: self.random.pick(Self.streams),
            payload: Array(payload.prefix(count))
        ).bytes
    }

    /// A frame of fields with more representations, some of which do not exist.
    private mutating func withBlock(_ frame: [UInt8]) -> [UInt8] {
        guard frame.count > 9, frame[3] == RawFrame.Kind.headers else { return frame }
        var block = HeaderBlock(Array(frame.dropFirst(9)))
        for _ in 0..<self.few() {
            switch Int.random(in: 0..<7, using: &self.random) {
            case 0: block = block.indexed(Int.random(in: 0...80, using: &self.random))
            case 1: block = block.named(Int.random(in: 0...80, using: &self.random), "v")
            case 2: block = block.tableSize(Int(self.random.pick(Self.words)))
            case 3:
                block = block.field("x-fuzz", String(repeating: "a", count: self.few()), .indexed)
            case 4: block = block.raw([0x00] + HeaderBlock.huffman(self.noise()) + [0])
            case 5: block = block.raw(self.noise())
            default: block = HeaderBlock(self.mutate(bytes: block.bytes))
            }
        }
        let head = RawFrame(
            type: frame[3],
            flags: frame[4],
            stream: RawFrame(type: 0, payload: frame).number(at: 5),
            payload: block.bytes
        )
        return head.bytes
    }

    private mutating func noise() -> [UInt8] {
        (0..<self.few()).map { _ in UInt8.random(in: 0...255, using: &self.random) }
    }
}
