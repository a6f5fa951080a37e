// Ticks across changes of the clocks: against an oracle that looks at every minute, and by example.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite("Ticks of a schedule")
struct ScheduleCalendarTests {
    private static func second(_ text: String) -> Int64 {
        let parts = text.split { "-T:".contains($0) }.compactMap { Int64($0) }
        let day = CivilDate(year: parts[0], month: parts[1], day: parts[2]).number
        return day * 86_400 + parts[3] * 3_600 + parts[4] * 60
    }

    private static func text(_ second: Int64) -> String {
        let date = CivilDate(second: second)
        let rest = second - date.number * 86_400
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(rest / 3_600)):\(two(rest / 60 % 60))"
    }

    @Test(
        "around every change of the clocks, ticks are those of a minute by minute count",
        arguments: ZoneFixtures.names
    )
    func oracle(name: String) throws {
        let zone = try ZoneFixtures.zone(name)
        let changes = try ZoneFixtures.changes().filter { $0[0] == name }.compactMap {
            Int64($0[1])
        }
        .filter { $0 > 0 }
        #expect(!changes.isEmpty)
        for seed in UInt64(1)...150 {
            var random = SeededGenerator(seed: seed)
            let oracle = CronOracle(&random)
            let change = random.pick(changes)
            let lower = change - Int64.random(in: 0...(2 * 86_400), using: &random)
            let upper = change + Int64.random(in: 3_600...(3 * 86_400), using: &random)
            let expected = oracle.ticks(after: lower, upTo: upper, zone: zone)
            guard let rule = try? ScheduleRule(oracle.text) else {
                // Such as the thirtieth of February: it never happens.
                #expect(expected.isEmpty, "seed \(seed): \(oracle.text)")
                continue
            }
            let calendar = ScheduleCalendar([rule], zone: zone)
            let found = calendar.ticks(after: lower, upTo: upper, limit: .max)
            #expect(found == expected, "seed \(seed): '\(oracle.text)' around \(Self.text(change))")
            let last = calendar.last(at: upper, after: lower)
            #expect(last == expected.last, "seed \(seed): '\(oracle.text)'")
        }
    }

    @Test(
        "what clocks leave out or show twice happens as the page says, in UTC",
        arguments: [
            // Left out 02:00 to 03:00: all of it at once at the first moment behind the gap.
            (
                "Europe/Berlin", "*/20 2 * * *", "2026-03-29T00:00",
                ["2026-03-29T01:00", "2026-03-30T00:00"]
            ),
            (
                "Europe/Berlin", "30 2 * * *", "2026-03-29T00:00",
                ["2026-03-29T01:00", "2026-03-30T00:30"]
            ),
            (
                "Europe/Berlin", "0 3 * * *", "2026-03-29T00:00",
                ["2026-03-29T01:00", "2026-03-30T01:00"]
            ),
            // Shown twice 02:00 to 03:00: the first time.
            (
                "Europe/Berlin", "30 2 * * *", "2026-10-25T00:00",
                ["2026-10-25T00:30", "2026-10-26T01:30"]
            ),
            (
                "Europe/Berlin", "0 */2 * * *", "2026-10-24T23:00",
                ["2026-10-25T00:00", "2026-10-25T03:00"]
            ),
            // Every hour: by the clock.
            (
                "Europe/Berlin", "30 * * * *", "2026-03-29T00:00",
                ["2026-03-29T00:30", "2026-03-29T01:30"]
            ),
            (
                "Europe/Berlin", "30 * * * *", "2026-10-25T00:00",
                ["2026-10-25T00:30", "2026-10-25T01:30"]
            ),
            (
                "Europe/Berlin", "every 90m", "2026-03-29T00:00",
                ["2026-03-29T01:30", "2026-03-29T03:00"]
            ),
            (
                "America/New_York", "15 2 * * *", "2026-03-08T05:00",
                ["2026-03-08T07:00", "2026-03-09T06:15"]
            ),
            // Half an hour.
            (
                "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00",
                ["2026-10-03T15:30", "2026-10-04T15:15"]
            ),
            (
                "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00",
                ["2026-04-04T14:45", "2026-04-05T15:15"]
            ),
            // Midnight itself was left out in Brazil.
            (
                "America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00",
                ["2018-11-04T03:00", "2018-11-05T02:00"]
            ),
            // The rule behind the end of the table.
            (
                "Europe/Berlin", "30 2 * * *", "2097-03-31T00:00",
                ["2097-03-31T01:00", "2097-04-01T00:30"]
            ),
            // A whole day was left out.
            (
                "Pacific/Apia", "0 6,18 * * *", "2011-12-30T05:00",
                ["2011-12-30T10:00", "2011-12-30T16:00"]
            ),
        ]
    )
    func changes(zone: String, rule: String, after: String, times: [String]) throws {
        let calendar = ScheduleCalendar([try ScheduleRule(rule)], zone: try ZoneFixtures.zone(zone))
        let found = calendar.ticks(after: Self.second(after), upTo: .max / 4, limit: 2)
        #expect(found.map(Self.text) == times)
    }

    @Test("several rules, an anchor and bounds make one list of ticks without doubles")
    func several() throws {
        let rules = [try ScheduleRule("0 * * * *"), try ScheduleRule("every 40m")]
        let start = Self.second("2026-01-01T01:00")
        let calendar = ScheduleCalendar(rules, anchor: start + 60, start: start, end: start + 7_200)
        let found = calendar.ticks(after: 0, upTo: .max / 4, limit: 100)
        #expect(found.map { ($0 - start) / 60 } == [0, 1, 41, 60, 81])
        #expect(calendar.last(at: .max / 4, after: 0) == found.last)
        #expect(calendar.last(at: start - 1, after: 0) == nil)
    }

    @Test("a rule whose next day is forty years away is found, one that ended is not")
    func far() throws {
        let rule = try ScheduleRule("0 0 * 2 mon#5")
        let berlin = try ZoneFixtures.zone("Europe/Berlin")
        let calendar = ScheduleCalendar([rule], zone: berlin)
        let next = calendar.next(after: Self.second("2072-03-01T00:00"))
        #expect(next.map(Self.text) == "2112-02-28T23:00")
        var ended = calendar
        ended.end = Self.second("2080-01-01T00:00")
        #expect(ended.next(after: Self.second("2072-03-01T00:00")) == nil)
    }
}
