// Which wall times a cron expression means. Knows days and clocks, no time zones.

/// A cron expression: five fields, or six with the second first.
///
/// The rule for days is that of Vixie's cron: where both the day of the month and the weekday are
/// restricted, a day fits when either does; where one of them begins with `*`, both must.
public struct CronExpression: Sendable, Hashable {
    /// What was written.
    public let source: String
    /// Bit n: second n fits. Only second 0 where five fields were given.
    var seconds: UInt64 = 1
    /// Bit n: minute n fits.
    var minutes: UInt64 = 0
    /// Bit n: hour n fits.
    var hours: UInt64 = 0
    /// Bit n: month n, from 1, fits.
    var months: UInt64 = 0
    var days = Days()

    /// The three fields that say which days of a month fit.
    struct Days: Sendable, Hashable {
        /// Bit n: day n of the month, from 1, fits.
        var ofMonth: UInt64 = 0
        /// Whether the last day of the month fits: `L`.
        var isLastOfMonth = false
        /// Bit n: weekday n, from 0, Sunday, fits.
        var ofWeek: UInt64 = 0
        /// Bit 8·n + w: the n-th weekday w of a month fits: `w#n`; n = 0 means its last: `wL`.
        var nth: UInt64 = 0
        /// Whether the day of the month began with `*`.
        var isAnyOfMonth = false
        /// Whether the weekday began with `*`.
        var isAnyOfWeek = false
    }

    init(source: String) { self.source = source }

    /// Whether every hour of the day fits: then it goes by what clocks show, also when they are
    /// turned back or forward. Otherwise each wall time happens once.
    public var fitsEveryHour: Bool { self.hours == 1 << 24 - 1 }

    /// The first fitting wall time.
    ///
    /// - Parameters:
    ///   - start: Not before this, in seconds since 1970-01-01 00:00 of the same clock.
    ///   - end: Before this.
    /// - Returns: `nil` when there is none.
    public func next(from start: Int64, before end: Int64) -> Int64? {
        var day = start.flooringDivide(by: 86_400)
        var second = Int(start - day * 86_400)
        while day * 86_400 < end {
            let date = CivilDate(day: day)
            if self.months & 1 << date.month == 0 {
                day += date.daysOfMonth - date.day + 1
                second = 0
                continue
            }
            if self.fits(date, day), let time = self.time(from: second) {
                let found = day * 86_400 + Int64(time)
                return found < end ? found : nil
            }
            day += 1
            second = 0
        }
        return nil
    }

    /// The first fitting second of a day, not before `second`.
    private func time(from second: Int) -> Int? {
        var (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60)
        while let nextHour = Self.next(self.hours, from: hour) {
            if nextHour > hour { (hour, minute, rest) = (nextHour, 0, 0) }
            while let nextMinute = Self.next(self.minutes, from: minute) {
                if nextMinute > minute { (minute, rest) = (nextMinute, 0) }
                if let found = Self.next(self.seconds, from: rest) {
                    return hour * 3_600 + minute * 60 + found
                }
                (minute, rest) = (minute + 1, 0)
            }
            (hour, minute, rest) = (hour + 1, 0, 0)
        }
        return nil
    }

    /// The lowest bit that is set, not below `bit`.
    private static func next(_ bits: UInt64, from bit: Int) -> Int? {
        let rest = bit < 64 ? bits >> UInt64(bit) : 0
        return rest == 0 ? nil : bit + rest.trailingZeroBitCount
    }

    private func fits(_ date: CivilDate, _ number: Int64) -> Bool {
        let days = self.days
        let isLast = date.day == date.daysOfMonth
        let ofMonth = days.ofMonth & 1 << date.day != 0 || days.isLastOfMonth && isLast
        let weekday = Int64(CivilDate.weekday(ofDay: number))
        var ofWeek = days.ofWeek & 1 << weekday != 0
        if days.nth != 0 {
            let place = (date.day - 1) / 7 + 1
            ofWeek = ofWeek || days.nth & 1 << (8 * place + weekday) != 0
            let isLastOne = date.day + 7 > date.daysOfMonth
            ofWeek = ofWeek || isLastOne && days.nth & 1 << weekday != 0
        }
        return days.isAnyOfMonth || days.isAnyOfWeek ? ofMonth && ofWeek : ofMonth || ofWeek
    }
}
