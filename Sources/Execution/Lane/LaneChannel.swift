// What can be said to a lane, and seen of it, without waiting for its actor.

internal import Cluster
internal import PulserIR
internal import StateMachines
internal import Store
internal import Synchronization

/// What a lane is told.
enum LaneMessage: Sendable {
    /// There may be queued runs.
    case wake
    /// Take over these runs. With them the lane has all that was under way when it had so many
    /// doubts; `nil` when more will come.
    case adopt([RunID], doubts: Int?)
    /// Runs were claimed.
    case claimed([ClaimedRun])
    case claimFailed
    /// Runs were claimed for workers outside; there may be more although fewer came than asked for.
    case claimedForWorkers([ClaimedRun], hasMore: Bool)
    /// A run ended, was let go before its end, or crashed.
    case ended(RunID, claimNumber: Int64, RunEnding)
    /// What ended with the same commit is told: take others in their places.
    case refill
    /// A run that crashed is to be taken up again.
    case restart(RunID)
    /// Somebody wants this run, which is under way, to end.
    case cancel(RunRequest)
    /// Whether this run, if it is under way here, is to go on.
    case pause(RunPause)
    /// Somebody else may have taken this run over: look.
    case check(RunID)
    /// The lane's settings as they are now.
    case configure(LaneSettings)
    /// Take no more runs.
    case drain
    /// Take runs again.
    case resume
    /// Too much fails here: take no runs for a while.
    case rest(Duration, reason: String)
    /// The rest of that number is over.
    case rested(Int)
    /// A lane with limits got less than it has room for: how long it waits is not known yet.
    case shortened
    /// How long it waits for a rate; `nil` for no time.
    case waits(LaneWait?)
    /// The time that was waited for is over; of that number.
    case opened(Int)
}

/// One lane of this node, beside its actor: a distributed actor keeps nothing that others may read
/// without a call, and what is sent here waits for no turn.
final class LaneChannel: Sendable {
    let row: LaneRow
    let log: LaneLog
    let shard: OwnedShard
    let inbox: AsyncStream<LaneMessage>
    private let mailbox: AsyncStream<LaneMessage>.Continuation
    let stopSignal = StopSignal()
    /// How often it became unknown what is under way.
    private let doubtCount = Atomic<Int>(0)
    /// Whether a claim is on its way: it may bring any queued run.
    private let isClaimSent = Atomic<Bool>(false)
    private let hasRuns = Atomic<Bool>(false)
    /// When a claim last brought runs, in milliseconds of ``NodeClock``.
    private let tookAt = Atomic<Int64>(.min)
    /// Since when the lane waits for a place on the node, by ``NodeClock``; `nil` when it does not.
    private let placeAwaited = Mutex<Duration?>(nil)

    /// Where the lane's runs work.
    let queue: WorkQueue
    /// Where the next claim begins.
    private let cursor = Mutex(QueueMachine())
    /// Runs that were read and are claimed with their first write.
    private let reads = Mutex(ReadMachine())
    /// Whether the last claim brought runs with keys.
    private let hasKeys = Atomic<Bool>(false)
    /// Until when runs are claimed before they begin, in milliseconds of ``NodeClock``.
    private let claimsFirstUntil = Atomic<Int64>(.min)
    /// Of a lane with limits how many runs of each key are under way; `nil` for a lane without.
    private let busyKeys = Mutex<[QueueKey: Int]?>(nil)
    /// Whether it waits for a rate, and a timer wakes it: the poll does not have to.
    private let isTimed = Atomic<Bool>(false)

    init(row: LaneRow, shard: OwnedShard, queue: WorkQueue, budget: LogBudget) {
        self.row = row
        self.queue = queue
        self.shard = shard
        self.log = LaneLog(
            lane: row.id,
            shard: shard,
            nextSequence: row.nextSequence,
            budget: budget
        )
        // Unbounded on purpose: its writers are the lane's own runs and the node's poll, whose
        // messages are ids; dropping an `ended` would leak a place.
        (self.inbox, self.mailbox) = AsyncStream.makeStream()
    }

    func send(_ message: LaneMessage) { self.mailbox.yield(message) }

    /// Ends the lane without writing: its shard belongs to somebody else.
    func lose() { self.stopSignal.fire() }

    /// How often the lane lost sight of what is under way; see ``LaneMessage/adopt(_:doubts:)``.
    var doubts: Int { self.doubtCount.load(ordering: .acquiring) }

    /// It is not known any more what is under way.
    func doubt() { self.doubtCount.add(1, ordering: .releasing) }

    /// Whether a claim is on its way.
    var isClaiming: Bool { self.isClaimSent.load(ordering: .acquiring) }

    func claims(_ isSent: Bool) { self.isClaimSent.store(isSent, ordering: .releasing) }

    /// What to ask the writer for.
    func want(_ places: Int) -> ClaimWant {
        let (place, room) = self.cursor.withLock { $0.next(room: places, at: NodeClock.now) }
        let (known, unclaimed) = self.reads.withLock { reads in
            reads.asks()
            return (reads.known, reads.count)
        }
        return ClaimWant(
            lane: self.row.id,
            shard: self.shard,
            room: room,
            known: known,
            hasUnclaimed: unclaimed > 0,
            cursor: ClaimCursor(rank: place.rank, run: place.run, key: place.key.text),
            busy: self.busy
        )
    }

    var busy: [QueueKey: Int]? {
        get { self.busyKeys.withLock { $0 } }
        set { self.busyKeys.withLock { $0 = newValue } }
    }

    var isWaitingForRate: Bool {
        get { self.isTimed.load(ordering: .acquiring) }
        set { self.isTimed.store(newValue, ordering: .releasing) }
    }

    /// How long runs are claimed before they begin after one could not be claimed with its first write:
    /// who has it locked may keep it so, and a claim passes over what is locked.
    private static let claimsFirstTime: Duration = .seconds(5)

    /// Whether runs are to be claimed before they begin: in lanes with limits and keys, and for a while
    /// after one was changed, or taken, between being read and its first write.
    var claimsFirst: Bool {
        self.busy != nil || self.hasKeys.load(ordering: .relaxed)
            || self.claimsFirstUntil.load(ordering: .relaxed) > Self.milliseconds
    }

    /// What a claim brought.
    struct Taken {
        /// The runs that are new to the lane, in their order.
        var runs: [ClaimedRun]
        /// Whether there may be more although there is room left.
        var hasMore: Bool
        /// When to look at the queue's front.
        var lookAt: Duration?
    }

    /// Hears what a claim brought; see `ReadMachine` and `QueueMachine`.
    ///
    /// - Parameters:
    ///   - runs: What it brought.
    ///   - places: How many runs the lane has room for.
    ///   - want: What was asked.
    /// - Returns: What of it is new.
    func took(_ runs: [ClaimedRun], of places: Int, _ want: ClaimWant) -> Taken {
        let hasKeys = runs.first?.hasMore == true
        self.hasKeys.store(hasKeys, ordering: .relaxed)
        let entries = runs.map { run in
            ReadMachine.Entry(
                run: run.fence.run,
                claim: run.fence.claimNumber,
                place: QueueMachine.Place(
                    rank: run.rank,
                    run: run.fence.run.number,
                    key: QueueKey(run.key)
                ),
                isClaimed: run.version == nil
            )
        }
        var isClearNow = false
        let (new, seen) = self.reads.withLock { reads in
            // There may be more that only a claim can take, once what was read is claimed.
            if runs.isEmpty, want.hasUnclaimed { isClearNow = !reads.awaits() }
            return reads.found(entries, room: places)
        }
        if !new.isEmpty { self.tookAt.store(Self.milliseconds, ordering: .relaxed) }
        let isFull = new.count >= places
        let asked = entries.first?.isClaimed == true ? want.room : want.limit
        let (hasMore, lookAt) = self.cursor.withLock {
            let hasMore = $0.took(
                entries.prefix(seen).map(\.place),
                isKeyed: hasKeys,
                of: isFull ? seen : max(places, asked),
                at: NodeClock.now
            )
            return (hasMore, $0.lookAt)
        }
        // All that was asked for came, and some of it was known.
        let isCut = !isFull && new.count < seen && seen >= asked
        return Taken(
            runs: new.map { runs[$0] },
            hasMore: hasMore || isCut || isClearNow,
            lookAt: lookAt
        )
    }

    /// A claim brought nothing, because it failed.
    func tookNothing() { self.reads.withLock { $0.failed() } }

    /// Whether runs that were read must be claimed before others are; then the lane is woken.
    func waitsForReads() -> Bool { self.reads.withLock { $0.awaits() } }

    /// A run that was read is claimed, or has ended.
    func settled(_ run: RunID) {
        if self.reads.withLock({ $0.left(run) }).isAwaited { self.send(.wake) }
    }

    /// A run was let go.
    ///
    /// - Returns: Whether its claim was not stored: then it is queued as before, and first.
    func returns(_ run: RunID) -> Bool {
        let (place, isAwaited) = self.reads.withLock { $0.left(run) }
        guard let place else { return false }
        let until = Self.milliseconds + Int64(Self.claimsFirstTime / .milliseconds(1))
        self.claimsFirstUntil.store(until, ordering: .relaxed)
        self.cursor.withLock { $0.returns(place) }
        if isAwaited { self.send(.wake) }
        return true
    }

    /// Leaves a run alone; one whose claim could not be stored is not read again.
    func putAside(_ run: RunID) {
        if self.reads.withLock({ $0.putAside(run) }).isAwaited { self.send(.wake) }
    }

    /// Whether a run was put aside queued, which it is not any more.
    func takesBack(_ run: RunID) -> Bool { self.reads.withLock { $0.takesBack(run) } }

    /// Whether a claim brought runs a moment ago: as each of them ends the lane takes others.
    ///
    /// - Parameter time: What a moment is.
    /// - Returns: Whether it did.
    func tookRuns(within time: Duration) -> Bool {
        let since = Self.milliseconds - Int64(time / .milliseconds(1))
        return self.tookAt.load(ordering: .relaxed) >= since
    }

    private static var milliseconds: Int64 { Int64(NodeClock.now / .milliseconds(1)) }

    /// Begins a look at the queue's front.
    ///
    /// - Returns: Up to where it reads.
    func looks() -> LaneReach {
        let place = self.cursor.withLock { $0.looks(at: NodeClock.now) }
        return LaneReach(lane: self.row.id, rank: place.rank, run: place.run)
    }

    /// What the last look took, and whether that is next to nothing.
    var frontCost: (time: Duration, isNear: Bool) {
        self.cursor.withLock { ($0.cost, $0.isFrontNear) }
    }

    /// Hears what a look at the queue's front found.
    ///
    /// - Returns: Whether there is something to claim, and when to look again.
    func looked(_ front: LaneFront) -> (isThere: Bool, lookAt: Duration?) {
        let runs = front.runs.map {
            (
                first: QueueMachine.Place(rank: $0.first.rank, run: $0.first.run),
                last: QueueMachine.Place(rank: $0.last.rank, run: $0.last.run)
            )
        }
        let isBusy = self.isBusy
        return self.cursor.withLock {
            let isThere = $0.looked(
                runs,
                count: front.count,
                cost: front.cost,
                isBusy: isBusy,
                at: NodeClock.now
            )
            return (isThere, $0.lookAt)
        }
    }

    /// Whether runs are under way.
    var isBusy: Bool {
        get { self.hasRuns.load(ordering: .relaxed) }
        set { self.hasRuns.store(newValue, ordering: .relaxed) }
    }

    /// Since when the lane waits for a place on the node; `nil` when it does not.
    var placeAwaitedSince: Duration? { self.placeAwaited.withLock { $0 } }

    func awaitsPlace(since time: Duration?) { self.placeAwaited.withLock { $0 = time } }

    /// Whether the lane has ended or is about to.
    var isOver: Bool { self.stopSignal.isFired }
}

/// A lane of this node: its actor, and what goes past it.
struct OwnedLane: Sendable {
    let actor: LaneActor
    let channel: LaneChannel
}
