// What can be said to a lane, and seen of it, without waiting for its actor.

internal import PulserIR
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
    /// A run ended, was let go before its end, or crashed.
    case ended(RunID, claimNumber: Int64, RunEnding)
    /// A run that crashed is to be taken up again.
    case restart(RunID)
    /// Somebody wants this run to end.
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

    init(row: LaneRow, shard: OwnedShard) {
        self.row = row
        self.shard = shard
        self.log = LaneLog(lane: row.id, shard: shard, nextSequence: row.nextSequence)
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

    /// Whether the lane has ended or is about to.
    var isOver: Bool { self.stopSignal.isFired }
}

/// A lane of this node: its actor, and what goes past it.
struct OwnedLane: Sendable {
    let actor: LaneActor
    let channel: LaneChannel
}
