// Decides when a node stands for election, and what the coordinator orders.

public import PulserIR

/// The coordinator's side of moves, and how one becomes it.
///
/// Without a coordinator only moves and the placing of free shards stop. Every order carries the term
/// and is refused when another one has begun, so two nodes that both think they coordinate do no harm.
/// One order is under way at a time.
public struct CoordinatorMachine: Sendable {
    /// What is known at one moment.
    public struct Situation: Sendable {
        /// Whether this node may coordinate: active, its lease trusted, not alone.
        public var isEligible: Bool
        /// The membership.
        public var nodes: [NodeView]
        /// Every shard.
        public var shards: [ShardView]
        /// The load of shards that weigh more than 1.
        public var weights: [Int32: Int]

        /// Describes a moment.
        public init(
            isEligible: Bool,
            nodes: [NodeView],
            shards: [ShardView],
            weights: [Int32: Int] = [:]
        ) {
            self.isEligible = isEligible
            self.nodes = nodes
            self.shards = shards
            self.weights = weights
        }
    }

    private struct Handoff: Sendable {
        var generation: Int64
        var since: Duration
        var isMarked: Bool
    }

    /// The own term; `nil` while this node does not coordinate.
    public private(set) var term: CoordinatorTerm?

    private let me: NodeEpoch
    private let timing: ClusterTiming
    private var someoneCoordinates = true
    private var isAsking = false
    private var readAt: Duration = .zero
    private var orderedAt: Duration = .zero
    private var notBefore: Duration = .zero
    private var prolongAt: Duration = .zero
    private var roundAt: Duration = .zero
    private var handoffs: [Int32: Handoff] = [:]
    /// Shards whose owners kept them, and until when they are left alone.
    private var declined: [Int32: Duration] = [:]

    /// A node that does not coordinate.
    public init(me: NodeEpoch, timing: ClusterTiming = ClusterTiming()) {
        self.me = me
        self.timing = timing
    }

    /// Whether `decide` has anything to decide: this node coordinates, or nobody does.
    public var isConcerned: Bool {
        !self.isAsking && (self.term != nil || !self.someoneCoordinates)
    }

    /// When `decide` has something to do next; `nil` when only events change anything.
    public var wakeAt: Duration? {
        self.term == nil || self.isAsking ? nil : max(self.prolongAt, self.notBefore)
    }

    /// Takes what a renewal or a view says about who coordinates.
    public mutating func learn(_ coordinator: CoordinatorTerm?) {
        self.someoneCoordinates = coordinator != nil
        if let term = self.term, !self.isAsking, coordinator != term { self.term = nil }
    }

    /// Notes that the shards were read; orders rest on what was read since the last one.
    ///
    /// - Parameter sentAt: When the reading was asked for.
    public mutating func read(sentAt: Duration) { self.readAt = max(self.readAt, sentAt) }

    /// Decides at `now`; a request is under way until ``answered(_:_:at:)`` is called with it.
    public mutating func decide(_ situation: Situation, at now: Duration) -> DirectoryRequest? {
        guard !self.isAsking, now >= self.notBefore else { return nil }
        guard let term = self.term else {
            guard situation.isEligible, !self.someoneCoordinates else { return nil }
            return self.ask(.elect)
        }
        guard situation.isEligible else { return self.ask(.resign(term)) }
        if now >= self.prolongAt { return self.ask(.prolong(term)) }
        guard self.readAt >= self.orderedAt, !situation.shards.isEmpty else { return nil }
        return self.order(situation, term, at: now).map { self.ask($0) }
    }

    /// Takes the outcome of a request of ``decide(_:at:)``.
    public mutating func answered(
        _ request: DirectoryRequest,
        _ answer: DirectoryAnswer,
        at now: Duration
    ) {
        self.isAsking = false
        switch (request, answer) {
        case (.elect, .elected(let term)):
            self.term = term
            self.someoneCoordinates = true
            self.prolongAt = now + self.timing.renewal
            self.orderedAt = now
            self.handoffs = [:]
        case (.prolong, .done(true)): self.prolongAt = now + self.timing.renewal
        case (.resign, .done):
            self.term = nil
            self.someoneCoordinates = true
        case (_, .done(false)): self.term = nil
        case (_, .failed): self.notBefore = now + self.timing.pause
        default: break
        }
        switch request {
        case .assign, .mark, .force: self.orderedAt = now
        default: break
        }
    }

    private mutating func ask(_ request: DirectoryRequest) -> DirectoryRequest {
        self.isAsking = true
        return request
    }

    private mutating func order(
        _ situation: Situation,
        _ term: CoordinatorTerm,
        at now: Duration
    ) -> DirectoryRequest? {
        self.follow(situation.shards, at: now)
        let free = situation.shards.filter { $0.state == .free }.map(\.shard)
        if !free.isEmpty {
            var allocation = self.allocation(situation)
            let placements = allocation.place(free)
            if !placements.isEmpty { return .assign(term, placements) }
        }
        let late = self.handoffs.filter {
            $0.value.isMarked && now - $0.value.since >= self.timing.handoff
        }
        if !late.isEmpty { return .force(term, late.keys.sorted()) }
        // One round at a time: what the last one moved must have arrived and be served.
        let isQuiet = situation.shards.allSatisfy { $0.state == .running }
        guard isQuiet, now >= self.roundAt else { return nil }
        self.roundAt = now + self.timing.round
        var allocation = self.allocation(situation)
        let moves = allocation.moves(situation.shards, keeping: Set(self.declined.keys))
        return moves.isEmpty ? nil : .mark(term, moves)
    }

    private func allocation(_ situation: Situation) -> AllocationMachine {
        AllocationMachine(
            nodes: situation.nodes,
            shards: situation.shards,
            weights: situation.weights,
            movesMax: self.timing.movesMax
        )
    }

    /// Remembers since when shards are under way, as seen from here: a new coordinator begins anew.
    private mutating func follow(_ shards: [ShardView], at now: Duration) {
        var handoffs: [Int32: Handoff] = [:]
        self.declined = self.declined.filter { now < $0.value }
        for shard in shards {
            let known = self.handoffs[shard.shard]
            let isSame = known?.generation == shard.generation
            switch shard.state {
            case .running where isSame && known?.isMarked == true:
                self.declined[shard.shard] = now + self.timing.declined
            case .handingOff, .assigned:
                let isMarked = shard.state == .handingOff
                handoffs[shard.shard] =
                    isSame
                    ? known
                    : Handoff(generation: shard.generation, since: now, isMarked: isMarked)
            case .running, .free: break
            }
        }
        self.handoffs = handoffs
    }
}
