// Decides what the simulated database does with shards: orders of a coordinator, acts of owners, fenced writes.

import PulserIR
import StateMachines

extension SimulatedDirectory {
    mutating func coordinate(
        _ request: DirectoryRequest,
        by me: NodeEpoch,
        at now: Int64
    ) -> DirectoryAnswer {
        switch request {
        case .elect:
            guard self.isLive(me, at: now), self.termUntil <= now else { return .elected(nil) }
            self.coordinator = me.number
            self.term += 1
            self.termUntil = now + Self.lease
            return .elected(CoordinatorTerm(node: me, epoch: self.term))
        case .prolong(let term):
            guard self.isCurrent(term), self.isLive(me, at: now) else { return .done(false) }
            self.termUntil = now + Self.lease
            return .done(true)
        case .resign(let term):
            guard self.isCurrent(term) else { return .done(false) }
            self.termUntil = 0
            return .done(true)
        case .assign(let term, let placements):
            guard self.isCurrent(term) || self.mutation == .term else { return .done(false) }
            for placement in placements { self.assign(placement, at: now) }
            return .done(true)
        case .mark(let term, let placements):
            guard self.isCurrent(term) || self.mutation == .term else { return .done(false) }
            for placement in placements { self.mark(placement, at: now) }
            return .done(true)
        case .force(let term, let shards):
            guard self.isCurrent(term) else { return .done(false) }
            for shard in shards { self.force(Int(shard), at: now) }
            return .done(true)
        default: return .failed
        }
    }

    mutating func own(
        _ request: DirectoryRequest,
        by me: NodeEpoch,
        at now: Int64
    ) -> DirectoryAnswer {
        switch request {
        case .start(let shards):
            let started = shards.filter { self.owns(me, $0) && self.isServable($0) }
            for shard in started {
                self.shards[Int(shard.shard)].state = .running
                self.shards[Int(shard.shard)].since = now
            }
            return .owned(started)
        case .handOver(let shard, let target):
            let row = self.shards[Int(shard.shard)]
            // From an earlier call whose reply was lost.
            if row.generation == shard.generation + 1, row.owner == target.number {
                return .handedOver(row.generation)
            }
            let isMine =
                row.target == target.number
                || (row.state == .running && self[me].status == .draining)
            guard self.owns(me, shard), isMine, self.isLive(target, at: now) else {
                return .handedOver(nil)
            }
            self.give(Int(shard.shard), to: target.number, .assigned, at: now)
            return .handedOver(shard.generation + 1)
        case .release(let shards):
            let released = shards.filter { self.owns(me, $0) }
            for shard in released { self.give(Int(shard.shard), to: nil, .free, at: now) }
            return .owned(released)
        case .decline(let shards):
            let kept = shards.filter {
                self.owns(me, $0) && self.shards[Int($0.shard)].state == .handingOff
            }
            for shard in kept {
                self.shards[Int(shard.shard)].state = .running
                self.shards[Int(shard.shard)].target = nil
                self.shards[Int(shard.shard)].since = now
                self.changes += 1
            }
            return .owned(kept)
        default: return .failed
        }
    }

    /// The fenced write of one operation; repeated after a lost reply it says the same.
    mutating func write(
        _ operation: Int,
        to shard: OwnedShard,
        by me: NodeEpoch
    ) -> Written {
        guard self.owns(me, shard) || self.mutation == .fence else { return .lost }
        if self.applied.insert(operation).inserted {
            let entry = Entry(operation: operation, generation: shard.generation)
            self.logs[Int(shard.shard)].append(entry)
        }
        return .done
    }

    func owns(_ me: NodeEpoch, _ shard: OwnedShard) -> Bool {
        let row = self.shards[Int(shard.shard)]
        return row.owner == me.number && row.generation == shard.generation
    }

    private func isServable(_ shard: OwnedShard) -> Bool {
        [.assigned, .running].contains(self.shards[Int(shard.shard)].state)
    }

    private func isCurrent(_ term: CoordinatorTerm) -> Bool {
        self.term == term.epoch && self.coordinator == term.node.number
    }

    private mutating func assign(_ placement: Placement, at now: Int64) {
        let index = Int(placement.shard)
        guard self.isLive(placement.node, at: now) else { return }
        guard self.shards[index].state == .free || self.mutation == .term else { return }
        self.give(index, to: placement.node.number, .assigned, at: now)
    }

    private mutating func mark(_ placement: Placement, at now: Int64) {
        let index = Int(placement.shard)
        guard self.isLive(placement.node, at: now), self.shards[index].state == .running,
            self.shards[index].owner != placement.node.number
        else { return }
        self.shards[index].state = .handingOff
        self.shards[index].target = placement.node.number
        self.shards[index].since = now
        self.changes += 1
    }

    private mutating func force(_ index: Int, at now: Int64) {
        let shard = self.shards[index]
        guard shard.state == .handingOff,
            shard.since <= now - 15 * Self.second, let owner = shard.owner.map(NodeEpoch.init)
        else { return }
        self[owner].shardsTaken += 1
        let target = shard.target.flatMap { self.isLive(NodeEpoch($0), at: now) ? $0 : nil }
        self.give(index, to: target, target == nil ? .free : .assigned, at: now)
        self.waitForEffects(index, until: self[owner].leaseUntil)
    }
}
