// How a moment reads in the API: RFC 3339, UTC, milliseconds.

public import PulserIR

extension JSONValue {
    /// A moment, such as `2026-11-21T09:30:00.250Z`; `null` for none.
    ///
    /// - Parameter milliseconds: Since 1970.
    /// - Returns: The text.
    public static func moment(_ milliseconds: Int64?) -> JSONValue {
        guard let milliseconds else { return .null }
        let second = milliseconds.flooringDivide(by: 1_000)
        let date = CivilDate(second: second)
        let rest = second - second.flooringDivide(by: 86_400) * 86_400
        let time = [rest / 3_600, rest / 60 % 60, rest % 60].map { Self.digits($0, 2) }
            .joined(separator: ":")
        let day = [Self.digits(date.year, 4), Self.digits(date.month, 2), Self.digits(date.day, 2)]
            .joined(separator: "-")
        let fraction = Self.digits(milliseconds - second * 1_000, 3)
        return .string("\(day)T\(time).\(fraction)Z")
    }

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}

/// A day of the calendar.
struct CivilDate {
    var year: Int64
    var month: Int64
    var day: Int64

    /// The day of a second since 1970.
    init(second: Int64) {
        // Days since 0000-03-01, in eras of 400 years: the civil calendar by arithmetic.
        let shifted = second.flooringDivide(by: 86_400) + 719_468
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
}

extension Int64 {
    /// The quotient, rounded down.
    func flooringDivide(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
