// Decides what is a dead letter, and until when.

import PulserIR
import Testing

@testable import Store

@Suite("Dead letters", .timeLimit(.minutes(2)))
struct DeadTests {
    private static func end(
        _ owner: Owner,
        _ lane: Int64,
        _ log: LaneLog,
        _ status: RunStatus
    ) async throws -> RunID {
        let run = try await owner.claimOne(lane)
        var ended = transition(status)
        ended.failure = status == .succeeded ? nil : "it broke"
        try await owner.writer.submit([.transition(ended)], fence: run.fence, log: log)
        return run.fence.run
    }

    private static func dead(_ bed: StoreBed, session: String? = nil) async throws -> [RunID] {
        var query = RunQuery()
        query.isDead = true
        query.statuses = RunRow.deadStatuses
        query.session = session
        let page = try await bed.store.runPage(query, before: nil, limit: 100)
        #expect(try await bed.store.deadCount(session: session).count == Int64(page.rows.count))
        return page.rows.map(\.id)
    }

    @Test("what failed for good is on the list until it is queued again or put aside")
    func list() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 8)
            _ = try await bed.enqueue(4, lane: lane)
            try await Owner.with(bed) { owner in
                let log = try await owner.log(lane)
                var ids: [RunID] = []
                for status in [RunStatus.failed, .timedOut, .succeeded, .cancelled] {
                    ids.append(try await Self.end(owner, lane, log, status))
                }
                #expect(try await Self.dead(bed) == [ids[1], ids[0]])
                #expect(try await Self.dead(bed, session: "default") == [ids[1], ids[0]])
                let child = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    parent: ids[0],
                    depth: 1
                )
                _ = try await bed.store.enqueue([child])
                let young = try await Self.end(owner, lane, log, .failed)
                #expect(try await Self.dead(bed) == [ids[1], ids[0]])

                let first = try await bed.store.run(ids[0])
                try await bed.store.discard(first, by: "ada", note: "sent by hand")
                #expect(try await Self.dead(bed) == [ids[1]])
                let note = try #require(try await bed.store.discarded(first))
                #expect(note.by == "ada" && note.note == "sent by hand")
                for id in [ids[0], ids[2], ids[3], young] {
                    let row = try await bed.store.run(id)
                    let problem = await code {
                        try await bed.store.discard(row, by: "bob", note: "")
                    }
                    #expect(problem == .conflict)
                }
                #expect(try await bed.store.discarded(first)?.by == "ada")

                // Queued again it is no dead letter, and it is a new one when it fails once more.
                try await bed.store.retry(first, steps: ["a"], inputs: nil)
                try await bed.store.retry(
                    try await bed.store.run(ids[1]),
                    steps: ["a"],
                    inputs: nil
                )
                #expect(try await Self.dead(bed) == [])
                for _ in 0..<2 { _ = try await Self.end(owner, lane, log, .failed) }
                #expect(try await Self.dead(bed) == [ids[1], ids[0]])
                #expect(try await bed.store.discarded(try await bed.store.run(ids[0])) == nil)
                try await bed.store.discard(try await bed.store.run(ids[0]), by: "eve", note: "")
                #expect(try await bed.number("SELECT count(*) FROM dead_discard") == 1)
            }
        }
    }

    @Test("a note is forgotten with its run, and not before")
    func forgotten() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            _ = try await bed.enqueue(1, lane: lane)
            try await Owner.with(bed) { owner in
                let log = try await owner.log(lane)
                let id = try await Self.end(owner, lane, log, .failed)
                try await bed.store.discard(try await bed.store.run(id), by: "ada", note: "")
                #expect(try await bed.store.forgetDiscarded(limit: 10) == 0)
                try await bed.text("DELETE FROM run_done")
                #expect(try await bed.store.forgetDiscarded(limit: 10) == 1)
            }
        }
    }
}
