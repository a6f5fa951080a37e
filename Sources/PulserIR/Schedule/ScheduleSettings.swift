// What people say about when a schedule ticks and what becomes of its ticks.

/// The settings of a schedule, as they are stored.
public struct ScheduleSettings: Sendable, Hashable {
    /// Rules of one schedule.
    public static let rulesMax = 32

    /// Cron expressions and intervals; see ``ScheduleRule``.
    public var rules: [String]
    /// The IANA name of the zone whose clocks the expressions mean. Default `UTC`.
    public var zone: String
    /// What intervals count from, in seconds since 1970. Default 0.
    public var anchor: Int64
    /// The first second with a tick; `nil` for no bound.
    public var start: Int64?
    /// The first second without one again; `nil` for no bound.
    public var end: Int64?
    /// How far runs are spread behind their ticks. Default 0.
    public var jitterMilliseconds: Int64
    /// What becomes of missed ticks. Default: one run for all.
    public var misfire: MisfirePolicy
    /// Ticks that were missed longer ago are dropped. Default a day.
    public var catchUpMilliseconds: Int64
    /// How many missed ticks get a run each under ``MisfirePolicy/all``. Default 100.
    public var catchUpMax: Int
    /// What becomes of a tick while a run is open. Default: it is dropped.
    public var overlap: OverlapPolicy

    /// Settings with every default.
    public init(rules: [String], zone: String = "UTC") {
        self.rules = rules
        self.zone = zone
        self.anchor = 0
        self.jitterMilliseconds = 0
        self.misfire = .latest
        self.catchUpMilliseconds = 86_400_000
        self.catchUpMax = 100
        self.overlap = .skip
    }
}
