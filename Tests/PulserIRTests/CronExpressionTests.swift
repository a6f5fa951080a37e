// Cron expressions: what they mean, and how a mistake in one is told.

import PulserIR
import TestKit
import Testing

@Suite("Cron expressions")
struct CronExpressionTests {
    /// Seconds from 1970 to the beginning of 2026, a Thursday.
    private static let year2026: Int64 = 1_767_225_600

    /// Days of 2026 and times of the first of them on which an expression fits.
    private static func fits(_ text: String, days: Int64 = 365) throws -> [String] {
        let expression = try CronExpression(text)
        var found: [String] = []
        var moment = Self.year2026
        while let next = expression.next(from: moment, before: Self.year2026 + days * 86_400),
            found.count < 6
        {
            let date = CivilDate(second: next)
            let second = next - date.number * 86_400
            found.append(
                "\(date.month)-\(date.day) \(second / 3_600):\(second / 60 % 60):\(second % 60)"
            )
            moment = next + 1
        }
        return found
    }

    @Test(
        "an expression means these times",
        arguments: [
            ("0 0 L * *", ["1-31 0:0:0", "2-28 0:0:0", "3-31 0:0:0"]),
            ("0 0 * * friL", ["1-30 0:0:0", "2-27 0:0:0", "3-27 0:0:0"]),
            ("0 0 * * 5#2", ["1-9 0:0:0", "2-13 0:0:0", "3-13 0:0:0"]),
            ("0 12 13 * fri", ["1-2 12:0:0", "1-9 12:0:0", "1-13 12:0:0"]),
            ("0 12 */13 * thu", ["1-1 12:0:0", "5-14 12:0:0", "8-27 12:0:0"]),
            ("30 6 * * Mon-Fri", ["1-1 6:30:0", "1-2 6:30:0", "1-5 6:30:0"]),
            ("0 0 * * 7", ["1-4 0:0:0", "1-11 0:0:0", "1-18 0:0:0"]),
            ("0 0 * * sat-sun", ["1-3 0:0:0", "1-4 0:0:0", "1-10 0:0:0"]),
            ("5/20 22,23 1 feb,DEC ?", ["2-1 22:5:0", "2-1 22:25:0", "2-1 22:45:0"]),
            ("*/30 0-30/15 4 2 1 *", ["1-2 4:0:0", "1-2 4:0:30", "1-2 4:15:0"]),
            ("@weekly", ["1-4 0:0:0", "1-11 0:0:0", "1-18 0:0:0"]),
            ("@monthly", ["1-1 0:0:0", "2-1 0:0:0", "3-1 0:0:0"]),
            ("@hourly", ["1-1 0:0:0", "1-1 1:0:0", "1-1 2:0:0"]),
        ]
    )
    func meaning(text: String, times: [String]) throws {
        #expect(Array(try Self.fits(text).prefix(3)) == times)
    }

    @Test("the twenty-ninth of February and a fifth Monday in February are found")
    func rare() throws {
        let leap = try CronExpression("0 0 29 2 *").next(from: Self.year2026, before: .max / 2)
        #expect(leap.map { CivilDate(second: $0).year } == 2028)
        let fifth = try CronExpression("0 0 * 2 mon#5").next(from: Self.year2026, before: .max / 2)
        #expect(fifth.map { CivilDate(second: $0).year } == 2044)
    }

    @Test(
        "a mistake is told with its place and a next step",
        arguments: [
            ("* * * *", 7, "five fields"), ("* * * * * * *", 12, "five fields"),
            ("60 * * * *", 0, "minute 60"), ("* 24 * * *", 2, "hour 24"),
            ("0 0 0 * *", 4, "day of month 0"), ("0 0 * 13 *", 6, "month 13"),
            ("0 0 * * 8", 8, "weekday 8"), ("0 0 * jna *", 6, "'jna'"),
            ("0,x * * * *", 2, "'x'"), ("0 5-3 * * *", 2, "ends before it begins"),
            ("*/0 * * * *", 2, "step"), ("1-/2 * * * *", 2, "missing"),
            ("0, * * * *", 2, "missing"),
            ("0 0 31 2,4 *", 4, "no day fits"), ("@reboot", 0, "not known"),
            ("@every 5m", 0, "stands alone"), ("0 0 * * fri#6", 12, "place in a month"),
            ("? * * * *", 0, "'?'"), ("0 0 15w * *", 4, "'15w'"), ("", 0, "five fields"),
        ]
    )
    func mistakes(text: String, offset: Int, words: String) {
        let error = #expect(throws: ScheduleError.self) { try CronExpression(text) }
        #expect(error?.offset == offset)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.hint.isEmpty == false)
    }

    @Test("intervals are read, written back, and refused with their place")
    func intervals() throws {
        for (text, seconds) in [
            ("every 10m", 600), ("every 1h30m", 5_400), (" Every 1d 1s", 86_401),
        ] {
            let rule = try ScheduleRule(text)
            #expect(rule == .every(seconds: Int64(seconds)))
            #expect(try ScheduleRule(rule.text) == rule)
        }
        #expect(try ScheduleRule("0 4 * * *").text == "0 4 * * *")
        for (text, offset) in [
            ("every 0s", 6), ("every 5", 6), ("every 5x", 7), ("every ", 6), ("every 367d", 6),
            ("every 99999999999s", 15), ("every 5 m", 7),
        ] {
            let error = #expect(throws: ScheduleError.self) { try ScheduleRule(text) }
            #expect(error?.offset == offset, "\(text)")
        }
    }

    @Test("no text brings the reader down")
    func noise() {
        var random = SeededGenerator(seed: 11)
        let parts = [
            "*", "*/2", "1", "1-5", "1,2", "?", "fri", "l", "0", "7", "59", "#2", "-", "/", "jan",
            "é", "9999",
        ]
        var read = 0
        for _ in 0..<20_000 {
            let fields = (0..<Int.random(in: 4...7, using: &random)).map { _ in
                random.pick(parts) + (random.chance(10) ? random.pick(parts) : "")
            }
            let text = fields.joined(separator: " ")
            if (try? ScheduleRule(text)) != nil { read += 1 }
        }
        #expect(read > 0)
    }
}
