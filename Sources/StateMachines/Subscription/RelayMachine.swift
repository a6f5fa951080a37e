// Decides which nodes are asked for the events of their lanes, and how long a notice waits for them.

public import PulserIR

/// What a node is told of the lanes that another one follows.
public struct RelayChange: Sendable, Hashable {
    /// Names what the owner keeps for the follower; the next beginning has a higher number.
    public var tail: Int64
    /// Whether the tail begins: nothing is kept of an earlier one.
    public var isFirst: Bool
    /// Lanes that are followed from now on, ascending.
    public var lanes: [Int64]
    /// Lanes that are not any more, ascending.
    public var gone: [Int64]

    /// Describes a change.
    public init(tail: Int64, isFirst: Bool, lanes: [Int64], gone: [Int64]) {
        self.tail = tail
        self.isFirst = isFirst
        self.lanes = lanes
        self.gone = gone
    }
}

/// The relays of one node's event streams.
///
/// One tail per owner brings the events of all its lanes that are followed here. The database tells of
/// every event too: while a relay is the quicker of the two its lanes' notices wait for it. One that was
/// late is not waited for until it has brought something first again, so a node that hangs, has lost the
/// lane or speaks another version costs each lane ``patience`` once.
public struct RelayMachine: Sendable {
    /// What happened.
    public enum Event: Sendable, Hashable {
        /// A lane is followed here, or may have another owner; `nil` for this node, for nobody, and for
        /// one that cannot be called.
        case placed(lane: Int64, owner: NodeEpoch?)
        /// A lane is not followed any more.
        case left(lane: Int64)
        /// The database holds the lane's events up to a number, says a notice or a look.
        case noticed(lane: Int64, through: Int64)
        /// The lane's events up to a number are here; the node is the one whose relay brought them.
        case reached(lane: Int64, through: Int64, by: NodeEpoch?)
        /// A node has taken a change; not when it does not know the tail.
        case followed(NodeEpoch, tail: Int64, isKnown: Bool)
        /// A node has answered a pull; what it has not kept is by lane the last number of it.
        case pulled(NodeEpoch, tail: Int64, isKnown: Bool, lost: [Int64: Int64])
        /// A call to a node has failed; it is not asked again when it does not know the method.
        case failed(NodeEpoch, tail: Int64, isCapable: Bool)
        /// Time has passed.
        case tick
    }

    /// What is to be done.
    public enum Action: Sendable, Hashable {
        /// A node is told of a change; answered by `followed` or `failed`.
        case follow(NodeEpoch, RelayChange)
        /// A node is asked for what it has kept; answered by `pulled` or `failed`.
        case pull(NodeEpoch, tail: Int64)
        /// The lane's events up to a number are read from the database, unless they are here.
        case read(lane: Int64, through: Int64)
    }

    /// Lanes of one change; the others come with the next.
    public static let changeLanesMax = 4_096
    /// Lanes of one tail; the others are left to the database.
    public static let tailLanesMax = 65_536

    /// How long a notice waits for a relay that was quicker before. Default 250 ms.
    public let patience: Duration
    private let pause: Duration
    private let pauseMax: Duration
    private var lanes: [Int64: Lane] = [:]
    private var peers: [NodeEpoch: Peer] = [:]
    private var nextTail: Int64 = 1
    private var holds = Holds()
    /// Notices that waited in vain.
    public private(set) var lateCount = 0

    private struct Lane {
        var owner: NodeEpoch?
        /// Whether the relay was quicker than the database last time.
        var isTrusted = false
        /// The number that a notice told of, and until when it waits.
        var held: (through: Int64, due: Duration)?
    }

    private struct Peer {
        /// Lanes that it should keep a tail of.
        var wanted: Set<Int64> = []
        /// Lanes that it does.
        var told: Set<Int64> = []
        var isDirty = false
        var tail: Int64?
        var change: RelayChange?
        var isPulling = false
        var failures = 0
        var retryAt: Duration?
        var isCapable = true
    }

    /// No lane is followed.
    ///
    /// - Parameters:
    ///   - patience: How long a notice waits for a relay that was quicker before.
    ///   - pause: How long a node is left alone after a failure, doubled with each further one. Default
    ///     250 ms.
    ///   - pauseMax: The longest pause. Default 30 s.
    public init(
        patience: Duration = .milliseconds(250),
        pause: Duration = .milliseconds(250),
        pauseMax: Duration = .seconds(30)
    ) {
        self.patience = patience
        self.pause = pause
        self.pauseMax = pauseMax
    }

    /// When ``Event/tick`` is due; `nil` when nothing waits for time.
    public var wakeAt: Duration? {
        let retry = self.peers.values.compactMap(\.retryAt).min()
        guard let held = self.holds.first?.due else { return retry }
        return retry.map { min($0, held) } ?? held
    }

    /// Lanes whose owner keeps a tail of them.
    public var relayedLanes: Int {
        self.peers.values.reduce(0) { $0 + $1.told.intersection($1.wanted).count }
    }

    /// Takes what happened.
    ///
    /// - Parameters:
    ///   - event: What.
    ///   - now: The time, on a clock that never goes back.
    /// - Returns: What is to be done, in order.
    public mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .placed(let lane, let owner): self.place(lane, owner, &actions, now)
        case .left(let lane):
            self.unplace(lane, &actions, now)
            self.lanes[lane] = nil
        case .noticed(let lane, let through): self.notice(lane, through, &actions, now)
        case .reached(let lane, let through, let node): self.reach(lane, through, node)
        case .followed(let node, let tail, let isKnown):
            self.follow(node, tail, isKnown, &actions, now)
        case .pulled(let node, let tail, let isKnown, let lost):
            self.pull(node, tail, isKnown, lost, &actions, now)
        case .failed(let node, let tail, let isCapable):
            guard self.peers[node]?.tail == tail else { break }
            self.fail(node, isCapable: isCapable, &actions, now)
        case .tick:
            for node in self.peers.keys.sorted() where self.peers[node]?.retryAt != nil {
                self.reconcile(node, &actions, now)
            }
        }
        self.release(&actions, now)
        return actions
    }

    // MARK: Lanes

    private mutating func place(
        _ lane: Int64,
        _ owner: NodeEpoch?,
        _ actions: inout [Action],
        _ now: Duration
    ) {
        if let known = self.lanes[lane], known.owner == owner { return }
        self.unplace(lane, &actions, now)
        self.lanes[lane, default: Lane()].owner = nil
        guard let owner, self.peers[owner]?.wanted.count ?? 0 < Self.tailLanesMax else { return }
        self.lanes[lane]?.owner = owner
        self.peers[owner, default: Peer()].wanted.insert(lane)
        self.peers[owner]?.isDirty = true
        self.reconcile(owner, &actions, now)
    }

    /// Nobody brings a lane's events any more; whoever waits for that looks into the database.
    private mutating func unplace(_ lane: Int64, _ actions: inout [Action], _ now: Duration) {
        self.distrust(lane, &actions)
        guard let owner = self.lanes[lane]?.owner else { return }
        self.peers[owner]?.wanted.remove(lane)
        self.peers[owner]?.isDirty = true
        self.reconcile(owner, &actions, now)
    }

    private mutating func distrust(_ lane: Int64, _ actions: inout [Action]) {
        guard let known = self.lanes[lane] else { return }
        self.lanes[lane]?.isTrusted = false
        self.lanes[lane]?.held = nil
        if let held = known.held { actions.append(.read(lane: lane, through: held.through)) }
    }

    private mutating func notice(
        _ lane: Int64,
        _ through: Int64,
        _ actions: inout [Action],
        _ now: Duration
    ) {
        guard var known = self.lanes[lane], known.isTrusted else {
            return actions.append(.read(lane: lane, through: through))
        }
        if let held = known.held {
            known.held = (max(held.through, through), held.due)
        } else {
            known.held = (through, now + self.patience)
            self.holds.append(lane: lane, due: now + self.patience)
        }
        self.lanes[lane] = known
    }

    private mutating func reach(_ lane: Int64, _ through: Int64, _ node: NodeEpoch?) {
        guard var known = self.lanes[lane] else { return }
        if let node, node == known.owner, self.peers[node]?.told.contains(lane) == true {
            known.isTrusted = true
        }
        if let held = known.held, held.through <= through { known.held = nil }
        self.lanes[lane] = known
    }

    /// Lets notices go that have waited long enough.
    private mutating func release(_ actions: inout [Action], _ now: Duration) {
        while let hold = self.holds.first {
            let held = self.lanes[hold.lane]?.held
            let isStale = held?.due != hold.due
            guard isStale || hold.due <= now else { return }
            self.holds.removeFirst()
            guard !isStale else { continue }
            self.lateCount += 1
            self.distrust(hold.lane, &actions)
        }
    }

    // MARK: Nodes

    private mutating func follow(
        _ node: NodeEpoch,
        _ tail: Int64,
        _ isKnown: Bool,
        _ actions: inout [Action],
        _ now: Duration
    ) {
        guard let peer = self.peers[node], peer.tail == tail, let change = peer.change else {
            return
        }
        guard isKnown else { return self.fail(node, isCapable: true, &actions, now) }
        self.peers[node]?.change = nil
        self.peers[node]?.told.formUnion(change.lanes)
        self.peers[node]?.told.subtract(change.gone)
        self.reconcile(node, &actions, now)
    }

    private mutating func pull(
        _ node: NodeEpoch,
        _ tail: Int64,
        _ isKnown: Bool,
        _ lost: [Int64: Int64],
        _ actions: inout [Action],
        _ now: Duration
    ) {
        guard self.peers[node]?.tail == tail else { return }
        guard isKnown else { return self.fail(node, isCapable: true, &actions, now) }
        self.peers[node]?.isPulling = false
        self.peers[node]?.failures = 0
        for (lane, through) in lost.sorted(by: { $0.key < $1.key }) {
            let held = self.lanes[lane]?.held?.through ?? 0
            self.lanes[lane]?.held = nil
            actions.append(.read(lane: lane, through: max(through, held)))
        }
        self.reconcile(node, &actions, now)
    }

    /// Nothing is to be had of a node for a while.
    private mutating func fail(
        _ node: NodeEpoch,
        isCapable: Bool,
        _ actions: inout [Action],
        _ now: Duration
    ) {
        guard var peer = self.peers[node] else { return }
        for lane in peer.wanted.sorted() { self.distrust(lane, &actions) }
        guard !peer.wanted.isEmpty else {
            self.peers[node] = nil
            return
        }
        let pause = min(self.pause * (1 << min(peer.failures, 16)), self.pauseMax)
        peer = Peer(
            wanted: peer.wanted,
            isDirty: true,
            failures: peer.failures + 1,
            retryAt: isCapable ? now + pause : nil,
            isCapable: isCapable
        )
        self.peers[node] = peer
    }

    /// Tells a node what has changed, and asks it for more, one call of each kind at a time.
    private mutating func reconcile(
        _ node: NodeEpoch,
        _ actions: inout [Action],
        _ now: Duration
    ) {
        guard var peer = self.peers[node] else { return }
        if peer.wanted.isEmpty, peer.told.isEmpty, peer.change == nil {
            // What it still answers finds nobody; a later tail has another number.
            self.peers[node] = nil
            return
        }
        if let retryAt = peer.retryAt, retryAt <= now { peer.retryAt = nil }
        if peer.isCapable, peer.retryAt == nil {
            if let change = self.change(&peer) { actions.append(.follow(node, change)) }
            if let tail = peer.tail, !peer.told.isEmpty, !peer.isPulling {
                peer.isPulling = true
                actions.append(.pull(node, tail: tail))
            }
        }
        self.peers[node] = peer
    }

    /// What a node is to be told, unless it is being told something.
    private mutating func change(_ peer: inout Peer) -> RelayChange? {
        guard peer.isDirty, peer.change == nil else { return nil }
        let lanes = peer.wanted.subtracting(peer.told).sorted()
        let gone = peer.told.subtracting(peer.wanted).sorted()
        peer.isDirty = max(lanes.count, gone.count) > Self.changeLanesMax
        guard !lanes.isEmpty || !gone.isEmpty else { return nil }
        let isFirst = peer.tail == nil
        let tail = peer.tail ?? self.nextTail
        if isFirst { self.nextTail += 1 }
        peer.tail = tail
        peer.change = RelayChange(
            tail: tail,
            isFirst: isFirst,
            lanes: Array(lanes.prefix(Self.changeLanesMax)),
            gone: Array(gone.prefix(Self.changeLanesMax))
        )
        return peer.change
    }
}

/// Notices that wait, those due first in front. Entries of lanes that wait no more are passed over.
private struct Holds: Sendable {
    struct Hold: Sendable {
        var lane: Int64
        var due: Duration
    }

    private var all: [Hold] = []
    private var begin = 0

    var first: Hold? { self.begin < self.all.count ? self.all[self.begin] : nil }

    mutating func append(lane: Int64, due: Duration) {
        self.all.append(Hold(lane: lane, due: due))
    }

    mutating func removeFirst() {
        self.begin += 1
        guard self.begin > 64, self.begin > self.all.count / 2 else { return }
        self.all.removeFirst(self.begin)
        self.begin = 0
    }
}
