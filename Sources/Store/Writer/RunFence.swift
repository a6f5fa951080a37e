// What every write of a run carries so that it can be refused when it is old.

public import PulserIR

/// A run together with the right to write about it.
public struct RunFence: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// Its lane.
    public var lane: Int64
    /// The shard that owns the lane, at the generation this node has.
    public var shard: OwnedShard
    /// The number of this node's claim on the run.
    public var claimNumber: Int64

    /// Makes a fence.
    public init(run: RunID, lane: Int64, shard: OwnedShard, claimNumber: Int64) {
        self.run = run
        self.lane = lane
        self.shard = shard
        self.claimNumber = claimNumber
    }
}

/// Which version of its row a run was when somebody read it; every change makes another one.
public struct RunVersion: Sendable, Hashable {
    /// As the database tells it: the number of the transaction that wrote the row.
    let text: String
    /// When it was read, and work on it began.
    let readAt: ContinuousClock.Instant
    /// Where its events begin, when some are in the log although what they were sent with was refused.
    public var firstSequence: Int64?

    /// Microseconds since then.
    var age: Int64 { Int64((ContinuousClock.now - self.readAt) / .microseconds(1)) }
}

/// How a run moves on.
public struct RunTransition: Sendable, Hashable {
    /// The new status.
    public var status: RunStatus
    /// How often the run retried by itself.
    public var retryCount: Int
    /// Why it did not succeed.
    public var failure: String?
    /// What it waits for.
    public var waitReason: String?
    /// When the run's next attempt begins; `nil` when it waits for none.
    public var nextAttempt: NextAttempt?
    /// Its outputs as JSON.
    public var outputs: String?
    /// Where its events begin in its lane's log; `nil` where the claim is stored along, and they begin with
    /// those beside it.
    public var firstSequence: Int64?
    /// Where they end so far; the writer raises it to the last event of the same submission.
    public var lastSequence: Int64
    /// Whether the run may have rows in the step journal; means something at its end. Without them
    /// the results sent along go straight to where ended runs keep theirs. Default true.
    public var hasJournal: Bool

    /// Describes a transition.
    public init(
        status: RunStatus,
        retryCount: Int,
        failure: String? = nil,
        waitReason: String? = nil,
        nextAttempt: NextAttempt? = nil,
        outputs: String? = nil,
        firstSequence: Int64?,
        lastSequence: Int64,
        hasJournal: Bool = true
    ) {
        self.status = status
        self.retryCount = retryCount
        self.failure = failure
        self.waitReason = waitReason
        self.nextAttempt = nextAttempt
        self.outputs = outputs
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.hasJournal = hasJournal
    }
}

/// When the next attempt of a run that failed begins.
public enum NextAttempt: Sendable, Hashable {
    /// So many milliseconds from now.
    case after(milliseconds: Int64)
    /// When the database says, which somebody may have changed.
    case asStored

    /// As the writer's statement takes it.
    var stored: Int64 {
        switch self {
        case .after(let milliseconds): max(0, milliseconds)
        case .asStored: -1
        }
    }
}

/// One durable write of a run.
public enum RunWrite: Sendable {
    /// An intent or a result.
    case journal(StepRecord)
    /// A change of the run itself.
    case transition(RunTransition)
    /// An event that tells of the other writes: it is in the log if and only if they are stored. Where
    /// they are refused because another claim has the run, `write.refused` stands there instead.
    case event(RunEvent)
    /// An artifact.
    case artifact(ArtifactRow)

    /// Whether it is an intent or a result.
    public var isJournal: Bool { if case .journal = self { true } else { false } }
}

/// Where a lane's next claim begins.
public struct ClaimCursor: Sendable, Hashable {
    /// The rank and the number of the last run that was taken; what comes before is passed over.
    public var rank: Int64
    /// See ``rank``.
    public var run: Int64
    /// The last key that had its turn.
    public var key: String

    /// Begins at the start, or after a run or a key.
    public init(rank: Int64 = .min, run: Int64 = .min, key: String = "") {
        self.rank = rank
        self.run = run
        self.key = key
    }
}

/// How much a lane can take.
public struct ClaimWant: Sendable, Hashable {
    /// The lane.
    public var lane: Int64
    /// Its shard.
    public var shard: OwnedShard
    /// Runs at most.
    public var room: Int
    /// How many runs reading may find again at the front.
    public var known: Int
    /// Whether runs were read before and are not claimed yet: none may be claimed beside those.
    public var hasUnclaimed: Bool
    /// How many runs reading may bring.
    public var limit: Int { self.cursor.rank == .min ? self.room + self.known : self.room }
    /// What was taken before.
    public var cursor: ClaimCursor
    /// Of a lane with limits how many runs of each key are under way; `nil` for a lane without. Who
    /// does not know of a lane's limits gets none of its runs.
    public var busy: [QueueKey: Int]?

    /// Makes a want.
    public init(
        lane: Int64,
        shard: OwnedShard,
        room: Int,
        known: Int = 0,
        hasUnclaimed: Bool = false,
        cursor: ClaimCursor = ClaimCursor(),
        busy: [QueueKey: Int]? = nil
    ) {
        self.busy = busy
        self.lane = lane
        self.shard = shard
        self.room = room
        self.known = known
        self.hasUnclaimed = hasUnclaimed
        self.cursor = cursor
    }
}

/// A run that was just claimed, or read to be claimed with its first write.
public struct ClaimedRun: Sendable, Hashable {
    /// The run with the right to write about it.
    public var fence: RunFence
    /// Its plan.
    public var planDigest: Digest
    /// Its inputs, canonical JSON.
    public var inputs: String
    /// How often it was started by hand, from 1.
    public var attempt: Int
    /// How often it retried by itself.
    public var retryCount: Int
    /// How deep it lies inside other runs.
    public var depth: Int
    /// Higher goes first inside its lane.
    public var priority: Int
    /// Whether its end is asked for because it is late.
    public var isLate: Bool
    /// Why somebody asked for its end, if so.
    public var cancelReason: String?
    /// Where its events begin, when it was begun before.
    public var firstSequence: Int64?
    /// Milliseconds since it was first started, or started again by hand.
    public var ageMilliseconds: Int64
    /// Whether there is a journal to resume from.
    public var hasJournal: Bool
    /// Whether it is paused; only a run that is taken over can be.
    public var pause: RunPause
    /// Its turn in its lane, the smallest first.
    public var rank: Int64
    /// Whom or what it is for; '' for nothing.
    public var key: String
    /// Whether its lane has runs with keys: then there may be more although fewer came than asked for.
    public var hasMore: Bool
    /// Microseconds since it was queued, or was due when that was later.
    public var waitMicroseconds: Int64
    /// Of a run whose claim is not stored yet the version of its row for which it is: it is stored with the
    /// run's first write, or that is refused. `nil` when it is stored.
    public var version: RunVersion?
}
