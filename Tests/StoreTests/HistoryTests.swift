// Decides what becomes of a run when it ends, and when it is queued again: it is moved whole.

import Foundation
import PulserIR
import TestKit
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
struct HistoryTests {
    @Test("what is moved with a run is all that it has")
    func columns() async throws {
        try await StoreBed.with { bed in
            for table in ["run", "run_done", "run_any"] {
                let names = try await bed.text(
                    """
                    SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute
                    WHERE attrelid = '\(table)'::regclass AND attnum > 0 AND NOT attisdropped
                    """
                )
                let expected = (RunColumns.all + ["is_done"]).sorted().joined(separator: ",")
                #expect(names == expected, "\(table)")
            }
        }
    }

    @Test("a run's end moves it, with what it was and what it did; its journal is as it was")
    func end() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let ids = try await bed.enqueue(2, lane: lane, priority: 3)
                let log = try await owner.log(lane)
                let wants = [try await owner.want(lane, room: 2)]
                let runs = try await owner.writer.claim(wants)
                var told = record("a", 1, .failed)
                told.result = .object(["text": .string("\0 \u{1F600} \"quoted\"")])
                told.failure = "no"
                // One has rows in the journal, the other never wrote any.
                let first = runs[0].fence
                try await owner.writer.submit(
                    [.journal(record("a", 1, .intent))],
                    fence: first,
                    log: log
                )
                var end = transition(.failed)
                end.failure = "broken"
                try await owner.writer.submit(
                    [.journal(told), .journal(record("b")), .transition(end)],
                    fence: first,
                    log: log
                )
                end.hasJournal = false
                try await owner.writer.submit(
                    [.journal(told), .journal(record("b")), .transition(end)],
                    fence: runs[1].fence,
                    log: log
                )
                for id in ids {
                    let run = try await bed.store.run(id)
                    #expect(run.status == .failed && run.failure == "broken" && run.priority == 3)
                    let journal = try await bed.store.journal(id)
                    #expect(journal.map(\.record) == [told, record("b")])
                    #expect(journal.allSatisfy { $0.endedMilliseconds != nil })
                    var place: JournalPlace?
                    for step in ["a", "b"] {
                        let page = try await bed.store.journalPage(
                            id,
                            step: nil,
                            after: place,
                            limit: 1
                        )
                        #expect(page.rows.map(\.record.step) == [step])
                        place = page.next
                    }
                }
                for table in ["run", "step_journal"] {
                    #expect(try await bed.number("SELECT count(*) FROM \(table)") == 0)
                }
                let shown =
                    "SELECT count(*) FROM step_any WHERE state = 'failed' AND record LIKE '%no%'"
                #expect(try await bed.number(shown) == 2)
            }
        }
    }

    @Test("a run that has ended goes back whole when it is queued again, with the steps that count")
    func again() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let id = try await bed.enqueue(1, lane: lane)[0]
                let log = try await owner.log(lane)
                let claimed = try await owner.claimOne(lane)
                var end = transition(.failed)
                end.hasJournal = false
                try await owner.writer.submit(
                    [
                        .journal(record("a")), .journal(record("b[1]", 1, .failed)),
                        .journal(record("a!0")), .transition(end),
                    ],
                    fence: claimed.fence,
                    log: log
                )
                let ended = try await bed.store.run(id)
                try await bed.store.retry(ended, steps: ["b"], inputs: "{\"n\":1}")
                #expect(
                    await code { try await bed.store.retry(ended, steps: [], inputs: nil) }
                        == .conflict
                )
                let run = try await bed.store.run(id)
                #expect(run.status == .queued && run.attempt == 2 && run.inputs == "{\"n\":1}")
                #expect(run.claimNumber == 2 && run.finishedMilliseconds == nil)
                #expect(try await bed.number("SELECT count(*) FROM run_done") == 0)
                let counted = try await bed.store.journal(id).filter { !$0.isSuperseded }
                #expect(counted.map(\.record) == [record("a")])
                // Whoever held it writes nothing; the next owner finds what counts.
                let late = await code {
                    try await owner.writer.submit(
                        [.transition(end)],
                        fence: claimed.fence,
                        log: log
                    )
                }
                #expect(late == .stale)
                let next = try await owner.claimOne(lane)
                #expect(next.hasJournal && next.fence.claimNumber == 3)
                try await owner.writer.submit(
                    [.transition(transition(.succeeded))],
                    fence: next.fence,
                    log: log
                )
                let journal = try await bed.store.journal(id)
                #expect(Set(journal.filter(\.isSuperseded).map(\.record.step)) == ["b[1]", "a!0"])
            }
        }
    }

    @Test("a large journal stays where it is, and reads the same")
    func large() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let id = try await bed.enqueue(1, lane: lane)[0]
                let log = try await owner.log(lane)
                let claimed = try await owner.claimOne(lane)
                var big = record("a")
                big.result = .string(String(repeating: "x", count: 1_100_000))
                try await owner.writer.submit([.journal(big)], fence: claimed.fence, log: log)
                let end = transition(.succeeded)
                try await owner.writer.submit([.transition(end)], fence: claimed.fence, log: log)
                #expect(try await bed.number("SELECT count(*) FROM step_journal") == 1)
                #expect(try await bed.store.journal(id).map(\.record) == [big])
                // Queued again it is all there.
                try await bed.store.retry(try await bed.store.run(id), steps: ["a"], inputs: nil)
                #expect(try await bed.store.journal(id).map(\.isSuperseded) == [true])
            }
        }
    }

    @Test("a key stays taken when its run has ended, and one of many at once gets it")
    func keys() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let keyed = NewRun(lane: lane, planDigest: samplePlan.digest, idempotencyKey: "k")
                let first = try await bed.store.enqueue([keyed], plans: [samplePlan])
                let log = try await owner.log(lane)
                let run = try await owner.claimOne(lane)
                let end = transition(.succeeded)
                try await owner.writer.submit([.transition(end)], fence: run.fence, log: log)
                #expect(try await bed.store.enqueue([keyed, keyed]) == first + first)
                let other = NewRun(lane: lane, planDigest: samplePlan.digest, idempotencyKey: "n")
                let ids = try await withThrowingTaskGroup(of: [RunID].self) { group in
                    for _ in 0..<8 { group.addTask { try await bed.store.enqueue([other]) } }
                    var ids: Set<RunID> = []
                    for try await some in group { ids.formUnion(some) }
                    return ids
                }
                #expect(ids.count == 1)
                #expect(try await bed.number("SELECT count(*) FROM run_any") == 2)
            }
        }
    }
}
