// Decides that a run does not begin or go on beyond its deadline, whoever has it and whatever that does.

import PulserIR
import Testing

@testable import Store

@Suite("Deadlines of runs", .timeLimit(.minutes(2)))
struct DeadlineTests {
    private static func start(
        _ bed: StoreBed,
        _ lane: Int64,
        _ deadline: RunDeadline,
        unique: Uniqueness? = nil
    ) async throws -> RunID {
        let run = NewRun(lane: lane, planDigest: samplePlan.digest, unique: unique)
        return try await bed.store.start(run, plans: [samplePlan], deadline: deadline).id
    }

    /// Has every deadline that is known be over.
    private static func passAll(_ bed: StoreBed) async throws -> (ended: Int, told: Int) {
        try await bed.text(
            "UPDATE run_deadline SET at = now() - interval '1 s' WHERE at IS NOT NULL"
        )
        return try await bed.store.passDeadlines(limit: 100)
    }

    @Test("a run that has not begun by its time never does; its key is free")
    func begin() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let kind = Uniqueness(key: "k")
            let deadline = RunDeadline(startMilliseconds: 3_600_000)
            let id = try await Self.start(bed, lane, deadline, unique: kind)
            #expect(try await bed.store.passDeadlines(limit: 100) == (0, 0))
            #expect(try await bed.store.deadlines(of: id).first?.isStart == true)
            let left = try #require(try await bed.store.nextDeadline().milliseconds)
            #expect((1...3_600_000).contains(left))
            #expect(try await Self.passAll(bed) == (1, 0))
            let run = try await bed.store.run(id)
            #expect(run.status == .timedOut && run.failure?.contains("begun") == true)
            #expect(run.startedMilliseconds == nil)
            #expect(try await bed.number("SELECT count(*) FROM run_deadline") == 0)
            #expect(try await bed.number("SELECT count(*) FROM run_unique") == 0)
        }
    }

    @Test("an owner is told of what is late; what it does not end is ended, and its writes refused")
    func hung() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 3)
            try await Owner.with(bed) { owner in
                let late = RunDeadline(startMilliseconds: 3_600_000, endsAt: 4_102_444_800_000)
                let id = try await Self.start(bed, lane, late)
                let claimed = try await owner.claimOne(lane)
                #expect(try await Self.passAll(bed) == (0, 1))
                let asked = try await bed.store.requests(of: owner.node)
                #expect(asked.map(\.fence.run) == [id] && asked.first?.isTimeout == true)
                // Whoever takes the run over hears of it too.
                let want = try await owner.want(lane, room: 0)
                let again = try #require(try await owner.writer.adopt([id], lanes: [want]).first)
                #expect(again.isLate && again.cancelReason?.contains("ended") == true)
                #expect(try await bed.store.run(id).status == .claimed)
                // Told before, and nothing happened.
                #expect(try await Self.passAll(bed) == (1, 0))
                #expect(try await bed.store.run(id).status == .timedOut)
                let log = try await owner.log(lane)
                for fence in [claimed.fence, again.fence] {
                    let refused = await code {
                        try await owner.writer.submit(
                            [.transition(transition(.succeeded))],
                            fence: fence,
                            log: log
                        )
                    }
                    #expect(refused == .stale)
                }
                #expect(try await bed.store.run(id).status == .timedOut)
            }
        }
    }

    @Test("a deadline that counts from the beginning goes with its run, seen or not")
    func unseen() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            try await Owner.with(bed) { owner in
                let after = RunDeadline(runMilliseconds: 7_200_000)
                _ = try await Self.start(bed, lane, after)
                let claimed = try await owner.claimOne(lane)
                // Nobody looks until it has ended.
                try await owner.writer.submit(
                    [.transition(transition(.succeeded))],
                    fence: claimed.fence,
                    log: try await owner.log(lane)
                )
                #expect(try await bed.store.nextDeadline().hasOpen)
                #expect(try await bed.store.beginDeadlines(limit: 9) == 0)
                #expect(try await bed.store.endLeftDeadlines(after: nil, limit: 9) == (nil, 1))
                _ = try await bed.store.passDeadlines(limit: 100)
                #expect(try await bed.store.nextDeadline().hasOpen == false)
                #expect(try await bed.number("SELECT count(*) FROM run_deadline") == 0)
            }
        }
    }

    @Test("a late run whose owner undoes it is not ended without its owner")
    func undone() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            try await Owner.with(bed) { owner in
                let id = try await Self.start(bed, lane, RunDeadline(endsAt: 4_102_444_800_000))
                let claimed = try await owner.claimOne(lane)
                #expect(try await Self.passAll(bed) == (0, 1))
                try await owner.writer.submit(
                    [.journal(record("a!0", 1, .intent))],
                    fence: claimed.fence,
                    log: try await owner.log(lane)
                )
                // However long that step takes.
                try await bed.text("UPDATE run_deadline SET told_at = now() - interval '1 h'")
                try await bed.text("UPDATE step_journal SET begun_at = now() - interval '59 m'")
                #expect(try await Self.passAll(bed) == (0, 1))
                #expect(try await bed.store.run(id).status == .claimed)
                try await bed.text("UPDATE step_journal SET ended_at = now() - interval '58 m'")
                #expect(try await Self.passAll(bed) == (1, 0))
            }
        }
    }

    @Test("a late run that its owner ended and a person has run again is not late any more")
    func again() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            try await Owner.with(bed) { owner in
                let id = try await Self.start(bed, lane, RunDeadline(endsAt: 4_102_444_800_000))
                let claimed = try await owner.claimOne(lane)
                #expect(try await Self.passAll(bed) == (0, 1))
                try await owner.writer.submit(
                    [.transition(transition(.timedOut))],
                    fence: claimed.fence,
                    log: try await owner.log(lane)
                )
                let run = try await bed.store.run(id)
                try await bed.store.retry(run, steps: ["a"], inputs: nil)
                #expect(try await Self.passAll(bed) == (0, 0))
                #expect(try await bed.store.run(id).status == .queued)
                #expect(try await bed.store.deadlines(of: id).isEmpty)
            }
        }
    }

    @Test("a time from the beginning counts from then; a run that began is not late to begin")
    func after() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 3)
            try await Owner.with(bed) { owner in
                let deadline = RunDeadline(startMilliseconds: 60_000, runMilliseconds: 3_600_000)
                let id = try await Self.start(bed, lane, deadline)
                try await bed.store.beginDeadlines(limit: 9)
                #expect(try await bed.store.nextDeadline().hasOpen)
                _ = try await owner.claimOne(lane)
                // Whoever asks is told so before anybody has looked.
                let told = try await bed.store.deadlines(of: id)
                #expect(told.count == 1 && told[0].milliseconds != nil)
                try await bed.store.beginDeadlines(limit: 9)
                #expect(try await !bed.store.nextDeadline().hasOpen)
                let start = try #require(try await bed.store.run(id).startedMilliseconds)
                let end = try await bed.store.deadlines(of: id).first { !$0.isStart }
                #expect(end?.milliseconds == start + 3_600_000)
                try await bed.text("UPDATE run_deadline SET at = now() WHERE kind = 'start'")
                #expect(try await bed.store.passDeadlines(limit: 10) == (0, 0))
                #expect(try await bed.store.deadlines(of: id).count == 1)
                #expect(try await bed.store.run(id).request == nil)
            }
        }
    }

    @Test("a run that a person has run again began once, and is not late to begin")
    func retried() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 3)
            try await Owner.with(bed) { owner in
                let log = try await owner.log(lane)
                for status in [RunStatus.failed, .waiting] {
                    let late = RunDeadline(startMilliseconds: 3_600_000)
                    let id = try await Self.start(bed, lane, late)
                    let claimed = try await owner.claimOne(lane)
                    try await owner.writer.submit(
                        [.transition(transition(status))],
                        fence: claimed.fence,
                        log: log
                    )
                    try await bed.store.retry(
                        try await bed.store.run(id),
                        steps: ["a"],
                        inputs: nil
                    )
                    #expect(try await bed.store.run(id).startedMilliseconds == nil)
                    #expect(try await bed.store.deadlines(of: id).isEmpty)
                    #expect(try await Self.passAll(bed) == (0, 0), "\(status)")
                    #expect(try await bed.number("SELECT count(*) FROM run_deadline") == 0)
                    #expect(try await bed.store.run(id).status == .queued)
                    let again = try await owner.claimOne(lane)
                    #expect(again.fence.run == id)
                }
            }
        }
    }

    @Test("those that count from a beginning are seen to some at a time, by two at once as well")
    func pages() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let runs = try await bed.enqueue(90, lane: lane).map(\.number)
            try await bed.text(
                """
                INSERT INTO run_deadline (run_id, kind, after_ms)
                SELECT i, 'end', 3600000 FROM generate_series(\(runs[0]), \(runs[0] + 119)) i
                """
            )
            // What is queued has not begun; of the others none is left out, and none taken twice.
            try await bed.text(
                """
                UPDATE run SET status = 'running', claim_no = 1, started_at = now()
                WHERE id < \(runs[60])
                """
            )
            let begun = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        var count = 0
                        while case let some = try await bed.store.beginDeadlines(limit: 7), some > 0
                        {
                            #expect(some <= 7)
                            count += some
                        }
                        return count
                    }
                }
                return try await group.reduce(0, +)
            }
            let rest = try await bed.store.beginDeadlines(limit: 90)
            #expect(begun + rest == 60)
            // The runs of the last thirty are gone: what is queued lies before them.
            let (last, none) = try await bed.store.endLeftDeadlines(after: nil, limit: 20)
            #expect(none == 0 && last?.number == runs[79])
            let (end, some) = try await bed.store.endLeftDeadlines(after: last, limit: 90)
            #expect(end == nil && some == 30)
            let open = "SELECT count(*) FROM run_deadline WHERE at IS NULL"
            #expect(try await bed.number(open) == 30)
        }
    }

    @Test("a run that ended in time leaves its deadline to be forgotten")
    func done() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let id = try await Self.start(bed, lane, RunDeadline(endsAt: 4_102_444_800_000))
            #expect(try await bed.store.requestCancel(id, reason: "x") == .cancelled)
            #expect(try await bed.store.deadlines(of: id).isEmpty)
            #expect(try await Self.passAll(bed) == (0, 0))
            #expect(try await bed.number("SELECT count(*) FROM run_deadline") == 0)
            #expect(try await bed.store.run(id).status == .cancelled)
        }
    }

    @Test("when a late run is ended without its owner, the runs that it started are asked to end")
    func children() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            try await Owner.with(bed) { owner in
                let id = try await Self.start(bed, lane, RunDeadline(endsAt: 4_102_444_800_000))
                let claimed = try await owner.claimOne(lane)
                func part(of run: RunID) -> NewRun {
                    NewRun(lane: lane, planDigest: samplePlan.digest, parent: run, depth: 1)
                }
                let other = try await bed.enqueue(1, lane: lane)[0]
                let parts = try await bed.store.enqueue(
                    [part(of: id), part(of: id), part(of: other)]
                )
                // One is itself late; it is told of that alone.
                try await bed.text(
                    """
                    INSERT INTO run_deadline (run_id, kind, at)
                    VALUES (\(parts[1].number), 'end', now())
                    """
                )
                #expect(try await Self.passAll(bed) == (0, 2))
                #expect(try await bed.store.run(parts[0]).request == nil)
                // Its owner does nothing.
                #expect(try await Self.passAll(bed).ended == 2)
                #expect(try await bed.store.run(claimed.fence.run).status == .timedOut)
                let asked = try await bed.store.queuedRequests(of: owner.node, limit: 9)
                #expect(asked.map(\.fence.run) == [parts[0]])
                #expect(asked.first?.isTimeout == false)
                #expect(asked.first?.reason.contains("parent") == true)
                #expect(try await bed.store.run(other).request == nil)
            }
        }
    }
}
