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

    init(_ row: StoreRow) throws(StoreError) {
        self.succeeded = try row.int64(5)
        self.failed = try row.int64(6)
        self.cancelled = try row.int64(7)
        self.timedOut = try row.int64(8)
        self.runHalf = try row.int64IfPresent(9)
        self.runMost = try row.int64IfPresent(10)
        self.waitHalf = try row.int64IfPresent(11)
        self.waitMost = try row.int64IfPresent(12)
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
        /// For how long the oldest has been ready, in milliseconds.
        public var oldestMilliseconds: Int64
    }

    /// Of each bucket; all that was asked for.
    public var buckets: [StatsFigures]
    /// The lanes with most runs first, at most ``Store/statsGroupsMax``.
    public var lanes: [Lane]
    /// The templates with most runs first, at most ``Store/statsGroupsMax``.
    public var templates: [Template]
    /// Lanes with something ready.
    public var queue: [Queue]
    /// Whether there was more than was looked at.
    public var isPartial: Bool
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
