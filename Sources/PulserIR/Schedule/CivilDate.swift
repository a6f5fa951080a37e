// Which day of the calendar a second belongs to, and back. Proleptic Gregorian, by arithmetic.

/// A day of the calendar.
package struct CivilDate: Sendable, Hashable {
    /// The year; 0 is the one before year 1.
    package var year: Int64
    /// From 1.
    package var month: Int64
    /// From 1.
    package var day: Int64

    /// The day of a second since 1970.
    package init(second: Int64) { self.init(day: second.flooringDivide(by: 86_400)) }

    /// The day with this number, counted from 1970-01-01 on.
    package init(day number: Int64) {
        // Days since 0000-03-01, in eras of 400 years.
        let shifted = number + 719_468
        let era = shifted.flooringDivide(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
    }

    /// A day by its names; the day may be past the month's end and then is one of the next month.
    package init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Its number, counted from 1970-01-01 on.
    package var number: Int64 {
        let year = self.month <= 2 ? self.year - 1 : self.year
        let era = year.flooringDivide(by: 400)
        let yearOfEra = year - era * 400
        let shiftedMonth = self.month > 2 ? self.month - 3 : self.month + 9
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + self.day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// From 0, Sunday.
    package var weekday: Int { Self.weekday(ofDay: self.number) }

    /// The weekday of a day's number, from 0, Sunday.
    package static func weekday(ofDay number: Int64) -> Int {
        let shifted = number + 4
        return Int(shifted - shifted.flooringDivide(by: 7) * 7)
    }

    /// How many days its month has.
    package var daysOfMonth: Int64 {
        switch self.month {
        case 2: Self.isLeap(self.year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Whether a year has 366 days.
    package static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }
}

extension Int64 {
    /// The quotient, rounded down.
    package func flooringDivide(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
