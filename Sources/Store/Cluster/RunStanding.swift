// What may hold a run up, and which of it does.

public import PulserIR

/// A run with everything it may wait for, at one moment.
public struct RunStanding: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// Where it is in its life.
    public var status: RunStatus
    /// Its session's name.
    public var sessionName: String
    /// Its lane's name.
    public var laneName: String
    /// How many runs its lane takes at once.
    public var laneWidth: Int
    /// How many of its lane's runs are under way.
    public var laneActive: Int
    /// The oldest of those; `nil` when there is none.
    public var foremost: RunID?
    /// How many ready runs of its lane come before it, counted up to ``aheadMax``.
    public var ahead: Int
    /// Who paused it.
    public var pausedBy: String?
    /// For how long it has been paused; `nil` when it is not, or nothing tells.
    public var pausedFor: Duration?
    /// Why somebody asked for its end; `nil` when nobody does.
    public var cancelReason: String?
    /// What it says it waits for.
    public var waitReason: String?
    /// For how long it has waited; `nil` when it does not, or nothing tells.
    public var waitingFor: Duration?
    /// How long ago it was taken first; `nil` when it was not.
    public var startedBefore: Duration?
    /// A child run that it waits for.
    public var child: RunID?
    /// How long ago that was made.
    public var childFor: Duration?
    /// How long until it is due; zero or less when it is.
    public var dueIn: Duration
    /// How long it has been ready.
    public var readyFor: Duration
    /// The node that took it, whether that still lives or not.
    public var claimedBy: NodeEpoch?
    /// Its lane's shard.
    public var shard: ShardStanding
    /// The shard's owner.
    public var owner: Owner?
    /// The name of the shard's next owner.
    public var targetName: String?

    /// What somebody paused that the run belongs to; `nil` when nothing of it is paused.
    public var lanePause: Pause?
    /// How many runs of its key its lane takes at once; `nil` where only the lane's width counts.
    public var keyWidth: Int?
    /// How many of them are under way.
    public var keyActive = 0
    /// The rate that lets it begin last; `nil` when all would let it begin now.
    public var rateWait: LaneWait?

    /// A pause of more than one run.
    public struct Pause: Sendable, Hashable {
        /// What is paused.
        public enum Scope: String, Sendable, Hashable {
            /// The session.
            case session
            /// The lane.
            case lane
            /// The runs of its key in its lane.
            case key
        }

        /// What is paused.
        public var scope: Scope
        /// Who paused it.
        public var by: String
        /// Why, if that was said.
        public var reason: String?
        /// For how long it has been paused.
        public var since: Duration
    }

    /// Counting stops here.
    public static let aheadMax = 1_000

    /// The node that owns a run's shard.
    public struct Owner: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Where it is in its life.
        public var status: NodeStatus
        /// How long it has had its status.
        public var statusFor: Duration
        /// How long its lease goes on; negative when it is over.
        public var leaseLeft: Duration
    }
}

/// The one thing that a run waits for: when that is gone, it goes on or waits for the next.
public enum RunGate: Sendable, Hashable {
    /// It has ended.
    case ended
    /// It is under way.
    case underWay
    /// Somebody paused it.
    case paused
    /// Somebody paused its session.
    case sessionPaused
    /// Somebody paused its lane.
    case lanePaused
    /// Somebody paused the runs of its key.
    case keyPaused
    /// Its time has not come.
    case notDue
    /// Nobody owns its shard; the coordinator gives it to a node.
    case shardFree
    /// Its shard was given to a node that does not serve it yet.
    case shardAssigned
    /// Its shard goes to another node; nothing new begins before that.
    case shardHandingOff
    /// The lease of its shard's owner is over; others take the shard when nobody renews it.
    case leaseOver
    /// Its shard's owner must not act before the lease of the one before is over.
    case earlierLease
    /// Its shard's owner drains and takes no runs.
    case nodeDraining
    /// Its shard has a new owner, which has not taken the run over yet.
    case takeOver
    /// Somebody asked for its end, and its node has not ended it yet.
    case cancelRequested
    /// It waits for a run that it started.
    case child
    /// It waits for what it says: a person's decision, or a timer.
    case waiting
    /// Its lane has as many runs under way as it takes.
    case laneFull
    /// Its lane has as many runs of its key under way as it takes.
    case keyFull
    /// A rate lets nothing of it begin for a while.
    case rateLimited
    /// Others of its lane are before it.
    case behindOthers
    /// Nothing holds it up: its node takes it when it looks next.
    case ready
}

extension RunStanding {
    /// What the run waits for: first what is its own, then its shard's, then its lane's.
    public var gate: RunGate {
        if self.status.isTerminal { return .ended }
        if self.status == .queued, self.pausedBy != nil { return .paused }
        if self.status == .queued, self.cancelReason == nil, self.dueIn > .zero { return .notDue }
        if self.status == .queued, self.cancelReason == nil, let pause = self.lanePause {
            switch pause.scope {
            case .session: return .sessionPaused
            case .lane: return .lanePaused
            case .key: return .keyPaused
            }
        }
        if let gate = self.shardGate { return gate }
        if self.cancelReason != nil { return .cancelRequested }
        // At rest, or about to be: what else it waits for counts when it goes on.
        if self.pausedBy != nil { return .paused }
        switch self.status {
        case .queued:
            if let gate = self.nodeGate { return gate }
            if self.laneActive >= self.laneWidth { return .laneFull }
            if let width = self.keyWidth, self.keyActive >= width { return .keyFull }
            if self.rateWait != nil { return .rateLimited }
            return self.laneActive + self.ahead >= self.laneWidth ? .behindOthers : .ready
        case .waiting: return self.child == nil ? .waiting : .child
        case .claimed, .running: return self.child == nil ? .underWay : .child
        case .succeeded, .failed, .cancelled, .timedOut: return .ended
        }
    }

    /// For how long the gate has been shut; `nil` where nothing tells.
    public var gateFor: Duration? {
        switch self.gate {
        case .shardFree, .shardAssigned, .shardHandingOff, .takeOver, .earlierLease:
            self.shard.stateFor
        case .leaseOver: self.owner.map { .zero - $0.leaseLeft }
        case .nodeDraining: self.owner?.statusFor
        case .laneFull, .keyFull, .rateLimited, .behindOthers, .ready: self.readyFor
        case .paused: self.pausedFor
        case .sessionPaused, .lanePaused, .keyPaused: self.lanePause?.since
        case .waiting: self.waitingFor
        case .child: self.childFor
        case .underWay: self.startedBefore
        case .ended, .notDue, .cancelRequested: nil
        }
    }

    /// What holds up every run of the shard, also those under way.
    private var shardGate: RunGate? {
        guard let owner = self.owner else { return .shardFree }
        if owner.leaseLeft <= .zero { return .leaseOver }
        if self.shard.shard.state == .assigned { return .shardAssigned }
        if self.status != .queued, self.claimedBy != self.shard.shard.owner { return .takeOver }
        return nil
    }

    /// What keeps the owner from beginning anything.
    private var nodeGate: RunGate? {
        if self.shard.shard.state == .handingOff { return .shardHandingOff }
        if self.owner?.status == .draining { return .nodeDraining }
        return self.shard.shard.effectsIn > .zero ? .earlierLease : nil
    }
}
