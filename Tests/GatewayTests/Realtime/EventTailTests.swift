// Decides what a node keeps for others' streams, for how long, and how that is said.

import PulserIR
import StateMachines
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(Sanitized.minutes(1))))
struct EventTailTests {
    private static let node = NodeEpoch(7)

    private static func chunk(_ lane: Int64, _ first: Int64, bytes: Int = 10) -> CommittedChunk {
        CommittedChunk(
            lane: lane,
            firstSequence: first,
            count: 1,
            bytes: Array(repeating: UInt8(ascii: "x"), count: bytes - 1) + [UInt8(ascii: "\n")]
        )
    }

    private static func change(
        _ tail: Int64,
        first: Bool = false,
        _ lanes: [Int64] = [],
        gone: [Int64] = []
    ) -> RelayChange {
        RelayChange(tail: tail, isFirst: first, lanes: lanes, gone: gone)
    }

    private static func pull(_ tails: EventTails, _ tail: Int64) async -> EventAnswer {
        await tails.pull(Self.node, EventPull(tail: tail, waitMilliseconds: 0))
    }

    @Test("a node gets what is committed to the lanes that it follows, once and in order")
    func follows() async throws {
        let tails = EventTails()
        #expect(tails.follow(Self.node, Self.change(1, first: true, [1, 2])))
        tails.committed([Self.chunk(1, 1), Self.chunk(2, 1), Self.chunk(3, 1)])
        tails.committed([Self.chunk(1, 2)])
        let answer = await Self.pull(tails, 1)
        #expect(answer.isKnown)
        #expect(answer.chunks == [Self.chunk(1, 1), Self.chunk(2, 1), Self.chunk(1, 2)])
        #expect(await Self.pull(tails, 1).chunks == [])
        #expect(tails.follow(Self.node, Self.change(1, [3], gone: [1])))
        tails.committed([Self.chunk(1, 3), Self.chunk(3, 2)])
        #expect(await Self.pull(tails, 1).chunks == [Self.chunk(3, 2)])
        #expect(tails.bytes == 0)
    }

    @Test("nothing is kept of lanes that nobody follows, nor for a node that has stopped asking")
    func nothing() {
        let tails = EventTails(idleMax: .zero)
        tails.committed([Self.chunk(1, 1)])
        #expect(tails.bytes == 0)
        #expect(tails.follow(Self.node, Self.change(1, first: true, [1])))
        #expect(tails.hasTail(of: Self.node))
        tails.committed([Self.chunk(1, 2)])
        #expect(!tails.hasTail(of: Self.node))
        #expect(tails.bytes == 0)
    }

    @Test("a question waits for news; one of a tail that was begun anew is told so at once")
    func waits() async {
        let tails = EventTails()
        #expect(tails.follow(Self.node, Self.change(1, first: true, [1])))
        let long = EventPull(tail: 1, waitMilliseconds: 600_000)
        async let first = tails.pull(Self.node, long)
        tails.committed([Self.chunk(1, 1)])
        #expect(await first.chunks == [Self.chunk(1, 1)])
        async let second = tails.pull(Self.node, long)
        #expect(tails.follow(Self.node, Self.change(2, first: true, [1])))
        #expect(await second.isKnown == false)
        #expect(!tails.follow(Self.node, Self.change(1, first: true, [1])))
        #expect(!tails.follow(Self.node, Self.change(1, [2])))
        #expect(!tails.follow(NodeEpoch(8), Self.change(1, [2])))
        #expect(await Self.pull(tails, 1).isKnown == false)
    }

    @Test("a tail that grows too large is emptied and says what it has nothing of")
    func overflow() {
        var tail = EventTail(number: 1, askedAt: .zero)
        for number in 1...9 as ClosedRange<Int64> {
            _ = tail.append(Self.chunk(1, number, bytes: 1_000), bytesMax: 10_000)
        }
        _ = tail.append(Self.chunk(2, 5, bytes: 1_000), bytesMax: 10_000)
        #expect(tail.bytes < 10_000)
        _ = tail.append(Self.chunk(2, 6, bytes: 20_000), bytesMax: 10_000)
        let (chunks, lost) = tail.take()
        #expect(chunks.isEmpty)
        #expect(lost == [1: 9, 2: 6])
        #expect(tail.isEmpty && tail.bytes == 0)
    }

    @Test("an answer has so many bytes at most; the rest comes with the next")
    func answers() {
        var tail = EventTail(number: 1, askedAt: .zero)
        for number in 1...30 as ClosedRange<Int64> {
            _ = tail.append(Self.chunk(1, number, bytes: 100_000), bytesMax: .max)
        }
        var next: Int64 = 1
        while !tail.isEmpty {
            let (chunks, lost) = tail.take()
            #expect(lost.isEmpty)
            #expect(chunks.map(\.firstSequence) == Array(next..<next + Int64(chunks.count)))
            #expect(chunks.reduce(0) { $0 + $1.bytes.count } <= EventTail.answerBytesMax)
            next += Int64(chunks.count)
        }
        #expect(next == 31)
    }

    @Test("what nodes say is read as it was meant, and any other bytes are refused or harmless")
    func messages() throws {
        var random = SeededGenerator(seed: 4)
        let numbers = (0..<1_000).map { _ in
            Int64(truncatingIfNeeded: random.next()) >> Int64.random(in: 0..<64, using: &random)
        }
        let packed = PackedNumbers.pack(numbers + [.min, .max, 0, -1])
        #expect(PackedNumbers.unpack(packed, most: 1_004) == numbers + [.min, .max, 0, -1])
        #expect(PackedNumbers.unpack(packed, most: 1_003) == nil)
        #expect(PackedNumbers.unpack(packed.dropLast() + [0x80], most: 2_000) == nil)
        let chunks = [Self.chunk(5, 9), Self.chunk(6, 1, bytes: 300)]
        let answer = EventAnswer(chunks, lost: [3: 4])
        #expect(answer.chunks == chunks)
        #expect(answer.lostLanes == [3: 4])
        for _ in 0..<20_000 {
            var broken = answer
            let place = Int.random(in: 0..<broken.heads.count, using: &random)
            broken.heads[place] = UInt8(truncatingIfNeeded: random.next())
            if random.chance(20) { broken.bytes.removeLast() }
            for chunk in broken.chunks ?? [] {
                #expect(chunk.firstSequence > 0 && (0...chunk.bytes.count).contains(chunk.count))
            }
        }
    }
}
