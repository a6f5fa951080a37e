// What is said when a schedule's rule or a time zone cannot be read.

/// A cron expression, an interval or a time zone that is not well formed.
public struct ScheduleError: Error, Sendable, Hashable {
    /// What is wrong, for people.
    public var message: String
    /// Where, as a byte offset into the text that was read; `nil` when it is not about a place.
    public var offset: Int?
    /// What to do next.
    public var hint: String

    /// Makes an error.
    public init(_ message: String, at offset: Int? = nil, hint: String) {
        self.message = message
        self.offset = offset
        self.hint = hint
    }
}

extension ScheduleError: CustomStringConvertible {
    /// Message, column and hint on one line.
    public var description: String {
        let place = self.offset.map { " (at column \($0 + 1))" } ?? ""
        return "\(self.message)\(place); \(self.hint)"
    }
}
