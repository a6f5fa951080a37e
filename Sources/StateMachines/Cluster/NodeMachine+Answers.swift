// Decides what follows from what the database answered.

internal import PulserIR

extension NodeMachine {
    /// Takes the outcome of the request `id`.
    mutating func answered(
        _ id: Int,
        _ answer: DirectoryAnswer,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        guard let asked = self.asked.removeValue(forKey: id) else { return }
        self.isDirty = true
        switch asked.request {
        case .renew: self.renewed(answer, sentAt: asked.sentAt, at: now, &actions)
        case .reap:
            self.isReaping = false
            if case .reaped(let nodes) = answer, !nodes.isEmpty { self.changed(at: now) }
        case .activate, .drain, .leave: self.changedStatus(asked, answer, at: now, &actions)
        case .view:
            self.isReading.view = false
            guard case .view(let view) = answer else {
                self.viewAt = min(self.viewAt, now + self.timing.pause)
                return
            }
            self.learn(view, sentAt: asked.sentAt, at: now)
        case .shards: self.readShards(answer, sentAt: asked.sentAt, at: now, &actions)
        case .suspect(let target, let isHard):
            self.voted(target, .suspect(isHard: isHard), answer, at: now)
        case .clear(let target): self.voted(target, .clear, answer, at: now)
        case .evict(let target, let isHard):
            self.voted(target, .evict(isHard: isHard), answer, at: now)
            if answer == .done(true) { self.changed(at: now) }
        case .elect, .prolong, .resign:
            self.coordinator.answered(asked.request, answer, at: now)
            if self.coordinator.term != nil, asked.request == .elect { self.changed(at: now) }
        case .assign, .mark, .force:
            self.coordinator.answered(asked.request, answer, at: now)
            self.shardsAt = now
        case .start, .handOver, .release, .decline:
            actions += self.owner.answered(asked.request, answer, at: now).map { .shard($0) }
            if answer != .failed, !self.isPlain(answer) { self.shardsAt = now }
        }
    }

    /// Whether a shard's request had the outcome it was made for.
    private func isPlain(_ answer: DirectoryAnswer) -> Bool {
        switch answer {
        case .owned(let shards): !shards.isEmpty
        case .handedOver(let generation): generation != nil
        default: false
        }
    }

    private mutating func changed(at now: Duration) {
        self.viewAt = now
        self.shardsAt = now
    }

    // MARK: Lease

    private mutating func renewed(
        _ answer: DirectoryAnswer,
        sentAt: Duration,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        self.renewals -= 1
        guard case .renewed(let renewal) = answer else {
            self.renewAt = min(self.renewAt, now + self.timing.pause)
            return
        }
        guard let renewal else {
            _ = self.lease.handle(.refused, at: now)
            self.hasEnded = true
            actions.append(.dead)
            return
        }
        self.renewAt = max(self.renewAt, sentAt + self.timing.renewal)
        self.leaseEndsAt = max(self.leaseEndsAt, sentAt + self.timing.lease)
        if sentAt >= self.statusKnownAt { self.status = renewal.status }
        self.coordinator.learn(renewal.coordinator)
        if renewal.viewVersion > self.view.version { self.readView(at: now) }
        // Asked again and again: an expired lease shows in no view.
        self.reapAt = now
        if renewal.shardsTaken > self.shardsTaken {
            // Whoever got them waits for the lease of before, so this one counts only with what
            // was read after it.
            self.shardsTaken = renewal.shardsTaken
            self.unproven = (sentAt, now)
            self.shardsAt = now
        } else if self.unproven != nil {
            self.unproven?.sentAt = sentAt
        } else {
            self.prolongTrust(sentAt, at: now, &actions)
        }
    }

    private mutating func prolongTrust(
        _ sentAt: Duration,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        switch self.lease.handle(.renewed(sentAt: sentAt), at: now) {
        case .trust: actions.append(.trust)
        case .distrust: actions.append(.distrust)
        case .dead, nil: break
        }
    }

    private mutating func changedStatus(
        _ asked: Asked,
        _ answer: DirectoryAnswer,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        self.isChangingStatus = false
        guard case .done(let isDone) = answer else {
            self.statusAt = now + self.timing.pause
            return
        }
        guard isDone else {
            // Dead, or changed by somebody else: a renewal tells.
            self.statusAt = now + self.timing.pause
            self.renewAt = now
            return
        }
        self.statusKnownAt = now
        switch asked.request {
        case .activate:
            self.status = .active
            self.changed(at: now)
        case .drain: self.status = .draining
        default:
            self.status = .dead
            self.hasEnded = true
            actions.append(.left)
        }
    }

    // MARK: Readings

    private mutating func readShards(
        _ answer: DirectoryAnswer,
        sentAt: Duration,
        at now: Duration,
        _ actions: inout [Action]
    ) {
        self.isReading.shards = false
        guard case .shards(let rows) = answer else {
            self.shardsAt = min(self.shardsAt, now + self.timing.pause)
            return
        }
        self.shardsReadAt = sentAt
        actions += self.owner.learn(rows, sentAt: sentAt, at: now).map { .shard($0) }
        self.coordinator.read(sentAt: sentAt)
        if let unproven = self.unproven, sentAt >= unproven.arrivedAt {
            self.unproven = nil
            self.prolongTrust(unproven.sentAt, at: now, &actions)
        }
    }

    private mutating func learn(_ view: ClusterView, sentAt: Duration, at now: Duration) {
        guard view.version >= self.view.version else { return }
        self.view = view
        self.coordinator.learn(view.coordinator)
        guard let mine = view.nodes.first(where: { $0.epoch == self.me }) else {
            // Declared dead, by the look of it; the renewal says so for certain.
            self.renewAt = now
            return
        }
        // A person may have said that it drains, or does not any more.
        if sentAt >= self.statusKnownAt, !self.isChangingStatus { self.status = mine.status }
        // Who cannot be called is watched by its lease alone, and watches nobody.
        let others =
            mine.isReachable
            ? view.nodes.filter { $0.epoch != self.me && $0.isReachable } : []
        let watched = Set(
            Rendezvous.successors(
                of: self.me,
                among: others.map(\.epoch),
                count: self.timing.watchedMax
            )
        )
        let known = self.peers
        self.peers = others.filter { watched.contains($0.epoch) }.map { node in
            var peer =
                known.first { $0.node.epoch == node.epoch }
                ?? Peer(
                    node: node,
                    leaseUntil: .zero,
                    machine: PeerMachine(at: now, timing: self.timing),
                    vote: VoteMachine(timing: self.timing)
                )
            peer.node = node
            peer.leaseUntil = now + node.leaseLeft
            return peer
        }
    }

    private mutating func voted(
        _ target: NodeEpoch,
        _ decision: VoteMachine.Decision,
        _ answer: DirectoryAnswer,
        at now: Duration
    ) {
        guard let index = self.index(of: target) else { return }
        self.peers[index].vote.answered(decision, succeeded: answer != .failed, at: now)
    }
}
