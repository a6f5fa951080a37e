// Decides that a queued run whose priority is changed has the turn of that priority, and no other run has.

import PulserIR
import Testing

@testable import Store

@Suite("Priority", .timeLimit(.minutes(2)))
struct PriorityTests {
    @Test("a queued run comes to the turn of its new priority, earlier or later")
    func order() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let ids = try await bed.enqueue(4, lane: lane)
            try await bed.store.setPriority(ids[2], to: 5)
            try await bed.store.setPriority(ids[0], to: -3)
            #expect(try await bed.store.run(ids[2]).priority == 5)
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([owner.want(lane, room: 9)])
                #expect(claimed.map(\.fence.run) == [ids[2], ids[1], ids[3], ids[0]])
                #expect(claimed.map(\.priority) == [5, 0, 0, -3])
            }
        }
    }

    @Test("the turn is that of a run queued with the priority, whatever it was before")
    func same() async throws {
        try await StoreBed.with { bed in
            for ageing in ["60000", "1", "NULL"] {
                let lane = try await bed.store.ensureLane(session: "default", lane: "L\(ageing)")
                _ = try await bed.text("UPDATE lane SET ageing_ms = \(ageing) WHERE id = \(lane)")
                let ids = try await bed.enqueue(1, lane: lane, priority: 2)
                let id = ids[0].number
                let rank = "SELECT rank FROM run WHERE id = \(id)"
                let before = try await bed.number(rank)
                for priority in [-1_000_000, 7, 1_000_000, 2] {
                    try await bed.store.setPriority(ids[0], to: priority)
                }
                #expect(try await bed.number(rank) == before)
            }
        }
    }

    @Test(
        "a lane that has gone past a run's new place finds it at its front, and claims it from there"
    )
    func passed() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let ids = try await bed.enqueue(5, lane: lane)
            try await Owner.with(bed) { owner in
                var want = try await owner.want(lane, room: 2)
                let first = try await owner.writer.claim([want])
                #expect(first.map(\.fence.run) == Array(ids[0...1]))
                let last = try #require(first.last)
                let reach = LaneReach(lane: lane, rank: last.rank, run: last.fence.run.number)
                #expect(try await bed.store.fronts([reach], limit: 9).fronts[0].runs == nil)
                try await bed.store.setPriority(ids[4], to: 1)
                let front = try await bed.store.fronts([reach], limit: 9).fronts[0]
                #expect(front.count == 1 && front.runs?.first.run == ids[4].number)
                want.cursor = ClaimCursor(
                    rank: front.runs?.first.rank ?? 0,
                    run: ids[4].number - 1
                )
                want.room = 1
                let next = try await owner.writer.claim([want])
                #expect(next.map(\.fence.run) == [ids[4]])
            }
        }
    }

    @Test("among the runs of a key only that key's turn changes")
    func keys() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let runs = ["a", "a", "b"].map { key in
                NewRun(lane: lane, planDigest: samplePlan.digest, key: key)
            }
            let ids = try await bed.store.enqueue(runs, plans: [samplePlan])
            try await bed.store.setPriority(ids[1], to: 9)
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([owner.want(lane, room: 2)])
                #expect(Set(claimed.map(\.fence.run)) == [ids[1], ids[2]])
            }
        }
    }

    @Test("a run that is put off or paused stays so, and has its new turn then")
    func later() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let ids = try await bed.enqueue(3, lane: lane)
            try await bed.store.snooze(ids[0], for: 3_600_000)
            _ = try await bed.store.requestPause(ids[1], by: "ann")
            for id in ids[0...1] { try await bed.store.setPriority(id, to: 50) }
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([owner.want(lane, room: 9)])
                #expect(claimed.map(\.fence.run) == [ids[2]])
                let late = try await bed.enqueue(1, lane: lane, priority: 40)
                _ = try await bed.store.requestResume(ids[1])
                try await bed.store.snooze(ids[0], for: 0)
                let next = try await owner.writer.claim([owner.want(lane, room: 9)])
                #expect(next.last?.fence.run == late[0])
                #expect(Set(next.dropLast().map(\.fence.run)) == Set(ids[0...1]))
            }
        }
    }

    @Test(
        "whoever changes the priority of a run that is being claimed does so before or not at all"
    )
    func race() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 40)
            let ids = try await bed.enqueue(40, lane: lane)
            try await Owner.with(bed) { owner in
                let want = try await owner.want(lane, room: 40)
                async let claimed = owner.writer.claim([want])
                var changed: Set<RunID> = []
                for id in ids where (try? await bed.store.setPriority(id, to: 3)) != nil {
                    changed.insert(id)
                }
                var taken = try await claimed
                // What was locked at that moment was passed over, and is there still.
                taken += try await owner.writer.claim([want])
                #expect(Set(taken.map(\.fence.run)) == Set(ids) && taken.count == 40)
                for run in taken {
                    #expect((run.priority == 3) == changed.contains(run.fence.run))
                }
            }
        }
    }

    @Test("a run that is not in the queue is refused, and it is said why")
    func refused() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let id = try await bed.enqueue(1, lane: lane)[0]
            @Sendable func refusal() async -> String {
                do {
                    try await bed.store.setPriority(id, to: 1)
                    return "it was changed"
                } catch { return error.code == .conflict ? error.message : "\(error.code)" }
            }
            try await Owner.with(bed) { owner in
                let run = try await owner.claimOne(lane)
                #expect(await refusal().contains("is claimed and has its lane's place"))
                let log = try await owner.log(lane)
                try await owner.writer.submit(
                    [.transition(transition(.waiting))],
                    fence: run.fence,
                    log: log
                )
                #expect(await refusal().contains("is waiting and has its lane's place"))
                _ = try await bed.store.requestCancel(id, reason: "why")
                #expect(await refusal().contains("asked to end"))
            }
            #expect(try await bed.number("SELECT priority FROM run WHERE id = \(id.number)") == 0)
            let gone = await code { try await bed.store.setPriority(RunID(1 << 40), to: 1) }
            #expect(gone == .notFound)
        }
    }
}
