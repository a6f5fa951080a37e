// Decides that what is asked of many runs is asked, and read, a bounded part at a time.

import PulserIR
import Testing

@testable import Store

@Suite("Requests", .timeLimit(.minutes(2)))
struct RequestsTests {
    /// A session with two lanes of so many queued runs each, among as many of another one.
    private static func fill(_ bed: StoreBed, _ count: Int) async throws {
        try await bed.store.createSession(name: "s", intent: "")
        _ = try await bed.enqueue(1, lane: bed.store.ensureLane(session: "s", lane: "a"))
        _ = try await bed.enqueue(1, lane: bed.store.ensureLane(session: "s", lane: "b"))
        _ = try await bed.enqueue(1, lane: bed.store.ensureLane(session: "default", lane: "a"))
        try await bed.text(
            """
            INSERT INTO run (lane_id, shard_id, plan_digest)
            SELECT r.lane_id, r.shard_id, r.plan_digest
            FROM generate_series(2, \(count)) i, run r
            """
        )
    }

    @Test("runs of a cancelled session are asked in steps, each once, whoever takes the next step")
    func steps() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                try await Self.fill(bed, 1_000)
                try await bed.text(
                    """
                    UPDATE session SET status = 'cancelled', asked_to = 0, end_reason = 'why'
                    WHERE name = 's'
                    """
                )
                var asked: [Int] = []
                while let step = try await bed.store.askRunsToEnd(window: 700, limit: 300) {
                    asked.append(step.asked)
                    let marked = "SELECT count(*) FROM run WHERE request = 'cancel'"
                    #expect(try await bed.number(marked) == asked.reduce(0, +))
                    if step.isLast { break }
                }
                #expect(asked.allSatisfy { $0 <= 300 } && asked.reduce(0, +) == 2_000)
                #expect(try await bed.store.askRunsToEnd() == nil)
                let reasons = "SELECT DISTINCT request_reason FROM run WHERE request IS NOT NULL"
                #expect(try await bed.text(reasons) == "why")
                let others = """
                    SELECT count(*) FROM run r JOIN lane l ON l.id = r.lane_id
                    JOIN session s ON s.id = l.session_id
                    WHERE s.name = 'default' AND r.request IS NOT NULL
                    """
                #expect(try await bed.number(others) == 0)
                // What they are asked comes in pages, every run in one of them.
                var seen: [RunID] = []
                var place = RequestPlace.first
                while true {
                    let page = try await bed.store.queuedRequests(
                        of: owner.node,
                        after: place,
                        limit: 300
                    )
                    #expect(page.count <= 300)
                    guard let last = page.last else { break }
                    seen += page.map(\.fence.run)
                    place = RequestPlace(after: last)
                }
                #expect(seen.count == 2_000 && Set(seen).count == 2_000)
                #expect(try await bed.store.requests(of: owner.node).isEmpty)
            }
        }
    }

    @Test("a session of 20,000 runs that nobody has is cancelled, and then all of them, in steps")
    func large() async throws {
        try await StoreBed.with { bed in
            try await Self.fill(bed, 10_000)
            var asked = try await bed.store.endSession(name: "s", as: .cancelled, reason: "no")
            #expect(asked > 0)
            // Whoever ends it waits for a while only.
            while let step = try await bed.store.askRunsToEnd() {
                #expect(step.asked <= 1_000)
                asked += step.asked
            }
            #expect(asked == 20_000)
            #expect(try await bed.number("SELECT count(*) FROM run") == 10_000)
            #expect(try await bed.number("SELECT count(asked_to) FROM session") == 0)
            try await bed.store.endSession(name: "s", as: .archived)
        }
    }
}
