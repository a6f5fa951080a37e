// Decides what of a node's duties is due now, and when the next one is.

internal import PulserIR

extension NodeMachine {
    /// Does everything that is due and sets `wakeAt`.
    mutating func work(at now: Duration, _ actions: inout [Action]) {
        // However it was heard of: the answer to the activation may be lost, and a renewal tells then.
        if self.status == .active, !self.isReady {
            self.isReady = true
            actions.append(.ready)
        }
        self.keepLease(at: now, &actions)
        guard !self.hasEnded else { return }
        self.read(at: now, &actions)
        self.watch(at: now, &actions)
        self.changeStatus(at: now, &actions)
        guard !self.hasEnded else { return }
        if self.coordinator.isConcerned {
            let situation = self.situation(at: now)
            if let request = self.coordinator.decide(situation, at: now) {
                self.ask(request, at: now, &actions)
            }
        }
        self.shed(at: now, &actions)
        let (work, requests) = self.owner.work(at: now)
        actions += work.map { .shard($0) }
        for request in requests { self.ask(request, at: now, &actions) }
        self.wakeAt = max(now + .milliseconds(1), self.nextWake(after: now))
    }

    /// Whether this node may accuse others: more than half of its lease is left and it was not late
    /// itself lately.
    private func isFit(at now: Duration) -> Bool {
        self.status == .active && self.leaveBy == nil && now - self.lateAt >= self.timing.veto
            && self.leaseEndsAt - now > self.timing.lease / 2
    }

    /// Whether none of at least two peers is well. With one peer the database is the third witness.
    private func isAlone(at now: Duration) -> Bool {
        let live = self.peers.filter { now < $0.leaseUntil }
        return live.count >= 2 && live.allSatisfy { $0.machine.suspicion != .none }
    }

    private mutating func keepLease(at now: Duration, _ actions: inout [Action]) {
        switch self.lease.handle(.tick, at: now) {
        case .distrust: actions.append(.distrust)
        case .trust: actions.append(.trust)
        case .dead, nil: break
        }
        if now >= self.renewAt, self.renewals < Self.renewalsMax {
            // Without an answer soon it is asked once more: renewals do not conflict with each other,
            // and one lost message shall not make a node look late.
            self.renewals += 1
            self.renewAt = now + self.timing.pause
            self.ask(.renew, at: now, &actions)
        }
        if let reapAt = self.reapAt, now >= reapAt, !self.isReaping {
            self.isReaping = true
            self.reapAt = nil
            self.ask(.reap, at: now, &actions)
        }
    }

    private mutating func read(at now: Duration, _ actions: inout [Action]) {
        if now >= self.viewAt, !self.isReading.view {
            self.isReading.view = true
            self.viewAt = now + self.timing.viewPoll
            self.ask(.view, at: now, &actions)
        }
        if now >= self.shardsAt, !self.isReading.shards {
            self.isReading.shards = true
            self.shardsAt = now + self.timing.shardPoll
            self.ask(.shards, at: now, &actions)
        }
    }

    /// Probes whoever is due and decides about votes.
    private mutating func watch(at now: Duration, _ actions: inout [Action]) {
        for index in self.peers.indices where now < self.peers[index].leaseUntil {
            let id = self.lastID + 1
            guard let route = self.peers[index].machine.tick(at: now, id: id) else { continue }
            self.lastID = id
            let epoch = self.peers[index].node.epoch
            let via = route == .indirect ? self.witness(against: epoch) : nil
            actions.append(.probe(epoch, id: id, via: via))
        }
        self.judge(at: now, &actions)
    }

    /// Decides about this node's votes.
    private mutating func judge(at now: Duration, _ actions: inout [Action]) {
        // Without a suspicion there is nothing to say, and no vote that might stand.
        let isCalm = self.peers.allSatisfy { $0.machine.suspicion == .none && $0.vote.isIdle }
        guard !isCalm else { return }
        let isFit = self.isFit(at: now)
        let heard = self.peers.count { $0.machine.isHeard(at: now) }
        let live = self.peers.count { now < $0.leaseUntil }
        for index in self.peers.indices {
            let peer = self.peers[index]
            let isLive = now < peer.leaseUntil
            let evidence = VoteMachine.Evidence(
                // An expired lease needs no votes.
                suspicion: isLive ? peer.machine.suspicion : .none,
                heardAt: peer.machine.heardAt,
                isFit: isFit,
                hasOthers: live - (isLive ? 1 : 0) > 0,
                hearsOthers: heard - (peer.machine.isHeard(at: now) ? 1 : 0) > 0,
                coordinates: self.coordinator.term != nil
            )
            guard let decision = self.peers[index].vote.decide(evidence, at: now) else { continue }
            let target = peer.node.epoch
            switch decision {
            case .suspect(let isHard):
                self.ask(.suspect(target, isHard: isHard), at: now, &actions)
            case .clear: self.ask(.clear(target), at: now, &actions)
            case .evict(let isHard):
                self.ask(.evict(target, isHard: isHard), at: now, &actions)
            }
        }
    }

    /// A peer that is well, to probe `target` in our place: another one every time.
    private func witness(against target: NodeEpoch) -> NodeEpoch? {
        let well = self.peers.filter {
            $0.node.epoch != target && $0.machine.suspicion == .none
                && $0.machine.answeredAt != nil
        }
        return well.isEmpty ? nil : well[self.lastID % well.count].node.epoch
    }

    // MARK: Joining and leaving

    private mutating func changeStatus(at now: Duration, _ actions: inout [Action]) {
        guard !self.isChangingStatus, now >= self.statusAt else { return }
        if let leaveBy = self.leaveBy {
            if now >= leaveBy + self.timing.lease {
                // The database does not answer: the lease ends by itself.
                self.hasEnded = true
                actions.append(.left)
            } else if self.owner.isEmpty, self.coordinator.term == nil {
                self.isChangingStatus = true
                self.ask(.leave, at: now, &actions)
            } else if self.status != .draining {
                self.isChangingStatus = true
                self.ask(.drain, at: now, &actions)
            }
        } else if self.status == .joining, self.maySettleIn(at: now) {
            self.isChangingStatus = true
            self.ask(.activate, at: now, &actions)
        }
    }

    /// Whether a joining node is connected: all active peers answer it and one has called it. After
    /// a whole lease one peer is enough, so that a hanging one does not keep others out. A node that
    /// hears nobody goes on joining: the table says that there is somebody.
    private func maySettleIn(at now: Duration) -> Bool {
        guard self.view.version > 0 else { return false }
        let active = self.peers.filter { $0.node.status == .active && now < $0.leaseUntil }
        guard !active.isEmpty else { return true }
        guard active.contains(where: { $0.machine.calledAt != nil }) else { return false }
        let answering = active.count { $0.machine.answeredAt != nil }
        return answering == active.count
            || (answering > 0 && now - self.joinedAt >= self.timing.lease)
    }

    /// Moves shards away while draining, a few at a time, and lets the rest go in the end.
    private mutating func shed(at now: Duration, _ actions: inout [Action]) {
        guard !self.owner.isEmpty else { return }
        let isLeaving = self.leaveBy != nil
        if isLeaving { self.owner.hurry(at: now) }
        guard self.status == .draining else {
            // A person took the drain back.
            if !isLeaving { actions += self.owner.stay().map { .shard($0) } }
            return
        }
        let mayWait = self.leaveBy.map { now < $0 } ?? true
        let room = self.timing.drainWidth - self.owner.leaving(at: now)
        var allocation = AllocationMachine(
            nodes: self.nodes(at: now),
            shards: self.owner.table,
            weights: self.weights
        )
        let running = Array(self.owner.running.prefix(max(0, room)))
        let placements = allocation.place(running, excluding: self.me)
        let hasTargets = !allocation.loads.isEmpty
        if mayWait, hasTargets {
            for placement in placements {
                actions += self.owner.move(
                    placement.shard,
                    to: placement.node,
                    isLeaving: isLeaving,
                    at: now
                ).map { .shard($0) }
            }
        } else if isLeaving, mayWait {
            // Nobody is there to take them: what is under way still may end.
            for shard in self.owner.running {
                actions += self.owner.move(shard, to: nil, isLeaving: true, at: now)
                    .map { .shard($0) }
            }
        } else if isLeaving {
            actions += self.owner.letGo().map { .shard($0) }
        }
    }

    // MARK: The moment

    private func situation(at now: Duration) -> CoordinatorMachine.Situation {
        CoordinatorMachine.Situation(
            isEligible: self.status == .active && self.leaveBy == nil
                && self.lease.isTrusted(at: now) && !self.isAlone(at: now)
                // Who cannot see the shards must not hold the office: nobody else could place them.
                && now - self.shardsReadAt < self.timing.lease / 2,
            nodes: self.coordinator.term == nil ? [] : self.nodes(at: now),
            shards: self.owner.table,
            weights: self.weights
        )
    }

    /// The membership with what is left of leases now. Who does not answer gets no shards while
    /// somebody else can have them: it may be frozen until its lease is over.
    private func nodes(at now: Duration) -> [NodeView] {
        var nodes = self.view.nodes
        for index in nodes.indices {
            let epoch = nodes[index].epoch
            if epoch == self.me {
                nodes[index].leaseLeft = self.leaseEndsAt - now
                nodes[index].status = self.status
            } else if let peer = self.index(of: epoch) {
                nodes[index].leaseLeft = self.peers[peer].leaseUntil - now
            }
        }
        let suspects = Set(
            self.peers.filter { $0.machine.suspicion != .none }.map(\.node.epoch)
        )
        let isAnybodyWell = nodes.contains {
            $0.status == .active && $0.leaseLeft > .zero && !suspects.contains($0.epoch)
        }
        guard isAnybodyWell else { return nodes }
        for index in nodes.indices where suspects.contains(nodes[index].epoch) {
            nodes[index].leaseLeft = .zero
        }
        return nodes
    }

    private func nextWake(after now: Duration) -> Duration {
        let mayRenew = self.renewals < Self.renewalsMax
        var wake = mayRenew ? self.renewAt : now + self.timing.renewal
        if !self.isReading.view { wake = min(wake, self.viewAt) }
        if !self.isReading.shards { wake = min(wake, self.shardsAt) }
        for peer in self.peers where now < peer.leaseUntil { wake = min(wake, peer.machine.wakeAt) }
        if now < self.lease.trustedUntil { wake = min(wake, self.lease.trustedUntil) }
        if let termAt = self.coordinator.wakeAt { wake = min(wake, termAt) }
        if let ownerAt = self.owner.wakeAt { wake = min(wake, ownerAt) }
        if let reapAt = self.reapAt, !self.isReaping { wake = min(wake, reapAt) }
        if self.leaveBy != nil || self.status == .joining {
            wake = min(wake, now + self.timing.pause)
        }
        return wake
    }
}
