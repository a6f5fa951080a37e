// Decides everything one node does for the cluster; the actors beside it only perform its actions.

public import PulserIR

/// One life of a node in the cluster: lease, probes, votes, coordination, its shards, its leaving.
///
/// Events and answers come in with the node's monotonic clock, actions go out. Call
/// ``handle(_:at:)`` with `.tick` at ``wakeAt``; how late that is tells the machine how busy the node
/// itself is. Every ``Action/ask(_:id:)`` is answered exactly once, with `.failed` when the deadline
/// of the request passed.
public struct NodeMachine: Sendable {
    /// What happened.
    public enum Event: Sendable, Hashable {
        /// Time passed.
        case tick
        /// The request `id` has its outcome.
        case answered(id: Int, DirectoryAnswer)
        /// The probe `id` of a peer has its outcome; silence needs no event.
        case probed(NodeEpoch, id: Int, PeerMachine.Answer)
        /// A peer sent something of its own accord, and knows the membership at this version.
        case called(NodeEpoch, viewVersion: Int64)
        /// The database says that the membership or the shards changed.
        case notified
        /// The database says that shards changed, and the membership did not.
        case shardsChanged
        /// Shards that were to settle are at rest.
        case settled([OwnedShard])
        /// The loads of shards that weigh more than 1.
        case weighed([Int32: Int])
        /// The process shall end: hand everything over, then leave.
        case leave
    }

    /// What to do.
    public enum Action: Sendable, Hashable {
        /// Ask the directory.
        case ask(DirectoryRequest, id: Int)
        /// Probe a peer; through another one when `via` names it.
        case probe(NodeEpoch, id: Int, via: NodeEpoch?)
        /// Something about a shard.
        case shard(ShardOwnerMachine.Action)
        /// The node takes part from now on.
        case ready
        /// Effects may go on.
        case trust
        /// The lease may be over: no effects until it is trusted again.
        case distrust
        /// Others declared this node dead: end everything, start again with a new epoch.
        case dead
        /// Everything is handed over: the process may end.
        case left
    }

    struct Peer: Sendable {
        var node: NodeView
        var leaseUntil: Duration
        var machine: PeerMachine
        var vote: VoteMachine
    }

    struct Asked: Sendable {
        var request: DirectoryRequest
        var sentAt: Duration
    }

    /// Who this is.
    public let me: NodeEpoch
    /// Where this node is in its life, as it knows.
    public internal(set) var status: NodeStatus = .joining
    /// The membership as last read.
    public internal(set) var view = ClusterView(version: 0, nodes: [])
    /// When to call with `.tick` at the latest.
    public internal(set) var wakeAt: Duration

    static let renewalsMax = 3

    let timing: ClusterTiming
    var lease: LeaseMachine
    var coordinator: CoordinatorMachine
    var owner: ShardOwnerMachine
    /// By age.
    var peers: [Peer] = []
    var weights: [Int32: Int] = [:]

    var asked: [Int: Asked] = [:]
    var lastID = 0
    /// Renewals without an answer yet.
    var renewals = 0
    var isReaping = false
    var isReading = (view: false, shards: false)
    var isChangingStatus = false
    /// Whether ``Action/ready`` was said.
    var isReady = false

    let joinedAt: Duration
    var lateAt: Duration
    var renewAt: Duration
    var viewAt: Duration
    var shardsAt: Duration
    var shardsReadAt: Duration
    var reapAt: Duration?
    var statusAt: Duration = .zero
    var statusKnownAt: Duration
    var leaseEndsAt: Duration
    /// A renewal that counts only when the shards were read after it: some were taken away.
    var unproven: (sentAt: Duration, arrivedAt: Duration)?
    var shardsTaken: Int64 = 0
    var leaveBy: Duration?
    var hasEnded = false
    var isDirty = true

    /// Begins a life.
    ///
    /// - Parameters:
    ///   - me: The identity that joining gave.
    ///   - joinedAt: When the request to join was sent; the first lease counts from there.
    ///   - now: The node's monotonic clock.
    ///   - timing: The figures of the protocol.
    public init(
        me: NodeEpoch,
        joinedAt: Duration,
        at now: Duration,
        timing: ClusterTiming = ClusterTiming()
    ) {
        self.me = me
        self.timing = timing
        self.joinedAt = joinedAt
        self.lease = LeaseMachine(sentAt: joinedAt, trust: timing.trust)
        self.leaseEndsAt = joinedAt + timing.lease
        self.coordinator = CoordinatorMachine(me: me, timing: timing)
        self.owner = ShardOwnerMachine(me: me, timing: timing)
        self.lateAt = now - timing.veto
        self.renewAt = joinedAt + timing.renewal
        self.viewAt = now
        self.shardsAt = now
        self.shardsReadAt = now
        self.statusKnownAt = joinedAt
        self.wakeAt = now
    }

    /// The own term; `nil` while this node does not coordinate.
    public var term: CoordinatorTerm? { self.coordinator.term }

    /// Every shard as last read; nothing before the first reading.
    public var shards: [ShardView] { self.owner.table }

    /// Whether an effect of `shard` that no fence can refuse may begin at `now`.
    public func mayAct(_ shard: Int32, generation: Int64, at now: Duration) -> Bool {
        !self.hasEnded && self.lease.isTrusted(at: now)
            && self.owner.mayAct(shard, generation: generation, at: now)
    }

    /// What to do with a message for `shard` whose sender knows it at `generation`.
    public func admission(
        _ shard: Int32,
        generation: Int64
    ) -> ShardOwnerMachine.Admission {
        self.hasEnded ? .moving : self.owner.admission(shard, generation: generation)
    }

    /// Takes one event.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - now: The node's monotonic clock; never goes back.
    /// - Returns: What to do, in order; nothing after ``Action/dead`` or ``Action/left``.
    public mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        guard !self.hasEnded else { return [] }
        if now - self.wakeAt > self.timing.lagMax { self.excuseAll(at: now) }
        var actions: [Action] = []
        switch event {
        case .tick: self.isDirty = true
        case .answered(let id, let answer): self.answered(id, answer, at: now, &actions)
        case .probed(let peer, let id, let answer): self.probed(peer, id, answer, at: now)
        case .called(let peer, let version):
            if let index = self.index(of: peer) { self.peers[index].machine.called(at: now) }
            if version > self.view.version { self.readView(at: now) }
        case .notified:
            self.readView(at: now)
            self.shardsAt = now
        case .shardsChanged:
            self.shardsAt = now
            self.isDirty = true
        case .settled(let shards):
            for shard in shards { self.owner.settled(shard) }
            self.isDirty = true
        case .weighed(let weights): self.weights = weights
        case .leave:
            self.leaveBy = self.leaveBy ?? now + self.timing.drain
            self.isDirty = true
        }
        if now >= self.wakeAt { self.isDirty = true }
        while self.isDirty, !self.hasEnded {
            self.isDirty = false
            self.work(at: now, &actions)
        }
        return actions
    }

    // MARK: Parts

    /// This node slept or was too busy: what it did not hear says nothing about others.
    private mutating func excuseAll(at now: Duration) {
        self.lateAt = now
        for index in self.peers.indices { self.peers[index].machine.excuse(at: now) }
        self.isDirty = true
    }

    private mutating func probed(
        _ peer: NodeEpoch,
        _ id: Int,
        _ answer: PeerMachine.Answer,
        at now: Duration
    ) {
        guard let index = self.index(of: peer) else { return }
        let before = self.peers[index].machine.suspicion
        self.peers[index].machine.answered(id, answer, at: now)
        let isCalm = answer == .alive && before == .none && self.status != .joining
        if !isCalm { self.isDirty = true }
    }

    mutating func readView(at now: Duration) {
        self.viewAt = min(self.viewAt, now)
        self.isDirty = true
    }

    func index(of node: NodeEpoch) -> Int? { self.peers.firstIndex { $0.node.epoch == node } }

    mutating func ask(
        _ request: DirectoryRequest,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        self.lastID += 1
        self.asked[self.lastID] = Asked(request: request, sentAt: now)
        actions.append(.ask(request, id: self.lastID))
    }
}
