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
