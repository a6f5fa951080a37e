// Decides what becomes of slow readers, and that they are nobody's problem but their own.

import NIOPosix
import PulserIR
import StateMachines
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(Sanitized.minutes(3))))
struct SlowReaderTests {
    /// More than a ring holds.
    static let many = Int(EventRing.entriesMax) / 64 * 64 + 640

    private func flood(_ bed: HubBed, _ count: Int) {
        for _ in 0..<(count / 64) { bed.commit(Array(repeating: 1, count: 64)) }
    }

    @Test("one that sleeps longer than the ring gets everything when it wakes, without a gap")
    func sleeper() async throws {
        try await HubBed.with { bed in
            let sleeper = try await bed.open(window: 1_000)
            let reader = try await bed.open()
            try await sleeper.parts("it greets") { !$0.isEmpty }
            self.flood(bed, Self.many)
            _ = try await reader.events(Self.many)
            #expect(sleeper.events.count < 10)
            sleeper.stream.open(.max)
            let events = try await sleeper.events(Self.many)
            expectWhole(events)
            #expect(events.count == Self.many)
            #expect(sleeper.parts.allSatisfy { $0.name == "hello" || $0.name == "event" })
            bed.commit([1])
            #expect(try await sleeper.events(Self.many + 1).count == Self.many + 1)
        }
    }

    @Test("one that drops is told of the gap and goes on with the newest")
    func drop() async throws {
        try await HubBed.with { bed in
            // On one loop: what the one has had is in the other's ring.
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let slow = try await bed.open(
                StreamWish(scope: .lanes([1]), mode: .drop),
                window: 1_000,
                loop: loop
            )
            let reader = try await bed.open(loop: loop)
            try await slow.parts("it greets") { !$0.isEmpty }
            self.flood(bed, Self.many)
            _ = try await reader.events(Self.many)
            slow.stream.open(.max)
            try await slow.parts("it is told") { $0.contains { $0.name == "gap" } }
            bed.commit([1])
            let parts = try await slow.parts("the newest comes") {
                $0.last?.sequence == Int64(Self.many + 1)
            }
            let gap = try #require(parts.first { $0.name == "gap" })
            let leftOut = gap.data["count"]?.integerValue ?? 0
            #expect(slow.events.count + Int(leftOut) == Self.many + 1)
            #expect(gap.data["to"]?.integerValue == Int64(Self.many))
        }
    }

    @Test("one that conflates gets the newest of each kind and run, and the count of the rest")
    func conflate() async throws {
        try await HubBed.with { bed in
            let slow = try await bed.open(
                StreamWish(scope: .lanes([1]), mode: .conflate),
                window: 300
            )
            try await slow.parts("it greets") { !$0.isEmpty }
            let reader = try await bed.open()
            for run in 1...4 as ClosedRange<Int64> {
                let output = (0..<100).map { _ in (Int64(1), HubBed.event(run: run)) }
                bed.hub.committed(bed.logs.commit(output))
                bed.hub.committed(bed.logs.commit([(1, HubBed.event(.runSucceeded, run: run))]))
            }
            _ = try await reader.events(404)
            slow.stream.open(.max)
            let parts = try await slow.parts("it is up to date") {
                $0.last { $0.cursor != nil }?.cursor == "00000001:1.b8"
            }
            let told = parts.filter { $0.name == "gap" }
                .reduce(0) { $0 + ($1.data["count"]?.integerValue ?? 0) }
            #expect(slow.events.count + Int(told) == 404)
            #expect(slow.events.count { $0.data["type"] == "run.succeeded" } == 4)
            #expect(slow.events.count < 40)
        }
    }

    @Test("one that may not be slow is sent away with its cursor")
    func close() async throws {
        try await HubBed.with { bed in
            let slow = try await bed.open(
                StreamWish(scope: .lanes([1]), mode: .close),
                window: 300
            )
            let reader = try await bed.open()
            try await slow.parts("it greets") { !$0.isEmpty }
            self.flood(bed, Self.many)
            _ = try await reader.events(Self.many)
            slow.stream.open(.max)
            try await eventually("it ends") { slow.stream.isOver }
            #expect(slow.parts.last?.name == "bye")
            let cursor = try #require(StreamCursor(slow.parts.last?.cursor ?? ""))
            #expect(cursor.positions[1] == slow.events.last?.sequence ?? 0)
        }
    }

    @Test("readers that do not read hold no events, and those who do get all of theirs")
    func others() async throws {
        try await HubBed.with { bed in
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            var slow: [HubStream] = []
            for _ in 0..<300 { slow.append(try await bed.open(window: 700, loop: loop)) }
            var fast: [HubStream] = []
            for _ in 0..<20 { fast.append(try await bed.open(loop: loop)) }
            self.flood(bed, Self.many)
            _ = try await fast[0].events(Self.many)
            expectWhole(fast[0].events)
            for stream in fast {
                try await eventually("all fast ones have the same") {
                    stream.stream.byteCount >= fast[0].stream.byteCount
                }
            }
            #expect(slow.allSatisfy { $0.stream.byteCount == 700 })
            // Those who begin to read again after that get everything, too.
            for stream in slow.prefix(4) { stream.stream.open(.max) }
            for stream in slow.prefix(4) {
                #expect(try await stream.events(Self.many).count == Self.many)
                expectWhole(stream.events)
            }
        }
    }
}
