// Decides that a reader which is cut off again and again misses nothing and sees nothing twice.

import NIOPosix
import PulserIR
import StateMachines
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(Sanitized.minutes(4))))
struct StreamRecoveryTests {
    /// Reads a stream in pieces, cut off at random, each piece resumed with the last id it saw.
    private func read(
        _ bed: HubBed,
        _ scope: StreamScope,
        cuts: Int,
        total: Int,
        seed: UInt64
    ) async throws -> [StreamPart] {
        var random = SeededGenerator(seed: seed)
        var seen: [StreamPart] = []
        var cursor: String?
        for cut in 0... {
            let start =
                cursor.flatMap { StreamCursor($0) }.map { .cursor($0) } ?? .beginning
                as SubscriptionMachine.Start
            let isLast = cut >= cuts
            let window = isLast ? Int.max : Int.random(in: 200...20_000, using: &random)
            let stream = try await bed.open(
                StreamWish(scope: scope, start: start),
                window: window
            )
            let wanted = isLast ? total - seen.count : 0
            let minimum = Int.random(in: 0...6, using: &random)
            try await eventually("cut \(cut): enough has come") {
                isLast
                    ? stream.stream.eventCount >= wanted
                    : stream.stream.byteCount >= min(window, minimum * 200)
                        || seen.count + stream.stream.eventCount >= total
            }
            await stream.stream.cut()
            let parts = stream.parts
            seen += parts.filter { $0.name == "event" }
            #expect(!parts.contains { $0.name == "reset" || $0.name == "gap" })
            cursor = stream.cursor ?? cursor
            if isLast { break }
        }
        return seen
    }

    @Test(
        "killed and resumed a thousand times under load, a reader sees each event exactly once",
        arguments: [[1], [1, 2, 3]] as [[Int64]]
    )
    func thousandCuts(lanes: [Int64]) async throws {
        // A sanitizer needs ten times as long for each.
        let (total, cuts) = Sanitized.isOn ? (3_000, 50) : (30_000, 500)
        try await HubBed.with(MemoryLogs(lanes: lanes)) { bed in
            // Keeps the rings alive, as other readers do.
            let witness = try await bed.open(StreamWish(scope: .session(1), start: .beginning))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var random = SeededGenerator(seed: 3)
                    var left = total
                    while left > 0 {
                        let count = min(left, Int.random(in: 1...40, using: &random))
                        bed.commit((0..<count).map { _ in random.pick(lanes) })
                        left -= count
                        // Lets readers keep up now and then.
                        for _ in 0..<20 { await Task.yield() }
                    }
                }
                for seed in 1...2 as ClosedRange<UInt64> {
                    group.addTask {
                        let seen = try await self.read(
                            bed,
                            .session(1),
                            cuts: cuts,
                            total: total,
                            seed: seed
                        )
                        #expect(seen.count == total, "seed \(seed)")
                        expectWhole(seen)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await witness.events(total).count == total)
            expectWhole(witness.events)
        }
    }
}
