// Decides that what a schedule says of its runs holds for each of them, and that unique ones are unique.

import PulserIR
import StateMachines
import TestKit
import Testing

@testable import Store

@Suite("Runs of schedules", .timeLimit(.minutes(3)))
struct ScheduleRunsTests {
    /// A schedule that ticks every minute and was last looked at five minutes ago.
    private static func schedule(
        _ bed: StoreBed,
        _ name: String = "nightly",
        lane: String = "A",
        _ change: (inout NewSchedule) -> Void
    ) async throws -> ScheduleRow {
        try await bed.store.storePlans([samplePlan])
        var new = NewSchedule(
            name: name,
            lane: try await bed.store.ensureLane(session: Store.defaultSession, lane: lane),
            plan: samplePlan.digest,
            settings: ScheduleSettings(rules: ["every 1m"]),
            by: "eve"
        )
        change(&new)
        _ = try await bed.store.createSchedule(new)
        try await bed.text(
            "UPDATE schedule SET cursor_at = now() - interval '5 minutes' WHERE name = '\(name)'"
        )
        return try await bed.store.schedule(name)
    }

    private static func kind(
        _ policy: Uniqueness.Conflict,
        key: String = "k",
        scope: Uniqueness.Scope = .lane
    ) -> Uniqueness {
        Uniqueness(key: key, scope: scope, onConflict: policy)
    }

    /// Ticks of a schedule, counted from the first that is due.
    private static func decision(_ row: ScheduleRow, _ ticks: Range<Int64>) -> TickDecision {
        let first = row.cursor / 60 * 60 + 60
        var decision = TickDecision(
            schedule: row.id,
            moveNumber: row.moveNumber,
            cursor: row.cursor,
            nextMilliseconds: row.nowMilliseconds,
            dropped: 0,
            reason: nil,
            lane: row.said.lane,
            plan: samplePlan.digest,
            inputs: "{}",
            ticks: ticks.map { first + $0 * 60 }
        )
        decision.uniqueKey =
            row.said.unique?.named(
                plan: samplePlan.digest,
                inputs: .object([:])
            ).key
        return decision
    }

    private static func fire(
        _ bed: StoreBed,
        _ ticks: Range<Int64>,
        of name: String = "nightly"
    ) async throws -> FiredTicks {
        let row = try await bed.store.schedule(name)
        return try await bed.store.fire([Self.decision(row, ticks)])
    }

    private static func make(
        _ bed: StoreBed,
        _ ticks: Range<Int64>?
    ) async throws -> MadeTicks {
        let row = try await bed.store.schedule("nightly")
        return try #require(
            try await bed.store.makeRuns(
                of: row,
                plan: samplePlan.digest,
                inputs: "{}",
                ticks: ticks.map { Self.decision(row, $0).ticks },
                by: "ann",
                key: nil
            )
        )
    }

    /// What must hold at every instant; one statement sees one.
    private static let faults = """
        SELECT (SELECT count(*) FROM (
                SELECT r.unique_key FROM run r WHERE r.unique_key IS NOT NULL AND r.unique_ms IS NULL
                GROUP BY r.unique_key HAVING count(*) > 1) twice)
            || ' twice, ' || (
                SELECT count(*) FROM run r WHERE r.unique_key IS NOT NULL AND r.unique_ms IS NULL
                AND NOT EXISTS (SELECT FROM run_unique u
                    WHERE u.key = r.unique_key AND u.run_id = r.id))
            || ' without a key, ' || (
                SELECT count(*) FROM schedule_run o WHERE NOT EXISTS (
                    SELECT FROM run_any r WHERE r.id = o.run_id)) || ' ticks of no run'
        """
    private static let none = "0 twice, 0 without a key, 0 ticks of no run"

    @Test("each run has the schedule's key, delay and deadlines; an edit holds for the next ones")
    func carried() async throws {
        try await StoreBed.with { bed in
            let row = try await Self.schedule(bed) {
                $0.key = "customer-7"
                $0.delayMilliseconds = 60_000
                $0.deadline = RunDeadline(startMilliseconds: 120_000, runMilliseconds: 5_000)
            }
            let fired = try await Self.fire(bed, 0..<2)
            let made = try await Self.make(bed, nil)
            #expect(fired.news == [.due(lane: row.said.lane, milliseconds: 60_000)])
            for id in fired.runs + [try #require(made.run)] {
                let run = try await bed.store.run(id)
                let due = try #require(run.dueMilliseconds)
                #expect(run.key == "customer-7" && due == run.enqueuedMilliseconds + 60_000)
                let deadlines = try await bed.store.deadlines(of: id)
                let start = deadlines.first { $0.isStart }
                #expect(start?.milliseconds == run.enqueuedMilliseconds + 120_000)
                #expect(deadlines.first { !$0.isStart }?.afterMilliseconds == 5_000)
            }
            var said = row.said
            (said.key, said.delayMilliseconds, said.deadline) = ("", 0, RunDeadline())
            said.unique = Self.kind(.debounce, scope: .session)
            try await bed.store.updateSchedule(row.id, said, revision: row.revision)
            #expect(try await bed.store.schedule("nightly").said == said)
            said.unique = nil
            try await bed.store.updateSchedule(row.id, said, revision: row.revision + 1)
            #expect(try await bed.store.schedule("nightly").said == said)
            let plain = try #require(try await Self.fire(bed, 2..<3).runs.first)
            let run = try await bed.store.run(plain)
            #expect(run.key.isEmpty && run.dueMilliseconds == nil && run.unique == nil)
            #expect(try await bed.store.deadlines(of: plain).isEmpty)
        }
    }

    @Test(
        "while a run of the kind is open no tick makes another; it is counted, and the next goes on",
        arguments: [Uniqueness.Conflict.reject, .join]
    )
    func refused(_ policy: Uniqueness.Conflict) async throws {
        try await StoreBed.with { bed in
            _ = try await Self.schedule(bed) { $0.unique = Self.kind(policy) }
            let word: StartOutcome = policy == .join ? .joined : .held
            let fired = try await Self.fire(bed, 0..<3)
            let run = try #require(fired.runs.first)
            #expect(fired.runs.count == 1 && fired.news.count == 1)
            #expect(fired.unmade.map(\.outcome) == [word, word])
            #expect(fired.unmade.allSatisfy { $0.run == run })
            let later = try await Self.fire(bed, 3..<4)
            #expect(later.runs.isEmpty && later.moved == 1 && later.news.isEmpty)
            let row = try await bed.store.schedule("nightly")
            #expect(row.dropped == 3 && row.lastDrop == word.rawValue && row.pausedBy == nil)
            #expect(row.lastDropMilliseconds != nil)
            // A person who asks for it is told of the run, and so is a backfill.
            let asked = try await Self.make(bed, nil)
            #expect(asked == MadeTicks(run: run, outcome: word, count: 0, unmade: 1))
            let filled = try await Self.make(bed, 0..<4)
            #expect(filled.count == 0 && filled.unmade == 3)
            #expect(try await bed.number("SELECT count(*) FROM schedule_run") == 1)
            #expect(try await bed.store.requestCancel(run, reason: "x") == .cancelled)
            // What was not made for them may be made later, one after the other.
            let again = try await Self.make(bed, 0..<4)
            #expect(again.count == 1 && again.unmade == 2)
            #expect(try await Self.fire(bed, 4..<5).unmade.map(\.outcome) == [word])
            #expect(try await bed.text(Self.faults) == Self.none)
        }
    }

    @Test(
        "a tick takes over the run that nobody has begun, with its deadlines; never one under way",
        arguments: [Uniqueness.Conflict.replace, .debounce]
    )
    func replaced(_ policy: Uniqueness.Conflict) async throws {
        try await StoreBed.with { bed in
            let row = try await Self.schedule(bed) {
                $0.unique = Self.kind(policy)
                $0.delayMilliseconds = policy == .debounce ? 600_000 : 0
                $0.deadline.runMilliseconds = 7_000
            }
            let word: StartOutcome = policy == .replace ? .replaced : .debounced
            // Somebody else's run of the kind.
            var other = NewRun(lane: row.said.lane, planDigest: samplePlan.digest)
            (other.unique, other.delayMilliseconds) = (Self.kind(policy), 60_000)
            let first = try await bed.store.start(other, plans: [])
            let fired = try await Self.fire(bed, 0..<3)
            #expect(fired.runs.isEmpty && fired.unmade.map(\.outcome) == [word, word, word])
            #expect(Set(fired.unmade.map(\.run)) == [first.id] && fired.news.count == 1)
            let late = try await bed.store.schedule(of: first.id)
            let last = Self.decision(row, 2..<3).ticks[0]
            #expect(late?.tickMilliseconds == last * 1_000 && late?.isManual == false)
            #expect(try await bed.text("SELECT started_by FROM run") == "eve")
            #expect(try await bed.store.deadlines(of: first.id).map(\.afterMilliseconds) == [7_000])
            let seen = try await bed.store.schedule("nightly")
            #expect(seen.hasOpenRun && seen.dropped == 3 && seen.lastDrop == word.rawValue)
            // Another one takes it back: it is no tick's any more.
            #expect(try await bed.store.start(other, plans: []).outcome == word)
            #expect(try await bed.store.schedule(of: first.id) == nil)
            #expect(try await !bed.store.schedule("nightly").hasOpenRun)
            #expect(try await Self.make(bed, nil).outcome == word)
            #expect(try await bed.store.schedule(of: first.id)?.isManual == true)
            #expect(try await bed.number("SELECT count(*) FROM run") == 1)
            try await bed.text("UPDATE run SET is_delayed = false, due_at = now()")
            try await Owner.with(bed) { owner in
                _ = try await owner.claimOne(row.said.lane)
                #expect(try await Self.fire(bed, 3..<4).unmade.map(\.outcome) == [.held])
            }
            #expect(try await bed.text(Self.faults) == Self.none)
        }
    }

    @Test(
        "a kind without a key is the plan with its inputs; kinds of a session are those of all lanes"
    )
    func kinds() async throws {
        try await StoreBed.with { bed in
            for (name, scope) in [("a", "lane"), ("b", "session"), ("c", "session")] {
                _ = try await Self.schedule(bed, name, lane: name) {
                    $0.unique = Self.kind(.join, key: "", scope: .init(rawValue: scope) ?? .lane)
                }
            }
            var all: [TickDecision] = []
            for name in ["c", "b", "a"] {
                all.append(Self.decision(try await bed.store.schedule(name), 0..<1))
            }
            let fired = try await bed.store.fire(all)
            #expect(fired.moved == 3 && fired.runs.count == 2)
            #expect(fired.unmade.map(\.outcome) == [.joined])
            var other = all[0]
            other.uniqueKey =
                Self.kind(.join, key: "")
                .named(plan: samplePlan.digest, inputs: .object(["n": 1])).key
            other.moveNumber += 1
            other.ticks = [other.ticks[0] + 60]
            other.inputs = "{\"n\":1}"
            #expect(try await bed.store.fire([other]).runs.count == 1)
            #expect(try await bed.text(Self.faults) == Self.none)
        }
    }

    @Test("a key that is taken for a time keeps ticks from making runs until that is over")
    func period() async throws {
        try await StoreBed.with { bed in
            _ = try await Self.schedule(bed) {
                $0.unique = Self.kind(.reject)
                $0.unique?.periodMilliseconds = 3_600_000
            }
            let run = try #require(try await Self.fire(bed, 0..<1).runs.first)
            #expect(try await bed.store.requestCancel(run, reason: "x") == .cancelled)
            #expect(try await Self.fire(bed, 1..<2).unmade.map(\.outcome) == [.held])
            try await bed.text("UPDATE run_unique SET until = now()")
            #expect(try await Self.fire(bed, 2..<3).runs.count == 1)
        }
    }

    @Test("whoever fires, asks and enqueues at once: there is one run of each kind at any time")
    func storm() async throws {
        try await StoreBed.with { bed in
            let policies: [Uniqueness.Conflict] = [.replace, .reject, .join, .debounce]
            for (number, policy) in policies.enumerated() {
                _ = try await Self.schedule(bed, "s\(number)", lane: "l\(number)") {
                    $0.unique = Self.kind(policy, key: "k\(number % 2)", scope: .session)
                    $0.delayMilliseconds = 1
                }
            }
            let lane = try await bed.store.ensureLane(session: Store.defaultSession, lane: "l0")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in UInt64(1)...3 {
                    group.addTask { try await Self.fire(bed, seed) }
                    group.addTask { try await Self.enqueue(bed, lane, seed) }
                }
                group.addTask { try await Self.look(bed) }
                try await group.waitForAll()
            }
            #expect(try await bed.text(Self.faults) == Self.none)
            #expect(try await bed.number("SELECT count(*) FROM schedule_run") > 0)
        }
    }

    /// Looks many times while the others are at it.
    private static func look(_ bed: StoreBed) async throws {
        for _ in 0..<40 { #expect(try await bed.text(Self.faults) == Self.none) }
    }

    /// Fires some ticks of all schedules, again and again.
    private static func fire(_ bed: StoreBed, _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        for round in Int64(0)..<25 {
            var all: [TickDecision] = []
            for name in ["s0", "s1", "s2", "s3"].shuffled(using: &random) {
                let row = try await bed.store.schedule(name)
                all.append(Self.decision(row, round * 2..<round * 2 + random.pick([1, 2, 3])))
            }
            _ = try await bed.store.fire(all)
        }
    }

    /// Has runs of the kinds made, replaced and cancelled.
    private static func enqueue(_ bed: StoreBed, _ lane: Int64, _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<25 {
            var run = NewRun(lane: lane, planDigest: samplePlan.digest, delayMilliseconds: 1)
            let policy = random.pick([Uniqueness.Conflict.replace, .join, .reject, .debounce])
            run.unique = Self.kind(policy, key: random.pick(["k0", "k1"]), scope: .session)
            let started = try await bed.store.start(run, plans: [])
            guard random.chance(40) else { continue }
            _ = try? await bed.store.requestCancel(started.id, reason: "x")
        }
    }
}
