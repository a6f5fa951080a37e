// Decides that a run that was read is claimed with its first write, if it is still what was read.

import Postgres
import PulserIR
import TestBed
import TestKit
import Testing

@testable import Store

/// Runs of one lane that were read and not claimed.
private struct Reading: Sendable {
    let bed: StoreBed
    let owner: Owner
    let lane: Int64
    let ids: [RunID]
    let runs: [ClaimedRun]
    let log: LaneLog

    static func with(
        _ count: Int = 1,
        _ body: @Sendable (Reading) async throws -> Void
    ) async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let ids = try await bed.enqueue(count, lane: lane)
                let runs = try await owner.next(lane, room: count)
                #expect(runs.map(\.fence.run) == ids)
                let log = try await owner.log(lane)
                try await body(
                    Reading(bed: bed, owner: owner, lane: lane, ids: ids, runs: runs, log: log)
                )
            }
        }
    }

    func submit(_ writes: [RunWrite], _ number: Int = 0) async throws {
        let run = self.runs[number]
        try await self.owner.writer.submit(
            writes,
            fence: run.fence,
            log: self.log,
            version: run.version
        )
    }

    /// What a run tells with its first write.
    func told(_ number: Int = 0) -> RunWrite { .event(event(self.runs[number].fence.run)) }

    /// An end that is all there is of a run, and what it tells.
    func end(_ number: Int = 0, _ status: RunStatus = .succeeded) -> [RunWrite] {
        let transition = RunTransition(
            status: status,
            retryCount: 0,
            firstSequence: nil,
            lastSequence: 0,
            hasJournal: false
        )
        return [.journal(record("a")), .transition(transition), self.told(number)]
    }

    func row(_ number: Int = 0) async throws -> RunRow {
        try await self.bed.store.run(self.ids[number])
    }

    /// The kinds of the lane's events, in their order.
    func kinds() async throws -> [String] {
        let chunks = try await self.bed.store.events(lane: self.lane, from: 1, limit: 10_000)
        return try chunks.flatMap(\.lines).map {
            try JSONValue(parsing: Array($0.line))["type"]?.stringValue ?? ""
        }
    }
}

@Suite("First writes", .timeLimit(.minutes(2)))
struct FirstWriteTests {
    @Test("reading changes nothing: who reads again finds the same")
    func reading() async throws {
        try await Reading.with(2) { reading in
            let again = try await reading.owner.next(reading.lane, room: 2)
            #expect(again.map(\.fence) == reading.runs.map(\.fence))
            #expect(again.map(\.version?.text) == reading.runs.map(\.version?.text))
            #expect(try await reading.row().status == .queued)
            #expect(try await reading.row().claimNumber == 0)
        }
    }

    @Test("the first write stores the claim, and where the run's events begin")
    func taken() async throws {
        try await Reading.with(2) { reading in
            try await reading.submit([reading.told(1)], 1)
            var moved = transition(.running)
            moved.firstSequence = nil
            try await reading.submit([.transition(moved), reading.told(), reading.told()])
            let row = try await reading.row()
            #expect(row.status == .running && row.claimNumber == 1)
            #expect(row.firstSequence == 2 && row.lastSequence == 3)
            #expect(row.startedMilliseconds != nil)
            #expect(try await reading.row(1).status == .claimed)
            let owners = "SELECT count(*) FROM run WHERE owner = \(reading.owner.node.number)"
            #expect(try await reading.bed.number(owners) == 2)
            #expect(try await reading.owner.next(reading.lane, room: 2).isEmpty)
        }
    }

    @Test("a run whose first write is its end is nowhere in between, and all of it is kept")
    func ended() async throws {
        try await Reading.with(3) { reading in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<3 {
                    group.addTask { try await reading.submit(reading.end(number), number) }
                }
                try await group.waitForAll()
            }
            let steps = "SELECT count(*) FROM step_any WHERE step = 'a' AND claim_no = 1"
            #expect(try await reading.bed.number(steps) == 3)
            for number in 0..<3 {
                let row = try await reading.row(number)
                #expect(row.status == .succeeded && row.claimNumber == 1)
                #expect(row.firstSequence.map { $0 > 0 } == true)
                #expect(row.firstSequence == row.lastSequence)
            }
            let owners = "SELECT count(*) FROM run_done WHERE owner = \(reading.owner.node.number)"
            #expect(try await reading.bed.number(owners) == 3)
            let times = "SELECT count(*) FROM run_done WHERE started_at < finished_at"
            #expect(try await reading.bed.number(times) == 3, "it began when it was read")
        }
    }

    @Test("an end with results of a journal, or with files, goes by the claim")
    func journaled() async throws {
        try await Reading.with(2) { reading in
            let file = ArtifactRow(
                step: "a",
                name: "f",
                digest: Digest(of: [1]),
                size: 1,
                mediaType: "text/plain",
                content: [1]
            )
            try await reading.submit([.artifact(file)] + reading.end())
            try await reading.submit(
                [.journal(record("a")), .transition(transition(.failed)), reading.told(1)],
                1
            )
            #expect(try await reading.row().status == .succeeded)
            #expect(try await reading.row(1).status == .failed)
            let steps = "SELECT count(*) FROM step_any WHERE claim_no = 1"
            #expect(try await reading.bed.number(steps) == 2)
            #expect(try await reading.bed.number("SELECT count(*) FROM artifact") == 1)
        }
    }

    @Test("whoever expects the claim that is stored has none: one reader alone has a run")
    func beside() async throws {
        try await Reading.with { reading in
            try await reading.submit([reading.told()])
            for writes in [reading.end(), [reading.told()], [.journal(record("b"))]] {
                #expect(await code { try await reading.submit(writes) } == .stale)
            }
            let run = reading.runs[0]
            try await reading.owner.writer.submit(reading.end(), fence: run.fence, log: reading.log)
            #expect(try await reading.row().status == .succeeded)
            // Nor has he who expects the end that was stored.
            #expect(await code { try await reading.submit(reading.end()) } == .stale)
            #expect(try await reading.bed.number("SELECT count(*) FROM step_any") == 1)
        }
    }

    /// What somebody may do to a queued run, and what becomes of it.
    private static let changes: [(String, String)] = [
        ("a pause", "UPDATE run SET paused_by = 'anna', pause_no = 1"),
        ("a request", "UPDATE run SET request = 'cancel', request_reason = 'no'"),
        ("another time", "UPDATE run SET is_delayed = true, due_at = now() + interval '1 h'"),
        ("another priority", "UPDATE run SET priority = 5, rank = rank - 1"),
        ("other inputs", "UPDATE run SET inputs = '{\"a\":1}'"),
        ("another lane", "UPDATE run SET lane_id = lane_id"),
        ("a claim", "UPDATE run SET status = 'claimed', claim_no = 2"),
        (
            "the claim that was expected",
            """
            UPDATE run SET status = 'claimed', claim_no = 1,
                owner = (SELECT max(node_epoch) FROM node)
            """
        ),
        ("its queueing again", "UPDATE run SET claim_no = 1"),
    ]

    @Test(
        "whoever changes a run before its first write is first: the write is refused, alone",
        arguments: Self.changes.indices
    )
    func changed(change: Int) async throws {
        try await Reading.with(60) { reading in
            let (name, sql) = Self.changes[change]
            let both = "WHERE id IN (\(reading.ids[7].number), \(reading.ids[23].number))"
            try await reading.bed.text("\(sql) \(both)")
            let rows = "SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM run r \(both)"
            let before = try await reading.bed.text(rows)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let writes = number % 2 == 1 ? reading.end(number) : [reading.told(number)]
                        let refusal = await code { try await reading.submit(writes, number) }
                        let isChanged = [7, 23].contains(number)
                        #expect(refusal == (isChanged ? .stale : nil), "\(name), \(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await reading.bed.text(rows) == before)
            let kinds = try await reading.kinds()
            #expect(kinds.count == 60 && kinds.count { $0 == "write.refused" } == 2)
            #expect(try await reading.bed.number("SELECT count(*) FROM run_done") == 28)
            #expect(!reading.log.isLost)
        }
    }

    @Test("who has a run locked, for however long, holds up no other run")
    func locked() async throws {
        try await Reading.with(20) { reading in
            let other = try await PostgresConnection.connect(
                reading.bed.configuration,
                logger: logger
            )
            try await other.script("BEGIN")
            _ = try await other.query(
                "SELECT id FROM run WHERE id IN (\(reading.ids[3].number), \(reading.ids[4].number)) FOR UPDATE"
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let writes = number % 2 == 1 ? reading.end(number) : [reading.told(number)]
                        let refusal = await code { try await reading.submit(writes, number) }
                        #expect(refusal == ([3, 4].contains(number) ? .stale : nil), "\(number)")
                    }
                }
                try await group.waitForAll()
            }
            try await other.script("ROLLBACK")
            await other.close()
            #expect(try await reading.row(3).status == .queued)
            try await reading.submit(reading.end(3), 3)
            #expect(try await reading.row(3).status == .succeeded)
        }
    }

    @Test("a run that ended and was queued again under the very claim is another one")
    func again() async throws {
        try await Reading.with { reading in
            // Its lane ends it, and a person has it run again: its number is as the claim's would be.
            let fence = RunFence(
                run: reading.ids[0],
                lane: reading.lane,
                shard: reading.log.shard,
                claimNumber: 0
            )
            try await reading.owner.writer.submit(
                [.transition(transition(.cancelled))],
                fence: fence,
                log: reading.log
            )
            _ = try await reading.bed.store.retry(reading.row(), steps: [], inputs: nil)
            #expect(try await reading.row().claimNumber == 1)
            for writes in [reading.end(), [reading.told()]] {
                #expect(await code { try await reading.submit(writes) } == .stale)
            }
            let row = try await reading.row()
            #expect(row.status == .queued && row.claimNumber == 1)
        }
    }

    @Test("a first write whose acknowledgement was lost is stored once", arguments: [true, false])
    func acknowledged(isEnd: Bool) async throws {
        try await Reading.with { reading in
            let writes =
                isEnd ? reading.end() : [.transition(transition(.running)), reading.told()]
            try await reading.submit(writes)
            // Who sends it again has the same log.
            let run = reading.runs[0]
            let twin = LaneLog(lane: reading.lane, shard: run.fence.shard, nextSequence: 1)
            try await reading.bed.cuttingOff(run.fence.shard) {
                try await reading.owner.writer.submit(
                    writes,
                    fence: run.fence,
                    log: twin,
                    version: run.version
                )
            }
            #expect(try await reading.row().claimNumber == 1)
            #expect(try await reading.kinds().count == 1)
            #expect(!twin.isLost)
        }
    }

    @Test("a first write that is sent again although somebody changed the run is refused")
    func late() async throws {
        try await Reading.with(2) { reading in
            let first = reading.runs[0].fence
            try await reading.bed.cuttingOff(first.shard, "UPDATE run SET priority = 3") {
                async let one = code { try await reading.submit(reading.end()) }
                async let other = code { try await reading.submit([reading.told(1)], 1) }
                #expect(await one == .stale)
                #expect(await other == .stale)
            }
            #expect(try await reading.row().status == .queued)
            #expect(try await reading.row(1).status == .queued)
            #expect(try await reading.kinds() == ["write.refused", "write.refused"])
        }
    }

    @Test(
        "a first write that the database takes none of fails alone, also in a commit without events"
    )
    func badRow() async throws {
        try await Reading.with(12) { reading in
            try await reading.bed.text(
                "UPDATE run SET priority = 3 WHERE id = \(reading.ids[5].number)"
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let step = number == 7 ? "\0" : "a"
                        let refusal = await code {
                            let writes = [.journal(record(step)), reading.told(number)]
                            try await reading.submit(writes, number)
                        }
                        let expected: StoreError.Code? = number == 7 ? .server : nil
                        #expect(refusal == (number == 5 ? .stale : expected), "\(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await reading.row(5).status == .queued)
            #expect(try await reading.row(7).status == .queued)
            #expect(try await reading.bed.number("SELECT count(*) FROM step_journal") == 10)
        }
    }

    @Test("after its shard moved nothing of a run that was read is stored")
    func moved() async throws {
        try await Reading.with(2) { reading in
            try await reading.bed.text("UPDATE shard SET generation = generation + 1")
            #expect(await code { try await reading.submit(reading.end()) } == .stale)
            #expect(await code { try await reading.submit([reading.told(1)], 1) } == .stale)
            #expect(try await reading.row().status == .queued)
            #expect(try await reading.row(1).status == .queued)
        }
    }

    @Test("a lane with keys has its runs claimed, and one with limits or pauses gives none")
    func others() async throws {
        try await Reading.with(2) { reading in
            try await reading.bed.text(
                "UPDATE run SET key = 'k' WHERE id = \(reading.ids[1].number)"
            )
            let claimed = try await reading.owner.next(reading.lane, room: 2)
            #expect(claimed.count == 2)
            #expect(claimed.allSatisfy { $0.version == nil && $0.hasMore })
            #expect(try await reading.row().status == .claimed)
        }
        try await Reading.with { reading in
            try await reading.bed.text("UPDATE lane SET key_width = 1")
            #expect(try await reading.owner.next(reading.lane, room: 2).isEmpty)
        }
    }
}
