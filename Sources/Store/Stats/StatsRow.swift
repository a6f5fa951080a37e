// What the store tells about many runs: how they ended, how long they took, how long they waited.

/// How some runs ended.
public struct StatsFigures: Sendable, Hashable {
    /// Runs of which every step ended well.
    public var succeeded: Int64
    /// Runs of which one failed for good.
    public var failed: Int64
    /// Runs that somebody ended.
    public var cancelled: Int64
    /// Runs whose time was over.
    public var timedOut: Int64
    /// From the beginning to the end: half of them took no longer. Milliseconds.
    public var runHalf: Int64?
    /// The same of 95 in a hundred.
    public var runMost: Int64?
    /// From being ready to the beginning: half of them waited no longer. Milliseconds.
    public var waitHalf: Int64?
    /// The same of 95 in a hundred.
    public var waitMost: Int64?

    /// Nothing ended.
    public init() {
        self.succeeded = 0
        self.failed = 0
        self.cancelled = 0
        self.timedOut = 0
    }

    /// How many ended, of a row of ``StatsSQL/counts``.
    init(counts row: StoreRow) throws(StoreError) {
        self.succeeded = try row.int64(5)
        self.failed = try row.int64(6)
        self.cancelled = try row.int64(7)
        self.timedOut = try row.int64(8)
    }

    /// Takes the times over that a row of ``StatsSQL/times`` tells.
    mutating func take(times row: StoreRow) throws(StoreError) {
        self.runHalf = try row.int64IfPresent(5)
        self.runMost = try row.int64IfPresent(6)
        self.waitHalf = try row.int64IfPresent(7)
        self.waitMost = try row.int64IfPresent(8)
    }

    /// Adds how many ended.
    mutating func add(_ other: StatsFigures) {
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.cancelled += other.cancelled
        self.timedOut += other.timedOut
    }

    /// How many ended.
    public var count: Int64 { self.succeeded + self.failed + self.cancelled + self.timedOut }
}

/// What ended in a time, and what is queued now.
public struct StatsRow: Sendable, Hashable {
    /// A lane's runs.
    public struct Lane: Sendable, Hashable {
        /// Its session's name.
        public var session: String
        /// Its name.
        public var lane: String
        /// How they ended.
        public var figures: StatsFigures

        init(_ session: String, _ lane: String) {
            self.session = session
            self.lane = lane
            self.figures = StatsFigures()
        }
    }

    /// A template's runs, or those of a plan without one.
    public struct Template: Sendable, Hashable {
        /// Its name.
        public var template: String?
        /// Its plan's name.
        public var plan: String
        /// How they ended.
        public var figures: StatsFigures
    }

    /// What a lane has ready.
    public struct Queue: Sendable, Hashable {
        /// Its session's name.
        public var session: String
        /// Its name.
        public var lane: String
        /// How many, counted up to ``Store/boardCountMax``.
        public var queued: Int64
        /// Whether there are more.
        public var isMore: Bool
        /// For how long the oldest has been ready, in milliseconds: at least so long where there are more
        /// than were counted.
        public var oldestMilliseconds: Int64
    }

    /// Of each bucket; all that was asked for. `nil` of those that were not reached, the oldest.
    public var buckets: [StatsFigures?]
    /// The lanes with most runs first, at most ``Store/statsGroupsMax``; of the buckets that were reached.
    public var lanes: [Lane]
    /// The templates with most runs first, at most ``Store/statsGroupsMax``; of the same buckets.
    public var templates: [Template]
    /// Lanes with something ready, at most ``Store/statsQueuesMax``; whatever template their runs are of.
    public var queue: [Queue]
    /// Whether there are more lanes.
    public var lanesAreMore: Bool
    /// Whether there are more templates.
    public var templatesAreMore: Bool
    /// Whether there are more lanes with something ready.
    public var queueIsMore: Bool
    /// Whether there was more than could be counted.
    public var isPartial: Bool
    /// Whether times are those of a sample, spread evenly over all that was counted.
    public var isSampled: Bool
}

/// What statistics are asked for.
public struct StatsQuery: Sendable, Hashable {
    /// When the first bucket begins, in milliseconds since 1970.
    public var fromMilliseconds: Int64
    /// How long a bucket is.
    public var bucketMilliseconds: Int64
    /// How many there are.
    public var buckets: Int
    /// Only of this session, its name or number.
    public var session: String?
    /// Only of lanes with this name or number.
    public var lane: String?
    /// Only of this template; does not count for what is queued.
    public var template: String?

    /// Describes a question.
    public init(
        fromMilliseconds: Int64,
        bucketMilliseconds: Int64,
        buckets: Int,
        session: String? = nil,
        lane: String? = nil,
        template: String? = nil
    ) {
        self.fromMilliseconds = fromMilliseconds
        self.bucketMilliseconds = bucketMilliseconds
        self.buckets = buckets
        self.session = session
        self.lane = lane
        self.template = template
    }
}
