// Which ticks get a run: none twice, none forgotten, by the rules for what was missed.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite("Schedule machine")
struct ScheduleMachineTests {
    /// Every minute; minute 0 is 0.
    private static func minutely(
        _ change: (inout ScheduleMachine) -> Void = { _ in }
    ) throws -> ScheduleMachine {
        var machine = ScheduleMachine(
            calendar: ScheduleCalendar([try ScheduleRule("every 1m")]),
            id: 7,
            overlap: .queue
        )
        change(&machine)
        return machine
    }

    private static func minutes(_ decision: ScheduleMachine.Decision) -> [Int64] {
        decision.fire.map { $0.second / 60 }
    }

    @Test("a tick that is due gets its run, one that is not waits, and the next time is told")
    func due() throws {
        let machine = try Self.minutely()
        let early = machine.decide(after: 0, now: 59_999, hasOpenRun: false)
        #expect(early.fire.isEmpty && early.cursor == 0 && early.nextMilliseconds == 60_000)
        let due = machine.decide(after: 0, now: 60_000, hasOpenRun: false)
        #expect(due.fire == [.init(second: 60, dueMilliseconds: 60_000)])
        #expect(due.cursor == 60 && due.nextMilliseconds == 120_000 && due.dropped.isEmpty)
        // A minute late is on time.
        let late = machine.decide(after: 0, now: 120_000, hasOpenRun: false)
        #expect(Self.minutes(late) == [1, 2] && late.dropped.isEmpty)
    }

    @Test("what was missed is dropped, stands for all, or is made up within window and limit")
    func missed() throws {
        let now: Int64 = 10 * 60_000
        let skip = try Self.minutely { $0.misfire = .skip }.decide(
            after: 0,
            now: now,
            hasOpenRun: false
        )
        #expect(Self.minutes(skip) == [9, 10])
        #expect(skip.dropped == [.init(last: 480, count: 8, reason: .missed)])
        let latest = try Self.minutely().decide(after: 0, now: now, hasOpenRun: false)
        #expect(Self.minutes(latest) == [10])
        #expect(latest.dropped == [.init(last: 540, count: 9, reason: .missed)])
        let all = try Self.minutely { $0.misfire = .all }.decide(
            after: 0,
            now: now,
            hasOpenRun: false
        )
        #expect(Self.minutes(all) == Array(1...10) && all.dropped.isEmpty)
        let bounded = try Self.minutely {
            $0.misfire = .all
            $0.limit = 2
            $0.catchUpMilliseconds = 300_000
        }.decide(after: 0, now: now, hasOpenRun: false)
        #expect(Self.minutes(bounded) == [7, 8, 9, 10])
        #expect(
            bounded.dropped == [
                .init(last: 240, count: 4, reason: .tooOld),
                .init(last: 360, count: 2, reason: .overLimit),
            ]
        )
        let old = try Self.minutely { $0.catchUpMilliseconds = 60_000 }
            .decide(after: 0, now: now + 30_000, hasOpenRun: false)
        #expect(Self.minutes(old) == [10])
    }

    @Test("while a run is open a tick is dropped, queued, or cancels it")
    func overlap() throws {
        let skip = try Self.minutely { $0.overlap = .skip }
        let open = skip.decide(after: 0, now: 60_000, hasOpenRun: true)
        #expect(open.fire.isEmpty && open.cursor == 60)
        #expect(open.dropped == [.init(last: 60, count: 1, reason: .overlap)])
        #expect(Self.minutes(skip.decide(after: 0, now: 120_000, hasOpenRun: false)) == [1])
        let cancel = try Self.minutely { $0.overlap = .cancel }
        let replaced = cancel.decide(after: 0, now: 120_000, hasOpenRun: true)
        #expect(Self.minutes(replaced) == [2] && replaced.cancelsOpen && replaced.cursor == 120)
        #expect(!cancel.decide(after: 0, now: 60_000, hasOpenRun: false).cancelsOpen)
        let queue = try Self.minutely().decide(after: 0, now: 60_000, hasOpenRun: true)
        #expect(Self.minutes(queue) == [1])
    }

    @Test("jitter is the same each time, spreads schedules, and ends before the next tick")
    func jitter() throws {
        var seen: Set<Int64> = []
        for id in Int64(1)...200 {
            let machine = try Self.minutely {
                $0.id = id
                $0.jitterMilliseconds = 3_600_000
            }
            var last: Int64 = 0
            for tick in stride(from: Int64(0), to: 6_000, by: 60) {
                let due = machine.dueMilliseconds(of: tick)
                #expect(due == machine.dueMilliseconds(of: tick))
                #expect((tick * 1_000..<(tick + 60) * 1_000).contains(due) && due > last)
                last = due
            }
            seen.insert(machine.dueMilliseconds(of: 60))
        }
        #expect(seen.count > 190)
    }

    @Test("whenever somebody looks, every tick is decided about exactly once, in order")
    func histories() throws {
        let zone = try ZoneFixtures.zone("America/New_York")
        for seed in UInt64(1)...300 {
            var random = SeededGenerator(seed: seed)
            guard let rule = try? ScheduleRule(CronOracle(&random).text) else { continue }
            let other = ScheduleRule.every(seconds: .random(in: 600...90_000, using: &random))
            let machine = ScheduleMachine(
                calendar: ScheduleCalendar(random.chance(50) ? [rule] : [rule, other], zone: zone),
                id: Int64(seed),
                jitterMilliseconds: random.pick([0, 5_000, 86_400_000]),
                misfire: random.pick(MisfirePolicy.allCases),
                catchUpMilliseconds: random.pick([60_000, 7_200_000, 86_400_000]),
                limit: random.pick([1, 3, 200]),
                overlap: random.pick(OverlapPolicy.allCases)
            )
            let start: Int64 = 1_772_800_000  // two days before clocks go forward
            var (cursor, now) = (start, start * 1_000)
            var decided = 0
            var lastDue: Int64 = 0
            for _ in 0..<40 {
                let decision = machine.decide(
                    after: cursor,
                    now: now,
                    hasOpenRun: random.chance(30)
                )
                for tick in decision.fire {
                    #expect(
                        tick.dueMilliseconds > lastDue && tick.dueMilliseconds <= now,
                        "seed \(seed)"
                    )
                    lastDue = tick.dueMilliseconds
                }
                decided += decision.fire.count + decision.dropped.reduce(0) { $0 + $1.count }
                #expect(decision.cursor >= cursor)
                cursor = decision.cursor
                let isBehind = decision.nextMilliseconds.map { $0 <= now } ?? false
                if isBehind { continue }
                // On time, a little late, or after an outage.
                let next = decision.nextMilliseconds ?? now + 60_000
                now = random.chance(60) ? next : now + .random(in: 1...30_000_000, using: &random)
            }
            let ticks = machine.calendar.ticks(after: start, upTo: cursor, limit: .max)
            #expect(decided == ticks.count, "seed \(seed)")
        }
    }
}
