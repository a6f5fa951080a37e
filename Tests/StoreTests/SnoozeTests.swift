// Decides that what waits for its time is put off, and nothing else.

import PulserIR
import Testing

@testable import Store

@Suite("Snooze", .timeLimit(.minutes(2)))
struct SnoozeTests {
    @Test("a queued run that is put off is not claimed, keeps its attempt, and comes when told so")
    func snooze() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 4)
            let ids = try await bed.enqueue(2, lane: lane)
            let before = try await bed.number("SELECT extract(epoch FROM now()) * 1000")
            let due = try await bed.store.snooze(ids[0], for: 3_600_000)
            #expect(due >= before + 3_600_000)
            try await Owner.with(bed) { owner in
                let want = try await owner.want(lane, room: 4)
                let first = try await owner.writer.claim([want])
                #expect(first.map(\.fence.run) == [ids[1]])
                let problem = await code { try await bed.store.snooze(ids[1], for: 1) }
                #expect(problem == .conflict)
                try await bed.store.snooze(ids[0], for: 0)
                let run = try await owner.claimOne(lane)
                #expect(run.fence.run == ids[0] && run.attempt == 1)
                #expect(run.fence.claimNumber == 1)
            }
        }
    }

    @Test("whoever puts a run off while it is being claimed does so before or not at all")
    func race() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 40)
            let ids = try await bed.enqueue(40, lane: lane)
            try await Owner.with(bed) { owner in
                let want = try await owner.want(lane, room: 40)
                async let claimed = owner.writer.claim([want])
                var put: Set<RunID> = []
                for id in ids where (try? await bed.store.snooze(id, for: 3_600_000)) != nil {
                    put.insert(id)
                }
                let taken = Set(try await claimed.map(\.fence.run))
                #expect(taken.isDisjoint(with: put))
                #expect(
                    try await bed.number("SELECT count(*) FROM run WHERE is_delayed") == put.count
                )
            }
        }
    }

    /// Has the run wait, for its next attempt or for something else.
    private static func wait(
        _ owner: Owner,
        _ run: ClaimedRun,
        _ next: NextAttempt?
    ) async throws {
        var move = transition(.waiting)
        move.waitReason = "step 'a' waits for signal 'go'"
        move.nextAttempt = next
        let log = try await owner.log(run.fence.lane)
        try await owner.writer.submit([.transition(move)], fence: run.fence, log: log)
    }

    @Test("the next attempt of a run that failed is put off until it begins")
    func nextAttempt() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let id = try await bed.enqueue(1, lane: lane)[0]
            try await Owner.with(bed) { owner in
                let run = try await owner.claimOne(lane)
                try await Self.wait(owner, run, .after(milliseconds: 3_600_000))
                let left = try #require(try await bed.store.nextAttempt(of: run.fence))
                #expect((3_000_000...3_600_000).contains(left))
                try await bed.store.snooze(id, for: 86_400_000)
                #expect(try await bed.store.nextAttempt(of: run.fence) ?? 0 > 80_000_000)
                let waiting = try await bed.store.run(id)
                #expect(waiting.status == .waiting && waiting.attempt == 1)
                #expect(waiting.claimNumber == run.fence.claimNumber)
                let reason = waiting.waitReason ?? ""
                #expect(reason.hasPrefix("its next attempt was put off until 2"), "\(reason)")
                // At rest it stays as it was put off.
                try await Self.wait(owner, run, .asStored)
                #expect(try await bed.store.nextAttempt(of: run.fence) ?? 0 > 80_000_000)
                var old = run.fence
                old.claimNumber -= 1
                #expect(try await bed.store.nextAttempt(of: old) == nil)
                try await bed.store.snooze(id, for: 0)
                #expect(try await bed.store.nextAttempt(of: run.fence) == nil)
                // It begins now: whoever comes later is told so.
                let late = await code { try await bed.store.snooze(id, for: 60_000) }
                #expect(late == .conflict)
                #expect(try await bed.store.nextAttempt(of: run.fence) == nil)
            }
        }
    }

    @Test("what does not wait for its time is not put off, and says what it waits for")
    func refused() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let id = try await bed.enqueue(1, lane: lane)[0]
            @Sendable func refusal() async -> String {
                do {
                    try await bed.store.snooze(id, for: 60_000)
                    return "it was put off"
                } catch { return error.message }
            }
            try await Owner.with(bed) { owner in
                let run = try await owner.claimOne(lane)
                #expect(await refusal().contains("opsroom runs pause \(id)"))
                try await Self.wait(owner, run, nil)
                #expect(await refusal().hasSuffix("but for this: step 'a' waits for signal 'go'"))
                try await Self.wait(owner, run, .after(milliseconds: 3_600_000))
                _ = try await bed.store.requestPause(id, by: "ann")
                #expect(await refusal().contains("is paused by ann"))
                _ = try await bed.store.requestResume(id)
                #expect(await refusal() == "it was put off")
                _ = try await bed.store.requestCancel(id, reason: "why")
                #expect(await refusal().contains("asked to end"))
            }
        }
    }
}
