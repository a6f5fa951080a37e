// When a schedule ticks: by the calendar, or in even steps.

/// One of a schedule's rules.
public enum ScheduleRule: Sendable, Hashable {
    /// By the calendar and the clocks of the schedule's time zone.
    case cron(CronExpression)
    /// Every so many seconds, counted from the schedule's anchor; clocks do not matter.
    case every(seconds: Int64)

    /// The longest interval: a year.
    public static let secondsMax: Int64 = 366 * 86_400

    /// Reads a rule.
    ///
    /// - Parameter text: A cron expression, or `every` and a length such as `10m` or `1h30m`.
    /// - Throws: ``ScheduleError`` with the place of the mistake.
    public init(_ text: String) throws(ScheduleError) {
        let start = text.utf8.prefix { $0 == 0x20 }.count
        guard text.dropFirst(start).prefix(6).lowercased() == "every " else {
            self = .cron(try CronExpression(text))
            return
        }
        let rest = text.utf8.dropFirst(start + 6)
        var seconds: Int64 = 0
        var number: Int64?
        var offset = start + 6
        for byte in rest {
            let units: [UInt8: Int64] = [0x73: 1, 0x6D: 60, 0x68: 3_600, 0x64: 86_400]
            if byte >= 0x30, byte <= 0x39, number ?? 0 < 100_000_000 {
                number = (number ?? 0) * 10 + Int64(byte - 0x30)
            } else if let unit = units[byte | 0x20], let count = number {
                seconds += count * unit
                number = nil
            } else if byte != 0x20 || number != nil {
                throw Self.unreadable(offset)
            }
            offset += 1
        }
        guard number == nil, (1...Self.secondsMax).contains(seconds) else {
            throw Self.unreadable(start + 6)
        }
        self = .every(seconds: seconds)
    }

    private static func unreadable(_ offset: Int) -> ScheduleError {
        ScheduleError(
            "this is not the length of an interval",
            at: offset,
            hint: "write whole seconds, minutes, hours or days from 1s to 366d, such as 'every 10m'"
        )
    }

    /// What is written for it.
    public var text: String {
        switch self {
        case .cron(let expression): return expression.source
        case .every(var seconds):
            var text = ""
            for (unit, length) in [("d", Int64(86_400)), ("h", 3_600), ("m", 60), ("s", 1)] {
                if seconds >= length { text += "\(seconds / length)\(unit)" }
                seconds %= length
            }
            return "every \(text)"
        }
    }
}
