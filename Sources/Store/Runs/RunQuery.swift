// Which runs somebody means, and what a page of them is.

public import PulserIR

/// What a choice of runs says of paused ones, which are open.
public enum PausedRuns: String, Sendable, Hashable {
    /// Nothing.
    case any
    /// They alone are meant, as far as their status is.
    case only
    /// They are meant too, whatever their status is.
    case too
}

/// A choice of runs; `nil` and empty mean any.
public struct RunQuery: Sendable, Hashable {
    /// Statuses.
    public var statuses: [RunStatus] = []
    /// What is meant of paused runs.
    public var paused = PausedRuns.any
    /// Only what failed for good and nobody put aside; beside it statuses are those of such runs.
    public var isDead = false
    /// A session's name or number.
    public var session: String?
    /// A lane's name or number.
    public var lane: String?
    /// Whom or what they are for.
    public var key: String?
    /// The template they were made from.
    public var template: String?
    /// Their plan's name, or its digest as `sha256:…`.
    public var plan: String?
    /// The run they are children of.
    public var parent: RunID?
    /// Part of the plan's name, the failure or the inputs, in any case, or the beginning of the id.
    public var text: String?
    /// Enqueued at this time or later, in milliseconds since 1970.
    public var enqueuedFrom: Int64?
    /// Enqueued before this time.
    public var enqueuedBefore: Int64?
    /// Ended at this time or later.
    public var finishedFrom: Int64?
    /// Ended before this time.
    public var finishedBefore: Int64?
    /// These runs; empty for any.
    public var runs: [RunID] = []
    /// Leaves out what a schedule made and what succeeded.
    public var isQuiet = false

    /// Means every run.
    public init() {}

    /// Whether rows must be read to know: then a page looks at a bounded stretch of them.
    public var isSearch: Bool { self.text != nil || self.plan != nil || self.isQuiet }
}

/// Some rows of a list.
public struct Page<Row: Sendable>: Sendable {
    /// The rows.
    public var rows: [Row]
    /// Where the next page begins; `nil` when this is the last.
    public var next: Int64?

    /// Describes a page.
    public init(rows: [Row], next: Int64?) {
        self.rows = rows
        self.next = next
    }
}

/// How many there are, as far as was counted.
public struct BoundedCount: Sendable, Hashable {
    /// So many, or more.
    public var count: Int64
    /// Whether there are no more.
    public var isExact: Bool

    /// Describes a count.
    public init(count: Int64, isExact: Bool) {
        self.count = count
        self.isExact = isExact
    }
}
