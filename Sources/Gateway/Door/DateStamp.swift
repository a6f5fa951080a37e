// The date of an answer, written once a second.

import FoundationEssentials
import PulserIR
import Synchronization

/// Writes the `date` field (RFC 9110, 5.6.7).
final class DateStamp: Sendable {
    private struct State {
        var second: Int64 = -1
        var text = ""
    }

    private let state = Mutex(State())

    /// The date as of now.
    func text() -> String {
        let second = Int64(Date().timeIntervalSince1970)
        return self.state.withLock { state in
            if state.second != second { state = State(second: second, text: Self.text(second)) }
            return state.text
        }
    }

    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The date of a second since 1970, as IMF-fixdate.
    static func text(_ second: Int64) -> String {
        let days = second / 86_400
        let rest = second % 86_400
        let date = CivilDate(second: second)
        let weekday = Self.days[Int(days % 7)]
        let time = [rest / 3_600, rest / 60 % 60, rest % 60].map(Self.twoDigits)
            .joined(separator: ":")
        let month = Self.months[Int(date.month) - 1]
        return "\(weekday), \(Self.twoDigits(date.day)) \(month) \(date.year) \(time) GMT"
    }

    private static func twoDigits(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
