// Schedules in the database: every tick gets its run once, whoever fires and whoever dies.

import Postgres
import PulserIR
import StateMachines
import Store
import TestKit
import Testing

@Suite("Schedules")
struct ScheduleTests {
    /// A schedule of the sample plan that has one tick a minute.
    private static func schedule(
        _ bed: StoreBed,
        _ name: String = "nightly",
        lane: String = "A",
        _ change: (inout ScheduleSettings) -> Void = { _ in }
    ) async throws -> ScheduleRow {
        try await bed.store.storePlans([samplePlan])
        let lane = try await bed.store.ensureLane(session: Store.defaultSession, lane: lane)
        var settings = ScheduleSettings(rules: ["every 1m"])
        change(&settings)
        let new = NewSchedule(
            name: name,
            lane: lane,
            plan: samplePlan.digest,
            settings: settings,
            by: "eve"
        )
        _ = try await bed.store.createSchedule(new)
        return try await bed.store.schedule(name)
    }

    /// The next `count` ticks of a schedule, decided as its row says.
    private static func decision(_ row: ScheduleRow, _ count: Int) throws -> TickDecision {
        let zones = TimeZoneLibrary { name throws(ScheduleError) in
            throw ScheduleError(name, hint: "")
        }
        let machine = try ScheduleMachine(row.said.settings, id: row.id, zones: zones)
        let now = row.nowMilliseconds / 1_000
        let ticks = machine.calendar.ticks(after: row.cursor, upTo: now, limit: count)
        let cursor = ticks.last ?? row.cursor
        return TickDecision(
            schedule: row.id,
            moveNumber: row.moveNumber,
            cursor: cursor,
            nextMilliseconds: machine.nextMilliseconds(after: cursor),
            dropped: 0,
            reason: nil,
            lane: row.said.lane,
            plan: samplePlan.digest,
            inputs: "{}",
            ticks: ticks
        )
    }

    @Test("a decision counts once: of two on the same state one makes its runs")
    func once() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                _ = try await Self.schedule(bed)
                try await bed.text("UPDATE schedule SET cursor_at = now() - interval '5 minutes'")
                let row = try #require(
                    try await bed.store.dueSchedules(of: owner.node, limit: 10).first
                )
                let decision = try Self.decision(row, 10)
                #expect(decision.ticks.count == 5)
                async let first = bed.store.fire([decision])
                async let second = bed.store.fire([decision])
                let both = try await [first, second]
                #expect(both.map(\.moved).sorted() == [0, 1])
                #expect(both.flatMap(\.runs).count == 5)
                #expect(try await bed.number("SELECT count(*) FROM schedule_run") == 5)
                #expect(try await bed.text("SELECT DISTINCT started_by FROM run") == "eve")
                #expect(try await bed.store.dueSchedules(of: owner.node, limit: 10).isEmpty)
                let next = try #require(try await bed.store.untilNextTick(of: owner.node))
                #expect(next > .zero && next <= .seconds(60))
                let now = try await bed.store.schedule("nightly")
                #expect(now.cursor == decision.cursor && now.hasOpenRun)
            }
        }
    }

    @Test("however many look at once, die before or after they write, every tick has one run")
    func storm() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                for name in ["a", "b", "c"] { _ = try await Self.schedule(bed, name, lane: name) }
                try await bed.text(
                    "UPDATE schedule SET cursor_at = now() - interval '40 minutes', next_at = now()"
                )
                let first = try await bed.store.schedule("a").cursor
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for seed in UInt64(1)...4 {
                        group.addTask { try await Self.fire(bed, owner.node, seed) }
                    }
                    group.addTask { try await Self.backfill(bed) }
                    try await group.waitForAll()
                }
                let last = Int64(
                    try await bed.number(
                        "SELECT extract(epoch FROM min(cursor_at))::bigint FROM schedule"
                    )
                )
                let expected = last / 60 - first / 60
                #expect(expected >= 39)
                for name in ["a", "b", "c"] {
                    let ticks = try await bed.number(
                        """
                        SELECT count(*) FROM schedule_run o JOIN run r ON r.id = o.run_id
                        JOIN schedule s ON s.id = o.schedule_id WHERE s.name = '\(name)'
                            AND o.tick <= to_timestamp(\(last)) AND o.tick > to_timestamp(\(first))
                        """
                    )
                    #expect(ticks == Int(expected))
                }
                #expect(
                    try await bed.number("SELECT count(*) FROM run")
                        == bed.number("SELECT count(*) FROM schedule_run")
                )
            }
        }
    }

    /// Fires until nothing is due, dying now and then: before it writes, or before it hears.
    private static func fire(_ bed: StoreBed, _ node: NodeEpoch, _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        while true {
            let rows = try await bed.store.dueSchedules(of: node, limit: 10)
            if rows.isEmpty { return }
            if random.chance(30) { continue }
            let decisions = try rows.shuffled(using: &random).map {
                try Self.decision($0, random.pick([1, 2, 3]))
            }
            _ = try await bed.store.fire(decisions)
        }
    }

    private static func backfill(_ bed: StoreBed) async throws {
        for _ in 0..<10 {
            let row = try await bed.store.schedule("a")
            let tick = row.cursor / 60 * 60
            _ = try await bed.store.makeRuns(
                of: row,
                plan: samplePlan.digest,
                inputs: "{}",
                ticks: [tick - 60, tick, tick + 60],
                by: "ann",
                key: nil
            )
        }
    }

    @Test(
        "a paused schedule is not due; resumed it ticks from then on, and edits notice each other"
    )
    func pausing() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let row = try await Self.schedule(bed)
                #expect(try await bed.store.pauseSchedule(row.id, by: "ann", reason: "audit"))
                #expect(try await !bed.store.pauseSchedule(row.id, by: "bob", reason: nil))
                try await bed.text("UPDATE schedule SET cursor_at = now() - interval '1 hour'")
                #expect(try await bed.store.dueSchedules(of: owner.node, limit: 10).isEmpty)
                let paused = try await bed.store.schedule(String(row.id))
                #expect(paused.pausedBy == "ann" && paused.pauseReason == "audit")
                // What was decided before the pause does not count any more.
                #expect(try await bed.store.fire([Self.decision(row, 1)]).moved == 0)
                #expect(try await bed.store.resumeSchedule(row.id))
                #expect(try await !bed.store.resumeSchedule(row.id))
                let due = try await bed.store.dueSchedules(of: owner.node, limit: 10)
                #expect(due.first.map { $0.nowMilliseconds / 1_000 - $0.cursor < 30 } == true)
                var said = row.said
                said.title = "every minute"
                try await bed.store.updateSchedule(row.id, said, revision: row.revision)
                let stale = await #expect(throws: StoreError.self) {
                    try await bed.store.updateSchedule(row.id, said, revision: row.revision)
                }
                #expect(stale?.code == .stale)
                await #expect(throws: StoreError.self) {
                    try await bed.store.deleteSchedule(row.id, revision: row.revision)
                }
                try await bed.store.deleteSchedule(row.id, revision: row.revision + 1)
                let gone = await #expect(throws: StoreError.self) {
                    try await bed.store.schedule("nightly")
                }
                #expect(gone?.code == .notFound)
            }
        }
    }

    @Test("new times tick from now on, other edits forget no tick")
    func edits() async throws {
        try await StoreBed.with { bed in
            let row = try await Self.schedule(bed)
            try await bed.text("UPDATE schedule SET cursor_at = now() - interval '1 hour'")
            let before = try await bed.store.schedule("nightly").cursor
            var said = row.said
            said.priority = 7
            try await bed.store.updateSchedule(row.id, said, revision: row.revision)
            #expect(try await bed.store.schedule("nightly").cursor == before)
            said.settings.rules = ["0 4 * * *", "every 2m"]
            try await bed.store.updateSchedule(row.id, said, revision: row.revision + 1)
            let after = try await bed.store.schedule("nightly")
            #expect(after.cursor > before + 3_000)
            #expect(after.said.settings.rules == said.settings.rules && after.said.priority == 7)
        }
    }

    @Test("a run asked for now happens once for its key, and never for a session that has ended")
    func manual() async throws {
        try await StoreBed.with { bed in
            let row = try await Self.schedule(bed)
            let key = RequestKey(tenant: "t", key: "k", digest: samplePlan.digest)
            func make() async throws -> MadeTicks? {
                try await bed.store.makeRuns(
                    of: try await bed.store.schedule("nightly"),
                    plan: samplePlan.digest,
                    inputs: "{}",
                    ticks: nil,
                    by: "ann",
                    key: key
                )
            }
            let made = try #require(try await make())
            let run = try #require(made.run)
            await #expect(throws: StoreError.self) { _ = try await make() }
            #expect(try await bed.store.made(key)?.id == run.number)
            #expect(try await bed.store.schedule(of: run)?.isManual == true)
            #expect(try await bed.store.openRuns(ofSchedule: row.id) == [run])
            #expect(try await bed.number("SELECT count(*) FROM run") == 1)
            #expect(try await bed.text("SELECT started_by FROM run") == "ann")
            try await bed.store.endSession(name: Store.defaultSession, as: .cancelled)
            let refused = await #expect(throws: StoreError.self) {
                try await bed.store.makeRuns(
                    of: try await bed.store.schedule("nightly"),
                    plan: samplePlan.digest,
                    inputs: "{}",
                    ticks: nil,
                    by: "ann",
                    key: nil
                )
            }
            #expect(refused?.code == .conflict)
        }
    }

    @Test("whoever does not own the lane's shard sees nothing due")
    func owners() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                _ = try await Self.schedule(bed)
                let other = NodeEpoch(owner.node.number + 1)
                #expect(try await bed.store.dueSchedules(of: owner.node, limit: 10).count == 1)
                #expect(try await bed.store.dueSchedules(of: other, limit: 10).isEmpty)
                #expect(try await bed.store.untilNextTick(of: other) == nil)
            }
        }
    }

    @Test("a run that ended is not open any more, and its schedule forgets it at the next tick")
    func ended() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                _ = try await Self.schedule(bed)
                try await bed.text("UPDATE schedule SET cursor_at = now() - interval '5 minutes'")
                let row = try await bed.store.schedule("nightly")
                let run = try #require(
                    try await bed.store.fire([Self.decision(row, 1)]).runs.first
                )
                let open = try await bed.store.schedule("nightly")
                #expect(open.hasOpenRun)
                let claimed = try await owner.claimOne(row.said.lane)
                #expect(claimed.fence.run == run)
                try await owner.writer.submit(
                    [.transition(transition(.failed))],
                    fence: claimed.fence,
                    log: try await owner.log(row.said.lane)
                )
                let closed = try await bed.store.schedule("nightly")
                #expect(!closed.hasOpenRun)
                _ = try await bed.store.fire([Self.decision(closed, 1)])
                #expect(try await bed.number("SELECT count(*) FROM schedule_run WHERE ended") == 1)
                // A person has it run again: it is open again.
                try await bed.store.retry(try await bed.store.run(run), steps: ["a"], inputs: nil)
                #expect(try await bed.number("SELECT count(*) FROM schedule_run WHERE ended") == 0)
            }
        }
    }
}
