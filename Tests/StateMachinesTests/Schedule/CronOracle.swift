// Cron the slow way, for comparing: looks at every minute, knows only sets of numbers.

import PulserIR
import TestKit

/// Random expressions with what each field means, and the ticks by looking at every minute.
struct CronOracle {
    var text: String
    private var minutes: Set<Int64>
    private var hours: Set<Int64>
    private var days: Set<Int64>
    private var months: Set<Int64>
    private var weekdays: Set<Int64>
    private var isEither: Bool

    /// Draws an expression.
    init(_ random: inout SeededGenerator) {
        let minute = Self.field(0...59, open: 20, &random)
        let hour = Self.field(0...23, open: 30, &random)
        let day = Self.field(1...31, open: 70, &random)
        let month = Self.field(1...12, open: 80, &random)
        let weekday = Self.field(0...6, open: 70, &random)
        self.minutes = minute.set
        self.hours = hour.set
        self.days = day.set
        self.months = month.set
        self.weekdays = weekday.set
        self.isEither = !day.text.hasPrefix("*") && !weekday.text.hasPrefix("*")
        self.text = [minute, hour, day, month, weekday].map(\.text).joined(separator: " ")
    }

    private static func field(
        _ range: ClosedRange<Int64>,
        open: Int,
        _ random: inout SeededGenerator
    ) -> (text: String, set: Set<Int64>) {
        if random.chance(open) { return ("*", Set(range)) }
        if random.chance(20) {
            let step = Int64.random(in: 2...max(2, range.upperBound / 2), using: &random)
            return (
                "*/\(step)",
                Set(stride(from: range.lowerBound, through: range.upperBound, by: Int(step)))
            )
        }
        var set: Set<Int64> = []
        var items: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            // Clocks change at night: early hours are drawn more often.
            let top = range.upperBound == 23 && random.chance(70) ? 4 : range.upperBound
            let low = Int64.random(in: range.lowerBound...top, using: &random)
            if random.chance(30) {
                let high = Int64.random(in: low...range.upperBound, using: &random)
                let step = Int64.random(in: 1...4, using: &random)
                items.append(step == 1 ? "\(low)-\(high)" : "\(low)-\(high)/\(step)")
                set.formUnion(stride(from: low, through: high, by: Int(step)))
            } else {
                items.append("\(low)")
                set.insert(low)
            }
        }
        return (items.joined(separator: ","), set)
    }

    private func fits(_ wall: Int64) -> Bool {
        let date = CivilDate(second: wall)
        let second = wall - date.number * 86_400
        let isDay =
            self.isEither
            ? self.days.contains(date.day) || self.weekdays.contains(Int64(date.weekday))
            : self.days.contains(date.day) && self.weekdays.contains(Int64(date.weekday))
        return isDay && self.months.contains(date.month) && self.hours.contains(second / 3_600)
            && self.minutes.contains(second / 60 % 60)
    }

    /// Every tick of a stretch, minute by minute.
    func ticks(after lower: Int64, upTo upper: Int64, zone: TimeZoneRules) -> [Int64] {
        var ticks: [Int64] = []
        var minute = (lower - 3 * 86_400).flooringDivide(by: 60) * 60
        // The next wall time that no clock has shown yet.
        var fresh = minute + zone.offset(at: minute)
        while minute <= upper {
            let wall = minute + zone.offset(at: minute)
            var isTick = self.hours.count == 24 && self.fits(wall)
            while fresh <= wall {
                if self.hours.count < 24, self.fits(fresh) { isTick = true }
                fresh += 60
            }
            if isTick, minute > lower { ticks.append(minute) }
            minute += 60
        }
        return ticks
    }
}
