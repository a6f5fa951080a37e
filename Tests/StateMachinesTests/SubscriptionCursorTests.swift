// Decides that a place in the logs has one text, and that no other text is read as one.

import StateMachines
import TestKit
import Testing

@Suite
struct SubscriptionCursorTests {
    static let epoch = "0123abcz"

    @Test("a cursor reads back as it was written, whatever lanes and numbers it names")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            var positions: [Int64: Int64] = [:]
            for _ in 0..<Int.random(in: 0...70, using: &random) {
                let width = Int.random(in: 1...63, using: &random)
                let lane = Int64.random(in: 1...(Int64.max >> (63 - Int64(width))), using: &random)
                positions[lane] = Int64.random(in: 0...Int64.max, using: &random) >> (width / 2)
            }
            let cursor = StreamCursor(epoch: Self.epoch, positions: LanePositions(positions))
            #expect(StreamCursor(cursor.text) == cursor)
        }
    }

    @Test("a cursor's text is short and stable")
    func text() {
        let one = StreamCursor(epoch: Self.epoch, positions: LanePositions([7: 12]))
        #expect(one.text == "0123abcz:7.c")
        let three = StreamCursor(
            epoch: Self.epoch,
            positions: LanePositions([100: 1, 101: 46_656, 99: 0])
        )
        #expect(three.text == "0123abcz:2s.1-1.1000")
        #expect(StreamCursor(epoch: Self.epoch, positions: LanePositions()).text == "0123abcz:0")
        var neighbours: [Int64: Int64] = [:]
        for lane in 0..<StreamCursor.lanesMax { neighbours[1_000 + Int64(lane)] = 60_000_000 }
        let widest = StreamCursor(epoch: Self.epoch, positions: LanePositions(neighbours))
        #expect(widest.text.utf8.count < StreamCursor.textBytesMax)
        #expect(StreamCursor(widest.text) == widest)
    }

    @Test(
        "what the writer would not write is refused",
        arguments: [
            "", ":", "0123abcz", "0123abcz:", "0123abcz:1", "0123abcz:1.", "0123abcz:.1",
            "0123abcz:01.1", "0123abcz:1.01", "0123abcz:1.0", "0123abcz:0.1", "0123abcz:1.1-",
            "0123abcz:1.1-0.2", "0123abcz:1.1.1", "0123abcz:1.A", "0123abcz:1.1 ", "0123abcZ:1.1",
            "123abcz:1.1", "0123abcz:1.1y2p0ij32e8e8", "0123abcz:1.+1", "0123abcz:00",
            "0123abcz:1y2p0ij32e8e7.1-1.1", "start", "7:12",
        ]
    )
    func refused(text: String) {
        #expect(StreamCursor(text) == nil)
    }

    @Test("no text brings the reader down, and what it takes it writes again as it was")
    func fuzz() {
        var random = SeededGenerator(seed: 11)
        let letters = Array("0189az.-:ZB \u{E9}")
        for _ in 0..<20_000 {
            var text = random.chance(80) ? "\(Self.epoch):" : ""
            for _ in 0..<Int.random(in: 0...24, using: &random) {
                text.append(random.pick(letters))
            }
            if let cursor = StreamCursor(text) { #expect(cursor.text == text) }
        }
    }

    @Test("positions compare lane by lane, and an absent lane stands at 0")
    func compare() {
        let few = LanePositions([1: 5, 3: 2])
        #expect(few.firstLane(before: LanePositions([1: 5])) == nil)
        #expect(few.firstLane(before: LanePositions([2: 1, 3: 9])) == 2)
        #expect(few.firstLane(before: LanePositions([1: 5, 3: 3])) == 3)
        #expect(few.later(LanePositions([1: 4, 2: 8])) == LanePositions([1: 5, 2: 8, 3: 2]))
        var changed = few
        changed[1] = 0
        changed[2] = 4
        #expect(changed == LanePositions([2: 4, 3: 2]))
    }
}
