// Decides what the simulated database answers: the rules of CLUSTER.md, one transaction at a time.

import PulserIR
import StateMachines

/// The tables of the cluster and the logs of its shards, by the clock of the simulation in microseconds.
struct SimulatedDirectory {
    /// A rule left out, to show that the invariants notice.
    enum Mutation: Hashable, CaseIterable {
        /// Writes are accepted whoever owns the shard.
        case fence
        /// One vote is enough, however old.
        case votes
        /// A dead node may renew.
        case revival
        /// Any node may reap, also one that just came back itself.
        case streak
        /// Nobody waits for the old owner's lease.
        case effectsAfter
        /// A node is not told that shards were taken from it.
        case taken
        /// A coordinator's orders count after its term.
        case term
    }

    struct Node {
        var address: Int
        var zone: String
        var build: String
        var status: NodeStatus
        var leaseUntil: Int64
        var renewedAt: Int64
        var streakSince: Int64
        var shardsTaken: Int64 = 0
        var isAlive: Bool { self.status != .dead }
    }

    struct Shard: Equatable {
        var owner: Int64?
        var generation: Int64 = 0
        var state: ShardState = .free
        var target: Int64?
        var effectsAfter: Int64 = 0
        var since: Int64 = 0
    }

    struct Vote {
        var target: Int64
        var voter: Int64
        var firstAt: Int64
        var lastAt: Int64
        var isHard: Bool
    }

    struct Entry {
        var operation: Int
        var generation: Int64
    }

    enum Written {
        case done
        case lost
    }

    static let second: Int64 = 1_000_000
    static let lease = 10 * second

    let mutation: Mutation?
    /// A node's epoch is its place, from 1.
    var nodes: [Node] = []
    var shards: [Shard]
    var votes: [Vote] = []
    var view: Int64 = 1
    var coordinator: Int64?
    var term: Int64 = 0
    var termUntil: Int64 = 0
    var logs: [[Entry]]
    var applied: Set<Int> = []
    /// Rises with everything that nodes are told of.
    var changes = 0
    /// Evictions by vote since the rules looked.
    var evictions: [(target: Int64, isHard: Bool)] = []

    init(shards: Int, mutation: Mutation?) {
        self.mutation = mutation
        self.shards = Array(repeating: Shard(), count: shards)
        self.logs = Array(repeating: [], count: shards)
    }

    subscript(_ node: NodeEpoch) -> Node {
        get { self.nodes[Int(node.number) - 1] }
        set { self.nodes[Int(node.number) - 1] = newValue }
    }

    func isLive(_ node: NodeEpoch, at now: Int64) -> Bool {
        self[node].status == .active && self[node].leaseUntil > now
    }

    // MARK: Membership

    mutating func join(address: Int, zone: String, build: String, at now: Int64) -> NodeEpoch {
        for index in self.nodes.indices where self.nodes[index].address == address {
            if self.nodes[index].isAlive { self.kill(NodeEpoch(Int64(index + 1)), at: now) }
        }
        self.nodes.append(
            Node(
                address: address,
                zone: zone,
                build: build,
                status: .joining,
                leaseUntil: now + Self.lease,
                renewedAt: now,
                streakSince: now
            )
        )
        self.view += 1
        self.changes += 1
        return NodeEpoch(Int64(self.nodes.count))
    }

    /// A person drains a node; only one that takes part.
    mutating func drain(_ node: NodeEpoch) -> Bool {
        self[node].status == .active && self.change(node, from: [.active], to: .draining)
    }

    /// A person takes a drain back; nothing happens to others.
    mutating func undrain(_ node: NodeEpoch) {
        _ = self.change(node, from: [.draining], to: .active)
    }

    mutating func execute(
        _ request: DirectoryRequest,
        by me: NodeEpoch,
        at now: Int64
    ) -> DirectoryAnswer {
        switch request {
        case .renew: return .renewed(self.renew(me, at: now))
        case .reap: return .reaped(self.reap(by: me, at: now))
        case .activate: return .done(self.change(me, from: [.joining], to: .active))
        case .drain: return .done(self.change(me, from: [.joining, .active], to: .draining))
        case .leave:
            self[me].leaseUntil = min(self[me].leaseUntil, now)
            self.kill(me, at: now)
            return .done(true)
        case .view: return .view(self.clusterView(at: now))
        case .shards: return .shards(self.shardViews(at: now))
        case .suspect(let target, let isHard):
            self.vote(me, against: target, isHard: isHard, at: now)
            return .done(true)
        case .clear(let target):
            self.votes.removeAll { $0.target == target.number && $0.voter == me.number }
            return .done(true)
        case .evict(let target, let isHard):
            return .done(self.evict(target, by: me, isHard: isHard, at: now))
        case .elect, .prolong, .resign, .assign, .mark, .force:
            return self.coordinate(request, by: me, at: now)
        case .start, .handOver, .release, .decline: return self.own(request, by: me, at: now)
        }
    }

    private mutating func renew(_ me: NodeEpoch, at now: Int64) -> Renewal? {
        if !self[me].isAlive {
            guard self.mutation == .revival else { return nil }
            self[me].status = .active
        }
        if self[me].leaseUntil < now { self[me].streakSince = now }
        self[me].leaseUntil = now + Self.lease
        self[me].renewedAt = now
        return Renewal(
            viewVersion: self.view,
            status: self[me].status,
            coordinator: self.term(at: now),
            shardsTaken: self.mutation == .taken ? 0 : self[me].shardsTaken
        )
    }

    private mutating func reap(by me: NodeEpoch, at now: Int64) -> [NodeEpoch] {
        guard self[me].isAlive, self[me].leaseUntil > now else { return [] }
        guard self[me].streakSince < now - Self.lease || self.mutation == .streak else { return [] }
        let expired = self.nodes.indices.filter {
            self.nodes[$0].isAlive && self.nodes[$0].leaseUntil < now
        }
        .map { NodeEpoch(Int64($0 + 1)) }
        for node in expired { self.kill(node, at: now) }
        return expired
    }

    private mutating func change(
        _ me: NodeEpoch,
        from statuses: [NodeStatus],
        to status: NodeStatus
    ) -> Bool {
        if self[me].status == status { return true }
        guard statuses.contains(self[me].status) else { return false }
        self[me].status = status
        self.view += 1
        self.changes += 1
        return true
    }

    private mutating func kill(_ node: NodeEpoch, at now: Int64) {
        guard self[node].isAlive else { return }
        self[node].status = .dead
        self.view += 1
        self.changes += 1
        self.votes.removeAll { $0.target == node.number || $0.voter == node.number }
        if self.coordinator == node.number { self.termUntil = 0 }
        for index in self.shards.indices {
            if self.shards[index].target == node.number {
                self.shards[index].target = nil
                self.shards[index].state = .running
            }
            guard self.shards[index].owner == node.number else { continue }
            self.give(index, to: nil, .free, at: now)
            self.waitForEffects(index, until: self[node].leaseUntil)
        }
    }

    mutating func give(_ index: Int, to owner: Int64?, _ state: ShardState, at now: Int64) {
        self.shards[index].owner = owner
        self.shards[index].generation += 1
        self.shards[index].state = state
        self.shards[index].target = nil
        self.shards[index].since = now
        self.changes += 1
    }

    mutating func waitForEffects(_ index: Int, until time: Int64) {
        guard self.mutation != .effectsAfter else { return }
        self.shards[index].effectsAfter = max(self.shards[index].effectsAfter, time)
    }

    func term(at now: Int64) -> CoordinatorTerm? {
        guard let coordinator = self.coordinator, self.termUntil > now else { return nil }
        return CoordinatorTerm(node: NodeEpoch(coordinator), epoch: self.term)
    }

    // MARK: Readings

    private func clusterView(at now: Int64) -> ClusterView {
        var views: [NodeView] = []
        for (index, node) in self.nodes.enumerated() where node.isAlive {
            views.append(
                NodeView(
                    epoch: NodeEpoch(Int64(index + 1)),
                    name: "",
                    address: "",
                    endpoint: "here:1",
                    zone: node.zone,
                    build: node.build,
                    status: node.status,
                    leaseLeft: .microseconds(node.leaseUntil - now)
                )
            )
        }
        return ClusterView(version: self.view, nodes: views, coordinator: self.term(at: now))
    }

    private func shardViews(at now: Int64) -> [ShardView] {
        self.shards.enumerated().map { index, shard in
            ShardView(
                shard: Int32(index),
                owner: shard.owner.map(NodeEpoch.init),
                generation: shard.generation,
                state: shard.state,
                target: shard.target.map(NodeEpoch.init),
                effectsIn: .microseconds(shard.effectsAfter - now)
            )
        }
    }

    // MARK: Votes

    private mutating func vote(
        _ me: NodeEpoch,
        against target: NodeEpoch,
        isHard: Bool,
        at now: Int64
    ) {
        guard self[me].isAlive, self[target].isAlive else { return }
        let place = self.votes.firstIndex { $0.target == target.number && $0.voter == me.number }
        guard let place else {
            return self.votes.append(
                Vote(
                    target: target.number,
                    voter: me.number,
                    firstAt: now,
                    lastAt: now,
                    isHard: isHard
                )
            )
        }
        // After a pause the vote begins anew.
        if self.votes[place].lastAt < now - Self.lease { self.votes[place].firstAt = now }
        self.votes[place].lastAt = now
        self.votes[place].isHard = isHard
    }

    private mutating func evict(
        _ target: NodeEpoch,
        by me: NodeEpoch,
        isHard: Bool,
        at now: Int64
    ) -> Bool {
        guard self[target].isAlive, self.isLive(me, at: now) else { return false }
        let isEnough = self.mutation == .votes || self.isGuilty(target, me, isHard, at: now)
        guard isEnough else { return false }
        self.evictions.append((target.number, isHard))
        self.kill(target, at: now)
        return true
    }

    private func isGuilty(
        _ target: NodeEpoch,
        _ me: NodeEpoch,
        _ isHard: Bool,
        at now: Int64
    ) -> Bool {
        // The target counts also while it drains, and others also while their leases are over: those
        // who cannot vote must not make one vote enough.
        let active = self.nodes.indices.count {
            self.nodes[$0].status == .active || $0 + 1 == target.number
        }
        let needed = min(2, max(1, active - 1))
        let renewedAt = self[target].renewedAt
        // One voter alone is believed only when the database is the third witness.
        let isLate = renewedAt < now - 3_750_000
        let isSteady = self[me].streakSince < now - Self.lease
        if needed == 1, !isLate || !isSteady { return false }
        if !isHard, self.term(at: now)?.node != me { return false }
        let count = self.votes.count { vote in
            guard vote.target == target.number, vote.lastAt > now - 30 * Self.second else {
                return false
            }
            let voter = self[NodeEpoch(vote.voter)]
            guard voter.status == .active, voter.leaseUntil > now + Self.lease / 2 else {
                return false
            }
            return isHard
                ? vote.isHard && vote.lastAt > renewedAt
                : vote.firstAt <= now - 15 * Self.second && vote.lastAt > now - Self.lease
        }
        return count >= needed
    }
}
