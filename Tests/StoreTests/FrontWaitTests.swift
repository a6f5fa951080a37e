// Decides what is told of how long runs wait in the queue.

import PulserIR
import Testing

@testable import Store

@Suite("Waits at the front", .timeLimit(.minutes(2)))
struct FrontWaitTests {
    private static func age(_ bed: StoreBed, _ run: RunID, seconds: Int) async throws {
        try await bed.text(
            "UPDATE run SET enqueued_at = now() - interval '\(seconds) s', "
                + "due_at = now() - interval '\(seconds) s' WHERE id = \(run.number)"
        )
    }

    private static func seconds(_ bed: StoreBed) async throws -> Int? {
        try await bed.store.frontWait().map { Int($0 / 1_000_000) }
    }

    @Test("the longest wait is that of what is first in its lane or key and can be taken")
    func longest() async throws {
        try await StoreBed.with { bed in
            #expect(try await Self.seconds(bed) == nil)
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let first = try await bed.enqueue(2, lane: lane)
            try await Self.age(bed, first[0], seconds: 1_000)
            // It is second in its lane, and told of once it is first.
            try await Self.age(bed, first[1], seconds: 5_000)
            let other = try await bed.store.ensureLane(session: "default", lane: "B")
            let keyed = try await bed.store.enqueue(
                ["a", "b", "b"].map {
                    NewRun(lane: other, planDigest: samplePlan.digest, key: $0)
                } + [
                    NewRun(
                        lane: other,
                        planDigest: samplePlan.digest,
                        delayMilliseconds: 3_600_000
                    )
                ],
                plans: []
            )
            #expect((1_000..<1_900).contains(try #require(try await Self.seconds(bed))))
            try await Self.age(bed, keyed[1], seconds: 2_000)
            #expect((2_000..<2_900).contains(try #require(try await Self.seconds(bed))))
            try await bed.store.pauseLane(other, by: "ann", reason: nil)
            #expect((1_000..<1_900).contains(try #require(try await Self.seconds(bed))))
            #expect(try await bed.store.requestCancel(first[0], reason: "x") == .cancelled)
            #expect(try #require(try await Self.seconds(bed)) >= 5_000)
            #expect(try await bed.store.requestCancel(first[1], reason: "x") == .cancelled)
            #expect(try await Self.seconds(bed) == nil)
        }
    }
}
