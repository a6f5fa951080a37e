// Decides that an action on many runs does each once, whoever works on it.

import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct BulkTests {
    private func make(
        _ bed: StoreBed,
        _ action: BulkAction,
        expected: Int64? = nil,
        lane: String = "l"
    ) async throws -> BulkSelection {
        var query = RunQuery()
        query.lane = lane
        query.statuses = action.statuses
        return try await bed.store.makeBulk(
            action,
            query,
            filter: "{}",
            expected: expected,
            reason: "why",
            actor: "me"
        )
    }

    @Test("an action that means another number of runs than expected is not made")
    func expected() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            _ = try await bed.enqueue(5, lane: lane)
            let refused = try await self.make(bed, .cancel, expected: 4)
            #expect(refused.id == nil)
            #expect(refused.count == BoundedCount(count: 5, isExact: true))
            #expect(try await bed.number("SELECT count(*) FROM bulk_item") == 0)
            let made = try await self.make(bed, .cancel, expected: 5)
            let id = try #require(made.id)
            #expect(try await bed.store.bulk(id).total == 5)
        }
    }

    @Test("what a dead worker left is done by the next, and nothing twice")
    func takeOver() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let runs = try await bed.enqueue(10, lane: lane)
            let id = try #require(try await self.make(bed, .cancel).id)
            _ = try await bed.store.requestCancel(runs[9], reason: "sooner")
            let first = try #require(try await bed.store.takeBulk(silence: .seconds(60)))
            #expect(try await bed.store.takeBulk(silence: .seconds(60)) == nil)
            #expect(try await bed.store.cancelNext(first, limit: 4) == 4)
            // The first gives no sign any more; the second takes over, and the first is refused.
            let second = try #require(try await bed.store.takeBulk(silence: .zero))
            #expect(try await bed.store.cancelNext(first, limit: 4) == 0)
            #expect(try await !bed.store.beatBulk(first))
            try await bed.store.mark([BulkItem(run: runs[8], state: .failed)], of: first)
            #expect(try await bed.store.cancelNext(second, limit: 4) == 4)
            #expect(try await !bed.store.finishBulk(second))
            #expect(try await bed.store.cancelNext(second, limit: 4) == 2)
            #expect(try await bed.store.finishBulk(second))
            let bulk = try await bed.store.bulk(id)
            #expect(bulk.status == "completed")
            #expect([bulk.ok, bulk.skipped, bulk.failed] == [9, 1, 0])
            let skipped = try await bed.store.bulkItems(id, state: .skipped, after: nil, limit: 5)
            #expect(skipped.rows.map(\.run) == [runs[9]])
            #expect(skipped.rows.first?.reason != nil)
        }
    }

    @Test("a run is queued again and marked in one commit, once")
    func retried() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            let run = try await bed.enqueue(1, lane: lane)[0]
            _ = try await bed.store.requestCancel(run, reason: "stop")
            let id = try #require(try await self.make(bed, .retry).id)
            let claim = try #require(try await bed.store.takeBulk(silence: .zero))
            let row = try await bed.store.run(run)
            try await bed.store.retry(row, steps: ["a"], inputs: nil, bulk: claim)
            #expect(try await bed.store.bulk(id).ok == 1)
            #expect(try await bed.store.nextOfBulk(claim, limit: 5).isEmpty)
            let again = await code {
                try await bed.store.retry(row, steps: ["a"], inputs: nil, bulk: claim)
            }
            #expect(again == .conflict)
            #expect(try await bed.store.run(run).attempt == 2)
        }
    }

    @Test("what an action came to is counted once when it ended, and goes long after")
    func kept() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            _ = try await bed.enqueue(7, lane: lane)
            let first = try #require(try await self.make(bed, .pause).id)
            let claim = try #require(try await bed.store.takeBulk(silence: .zero))
            let runs = try await bed.store.nextOfBulk(claim, limit: 9).map(\.run)
            let marks = runs.enumerated().map { place, run in
                BulkItem(run: run, state: place < 5 ? .ok : .failed, reason: "why")
            }
            try await bed.store.mark(marks, of: claim)
            #expect(try await bed.store.finishBulk(claim))
            let second = try #require(try await self.make(bed, .pause).id)
            try await bed.store.cancelBulk(second, revision: nil)
            #expect(try await bed.store.settleBulk() == 0)
            try await bed.text(
                "UPDATE bulk SET ended_at = now() - (5 - id) * interval '1 day'"
            )
            #expect(try await bed.store.settleBulk() == 1)
            // Its runs' results are looked at no more.
            try await bed.text("UPDATE bulk_item SET state = 'skipped'")
            let one = try await bed.store.bulk(first)
            #expect([one.ok, one.skipped, one.failed] == [5, 0, 2])
            let two = try await bed.store.bulk(second)
            #expect([two.ok, two.skipped, two.failed] == [0, 0, 0])
            let limit = Duration.seconds(3 * 86_400 + 3_600)
            #expect(try await bed.store.sweepBulk(endedFor: limit, limit: 4) == 0)
            #expect(try await bed.store.sweepBulk(endedFor: limit, limit: 4) == 1)
            #expect(try await bed.store.sweepBulk(endedFor: limit, limit: 4) == nil)
            #expect(try await bed.store.bulkPage(before: nil, limit: 5).rows.map(\.id) == [second])
            #expect(
                try await bed.number("SELECT count(*) FROM bulk_item WHERE bulk_id = \(first)") == 0
            )
        }
    }

    @Test("an action that was cancelled does no more")
    func cancelled() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "l")
            _ = try await bed.enqueue(6, lane: lane)
            let id = try #require(try await self.make(bed, .cancel).id)
            let claim = try #require(try await bed.store.takeBulk(silence: .zero))
            #expect(try await bed.store.cancelNext(claim, limit: 2) == 2)
            #expect(await code { try await bed.store.cancelBulk(id, revision: 7) } == .stale)
            try await bed.store.cancelBulk(id, revision: 1)
            #expect(try await bed.store.cancelNext(claim, limit: 2) == 0)
            #expect(try await bed.store.openCounts(session: nil) == ["queued": 4])
            #expect(await code { try await bed.store.cancelBulk(id, revision: nil) } == .conflict)
            #expect(try await bed.store.bulkPage(before: nil, limit: 5).rows.map(\.id) == [id])
        }
    }
}
