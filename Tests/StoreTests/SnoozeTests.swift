// Decides that a queued run is put off, and one that was claimed is not.

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
}
