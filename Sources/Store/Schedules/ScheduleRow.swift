// A schedule as the store keeps it, and what people say to make or change one.

public import PulserIR

/// What people say about a schedule.
public struct NewSchedule: Sendable, Hashable {
    /// Its name, unique.
    public var name: String
    /// One line for people.
    public var title: String
    /// The lane's number.
    public var lane: Int64
    /// The template whose plan its runs have; `nil` when it has one plan.
    public var template: String?
    /// The plan of its runs; `nil` when it goes by a template.
    public var plan: Digest?
    /// Given inputs, canonical JSON; defaults are filled in when a run is made.
    public var inputs: String
    /// Higher goes first inside its lane.
    public var priority: Int
    /// Whom or what its runs are for: keys of a lane take turns.
    public var key = ""
    /// How long a run waits from its tick's moment on before it is ready.
    public var delayMilliseconds: Int64 = 0
    /// Until when each run must have begun or ended; without a moment that is the same for all.
    public var deadline = RunDeadline()
    /// What makes each run the only one of its kind; an empty key means its plan and inputs.
    public var unique: Uniqueness?
    /// When it ticks, and what becomes of its ticks.
    public var settings: ScheduleSettings
    /// Who makes or changes it: the runs of its ticks are started by that person.
    public var person: String

    /// Describes a schedule.
    public init(
        name: String,
        title: String = "",
        lane: Int64,
        template: String? = nil,
        plan: Digest? = nil,
        inputs: String = "{}",
        priority: Int = 0,
        settings: ScheduleSettings,
        by person: String
    ) {
        self.name = name
        self.title = title
        self.lane = lane
        self.template = template
        self.plan = plan
        self.inputs = inputs
        self.priority = priority
        self.settings = settings
        self.person = person
    }
}

/// A schedule as it is stored.
public struct ScheduleRow: Sendable, Hashable {
    /// Its number.
    public var id: Int64
    /// What people said about it.
    public var said: NewSchedule
    /// Its session's name.
    public var session: String
    /// Its lane's name.
    public var lane: String
    /// Rises with every edit.
    public var revision: Int64
    /// Who paused it; `nil` when it is not paused.
    public var pausedBy: String?
    /// When, in milliseconds since 1970.
    public var pausedMilliseconds: Int64?
    /// Why.
    public var pauseReason: String?
    /// Rises with whatever is decided about it.
    public var moveNumber: Int64
    /// The last tick that was decided about, or from when on it ticks, in seconds since 1970.
    public var cursor: Int64
    /// Ticks that got no run.
    public var dropped: Int64
    /// When a tick was last dropped.
    public var lastDropMilliseconds: Int64?
    /// Why; see ``TickDrop``.
    public var lastDrop: String?
    /// When it was made.
    public var createdMilliseconds: Int64
    /// When it was changed.
    public var updatedMilliseconds: Int64
    /// `active`, or how its session ended.
    public var sessionStatus: String
    /// The plan that a run would have now; `nil` when its template is gone.
    public var plan: Digest?
    /// The database's time when it was read, in milliseconds since 1970.
    public var nowMilliseconds: Int64
    /// Whether a run of it has not ended.
    public var hasOpenRun: Bool

    init(_ row: StoreRow) throws(StoreError) {
        func second(_ column: Int) throws(StoreError) -> Int64? {
            try row.int64IfPresent(column).map { $0.flooringDivide(by: 1_000) }
        }
        guard let misfire = MisfirePolicy(rawValue: try row.text(16)),
            let overlap = OverlapPolicy(rawValue: try row.text(19))
        else { throw StoreError(.corrupt, "a schedule's policies cannot be read") }
        let rules = try row.text(10).split(separator: "\n").map(String.init)
        var settings = ScheduleSettings(rules: rules, zone: try row.text(11))
        settings.anchor = try second(12) ?? 0
        settings.start = try second(13)
        settings.end = try second(14)
        settings.jitterMilliseconds = try row.int64(15)
        settings.misfire = misfire
        settings.catchUpMilliseconds = try row.int64(17)
        settings.catchUpMax = try row.int(18)
        settings.overlap = overlap
        self.id = try row.int64(0)
        self.said = NewSchedule(
            name: try row.text(1),
            title: try row.text(2),
            lane: try row.int64(5),
            template: try row.textIfPresent(6),
            plan: try row.bytesIfPresent(7).flatMap { Digest(bytes: $0) },
            inputs: try row.text(8),
            priority: try row.int(9),
            settings: settings,
            by: try row.text(35)
        )
        self.said.key = try row.text(36)
        self.said.delayMilliseconds = try row.int64(37)
        self.said.deadline = RunDeadline(
            startMilliseconds: try row.int64IfPresent(38),
            runMilliseconds: try row.int64IfPresent(39)
        )
        self.said.unique = try Uniqueness(row, from: 40)
        self.session = try row.text(3)
        self.lane = try row.text(4)
        self.revision = try row.int64(20)
        self.pausedBy = try row.textIfPresent(21)
        self.pausedMilliseconds = try row.int64IfPresent(22)
        self.pauseReason = try row.textIfPresent(23)
        self.moveNumber = try row.int64(24)
        self.cursor = try second(25) ?? 0
        self.dropped = try row.int64(26)
        self.lastDropMilliseconds = try row.int64IfPresent(27)
        self.lastDrop = try row.textIfPresent(28)
        self.createdMilliseconds = try row.int64(29)
        self.updatedMilliseconds = try row.int64(30)
        self.sessionStatus = try row.text(31)
        self.plan = try row.bytesIfPresent(32).flatMap { Digest(bytes: $0) }
        self.nowMilliseconds = try row.int64(33)
        self.hasOpenRun = try row.bool(34)
    }
}

extension Uniqueness {
    /// What a schedule says of its runs: five columns from the `first` on.
    fileprivate init?(_ row: StoreRow, from first: Int) throws(StoreError) {
        guard let key = try row.textIfPresent(first) else { return nil }
        guard let scope = Scope(rawValue: try row.text(first + 1)),
            let policy = Conflict(rawValue: try row.text(first + 3))
        else { throw StoreError(.corrupt, "a schedule's unique key cannot be read") }
        self.init(
            key: key,
            scope: scope,
            periodMilliseconds: try row.int64IfPresent(first + 2),
            onConflict: policy,
            debounceMilliseconds: try row.int64(first + 4)
        )
    }
}

/// A run that a schedule made.
public struct ScheduledRun: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// Its tick, or when a person asked for it, in milliseconds since 1970.
    public var tickMilliseconds: Int64
    /// Whether a person asked for it at that moment.
    public var isManual: Bool
}

/// The schedule of a run.
public struct RunSchedule: Sendable, Hashable {
    /// The schedule's number.
    public var id: Int64
    /// Its name; `nil` when it is deleted.
    public var name: String?
    /// The run's tick, in milliseconds since 1970.
    public var tickMilliseconds: Int64
    /// Whether a person asked for it at that moment.
    public var isManual: Bool
}
