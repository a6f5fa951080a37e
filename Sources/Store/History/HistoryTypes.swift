// What the store tells about history: for how long it is kept, and the days there are.

/// What is kept by the day.
public enum HistoryKind: String, Sendable, Hashable, CaseIterable {
    /// Runs that ended, with their journals and artifacts.
    case runs
    /// Lanes' logs.
    case events
}

/// For how long something is kept.
public enum Retention: Sendable, Hashable, CustomStringConvertible {
    /// Nothing is dropped.
    case forever
    /// Whole days, from 1 to ``daysMax``.
    case days(Int)

    /// The longest but for ever.
    public static let daysMax = 36_500

    /// Reads `30d` or `forever`; anything else is `nil`.
    public init?(_ text: String) {
        if text == "forever" {
            self = .forever
            return
        }
        guard text.hasSuffix("d"), let days = Int(text.dropLast()),
            (1...Self.daysMax).contains(days)
        else { return nil }
        self = .days(days)
    }

    init(_ days: Int64?) { self = days.map { .days(Int($0)) } ?? .forever }

    /// `30d` or `forever`.
    public var description: String {
        switch self {
        case .forever: "forever"
        case .days(let days): "\(days)d"
        }
    }

    /// How many days; `nil` for ever.
    public var days: Int? { if case .days(let days) = self { days } else { nil } }

    var number: Int32? { if case .days(let days) = self { Int32(days) } else { nil } }
}

/// For how long history is kept.
public struct RetentionSettings: Sendable, Hashable {
    /// Runs that ended, by the day of their end.
    public var runs: Retention
    /// Events, by the day they were stored on.
    public var events: Retention
    /// Rises with every change.
    public var revision: Int64

    init(_ row: StoreRow) throws(StoreError) {
        self.runs = Retention(try row.int64IfPresent(0))
        self.events = Retention(try row.int64IfPresent(1))
        self.revision = try row.int64(2)
    }

    /// For how long a kind is kept.
    public subscript(kind: HistoryKind) -> Retention {
        switch kind {
        case .runs: self.runs
        case .events: self.events
        }
    }
}

/// A day of history.
public struct HistoryPart: Sendable, Hashable {
    /// What it holds.
    public var kind: HistoryKind
    /// Its table.
    public var name: String
    /// Whether it is not asked for any more, and being removed.
    public var isGone: Bool
    /// The day, as `2026-11-21`; `nil` for what fits no day.
    public var day: String?
    /// The day's beginning, in milliseconds since 1970.
    public var dayMilliseconds: Int64?
    /// About how many runs or chunks of events.
    public var rows: Int64
    /// On disk, with its indexes.
    public var bytes: Int64

    init(_ row: StoreRow) throws(StoreError) {
        guard let kind = HistoryKind(rawValue: try row.text(0)) else {
            throw StoreError(.corrupt, "a day of history is of a kind this version does not know")
        }
        self.kind = kind
        self.name = try row.text(1)
        self.isGone = try row.bool(2)
        self.day = try row.textIfPresent(3)
        self.dayMilliseconds = try row.int64IfPresent(4)
        self.rows = try row.int64(5)
        self.bytes = try row.int64(6)
    }
}
