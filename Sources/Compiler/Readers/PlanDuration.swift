// What a duration in a plan is: one number and one unit.

/// Reads `500ms 2s 5m 1h 1d`.
public enum PlanDuration {
    /// The whole milliseconds of `text`.
    ///
    /// - Parameter text: What somebody wrote.
    /// - Returns: At most a year; `nil` for anything but one number and one unit.
    public static func milliseconds(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 12, let number = Int64(digits) else { return nil }
        let units: [String: Int64] = [
            "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
        ]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (value, isTooLarge) = number.multipliedReportingOverflow(by: unit)
        // A year is longer than anything a plan waits for, and keeps sums of waits in range.
        return isTooLarge || value > 31_536_000_000 ? nil : value
    }
}
