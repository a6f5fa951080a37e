// What the store tells about a run.

public import PulserIR

/// A run.
public struct RunRow: Sendable, Hashable {
    /// Its identity.
    public var id: RunID
    /// Its lane's number.
    public var lane: Int64
    /// Its session's name.
    public var sessionName: String
    /// Its lane's name.
    public var laneName: String
    /// Its plan.
    public var planDigest: Digest
    /// Its plan's name.
    public var planName: String
    /// Where it is in its life.
    public var status: RunStatus
    /// Higher goes first inside its lane.
    public var priority: Int
    /// Its inputs, canonical JSON.
    public var inputs: String
    /// How often it was started by hand, from 1.
    public var attempt: Int
    /// How often it retried by itself in this attempt.
    public var retryCount: Int
    /// The number of its latest claim.
    public var claimNumber: Int64
    /// How deep it lies inside other runs; 0 for a run of its own.
    public var depth: Int
    /// The run it is a child of.
    public var parent: RunID?
    /// Its outputs as JSON, when it has succeeded.
    public var outputs: String?
    /// Why it did not succeed, one sentence.
    public var failure: String?
    /// What it waits for.
    public var waitReason: String?
    /// The number of its first event in its lane's log.
    public var firstSequence: Int64?
    /// The number of its last event.
    public var lastSequence: Int64?
    /// Milliseconds since 1970.
    public var enqueuedMilliseconds: Int64
    /// Milliseconds since 1970.
    public var startedMilliseconds: Int64?
    /// Milliseconds since 1970.
    public var finishedMilliseconds: Int64?
    /// What somebody asked of it and its owner has not done yet.
    public var request: String?
    /// The key under which it was enqueued, if any.
    public var idempotencyKey: String?
    /// Who paused it; `nil` when it is not paused.
    public var pausedBy: String?
    /// The template it was made from, if from one.
    public var template: String?
    /// Whom or what it is for; '' for nothing.
    public var key: String
    /// What makes it the only one of its kind, if anything does.
    public var unique: Uniqueness?
    /// When it joins its lane's queue, or begins its next attempt, in milliseconds since 1970; `nil` for
    /// a run that is not put off.
    public var dueMilliseconds: Int64?
    /// Since when it could have begun, had its lane had room; after a retry since then. In milliseconds
    /// since 1970; lies ahead for a run that is put off.
    public var readyMilliseconds: Int64

    init(_ row: StoreRow) throws(StoreError) {
        guard let digest = Digest(bytes: try row.bytes(4)) else {
            throw StoreError(.corrupt, "a run's plan digest cannot be read")
        }
        guard let status = RunStatus(rawValue: try row.text(6)) else {
            throw StoreError(.corrupt, "a run has a status this version does not know")
        }
        self.id = RunID(try row.int64(0))
        self.lane = try row.int64(1)
        self.sessionName = try row.text(2)
        self.laneName = try row.text(3)
        self.planDigest = digest
        self.planName = try row.text(5)
        self.status = status
        self.priority = try row.int(7)
        self.inputs = try row.text(8)
        self.attempt = try row.int(9)
        self.retryCount = try row.int(10)
        self.claimNumber = try row.int64(11)
        self.depth = try row.int(12)
        self.parent = try row.int64IfPresent(13).map(RunID.init(_:))
        self.outputs = try row.textIfPresent(14)
        self.failure = try row.textIfPresent(15)
        self.waitReason = try row.textIfPresent(16)
        self.firstSequence = try row.int64IfPresent(17)
        self.lastSequence = try row.int64IfPresent(18)
        self.enqueuedMilliseconds = try row.int64(19)
        self.startedMilliseconds = try row.int64IfPresent(20)
        self.finishedMilliseconds = try row.int64IfPresent(21)
        self.request = try row.textIfPresent(22)
        self.idempotencyKey = try row.textIfPresent(23)
        self.pausedBy = try row.textIfPresent(24)
        self.template = try row.textIfPresent(25)
        self.key = try row.text(26)
        self.unique = Uniqueness(
            stored: try row.textIfPresent(27),
            period: try row.int64IfPresent(28)
        )
        self.dueMilliseconds = try row.int64IfPresent(29)
        self.readyMilliseconds = try row.int64(30)
    }
}

/// A run to enqueue.
public struct NewRun: Sendable, Hashable {
    /// Its lane's number.
    public var lane: Int64
    /// Its plan.
    public var planDigest: Digest
    /// Its inputs, canonical JSON.
    public var inputs: String
    /// Higher goes first inside its lane. Default 0.
    public var priority: Int
    /// How long it waits before it is ready.
    public var delayMilliseconds: Int64
    /// A second run with the same key in the same lane is not made.
    public var idempotencyKey: String?
    /// The run it is a child of.
    public var parent: RunID?
    /// How deep it lies inside other runs.
    public var depth: Int
    /// Whom or what it is for: keys of a lane take turns. Default: none.
    public var key: String
    /// Bytes of a key.
    public static let keyBytesMax = 200
    /// What makes it the only one of its kind; `nil` for nothing.
    public var unique: Uniqueness?
    /// The template it is made from, where ``Store/startAll(_:plans:startedBy:key:)`` makes it.
    public var template: String?

    /// Describes a run.
    public init(
        lane: Int64,
        planDigest: Digest,
        inputs: String = "{}",
        priority: Int = 0,
        delayMilliseconds: Int64 = 0,
        idempotencyKey: String? = nil,
        parent: RunID? = nil,
        depth: Int = 0,
        key: String = "",
        unique: Uniqueness? = nil
    ) {
        self.lane = lane
        self.planDigest = planDigest
        self.inputs = inputs
        self.priority = priority
        self.delayMilliseconds = delayMilliseconds
        self.idempotencyKey = idempotencyKey
        self.parent = parent
        self.depth = depth
        self.key = key
        self.unique = unique
    }
}

/// Which runs to list; `nil` and empty mean any.
public struct RunFilter: Sendable, Hashable {
    /// Statuses.
    public var statuses: [RunStatus]
    /// A session's name.
    public var session: String?
    /// A lane's name.
    public var lane: String?
    /// Whom or what they are for.
    public var key: String?
    /// Only runs older than this one: the page before it.
    public var before: RunID?
    /// At most so many. Default 20.
    public var limit: Int

    /// Makes a filter.
    public init(
        statuses: [RunStatus] = [],
        session: String? = nil,
        lane: String? = nil,
        key: String? = nil,
        before: RunID? = nil,
        limit: Int = 20
    ) {
        self.statuses = statuses
        self.session = session
        self.lane = lane
        self.key = key
        self.before = before
        self.limit = limit
    }
}
