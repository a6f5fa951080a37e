// Decides how simulated nodes start, ask the database and probe each other: they perform the machine's actions.

import PulserIR
import StateMachines

extension ClusterSimulation {
    /// How long a driver waits for the database before it takes a request for failed.
    private static let deadline: Int64 = 3_000_000

    // MARK: Lives

    mutating func start(_ host: Int) {
        guard self.hosts[host].life == 0 else { return }
        guard !self.network.isCut(host, at: self.now) else {
            return self.add(.start(host), after: Self.second)
        }
        let joinedAt = self.hosts[host].local(at: self.now)
        let before = self.directory.nodes
        let epoch = self.directory.join(
            address: host,
            zone: self.hosts[host].zone,
            build: self.hosts[host].build,
            at: self.now
        )
        self.invariants.check(self.directory, before: before, by: nil, at: self.now)
        self.note(1, host, Int(epoch.number))
        self.hosts[host].life = Int(epoch.number)
        self.hosts[host].lanes = [:]
        self.hosts[host].tickAt = .max
        self.hosts[host].activeSince = .max
        self.hosts[host].machine = NodeMachine(
            me: epoch,
            joinedAt: joinedAt,
            at: joinedAt,
            timing: self.scenario.timing
        )
        let life = self.hosts[host].life
        self.add(.effects(host, life: life), after: self.draw(0...300_000))
        self.give(host, .tick)
    }

    /// The process is gone, with all that it had in memory.
    mutating func end(_ host: Int, restartAfter delay: Int64) {
        self.hosts[host].machine = nil
        self.hosts[host].life = 0
        self.hosts[host].lanes = [:]
        self.hosts[host].missed = []
        self.hosts[host].isFrozen = false
        self.add(.start(host), after: delay)
    }

    mutating func thaw(_ host: Int) {
        guard self.hosts[host].isFrozen else { return }
        self.hosts[host].isFrozen = false
        // It goes on with what it had: effects first, whatever came meanwhile.
        self.act(host)
        let missed = self.hosts[host].missed
        self.hosts[host].missed = []
        for (index, event) in missed.enumerated() { self.add(event, after: Int64(index)) }
        self.hosts[host].tickAt = .max
        self.schedule(host)
    }

    // MARK: The machine

    mutating func give(_ host: Int, _ event: NodeMachine.Event) {
        let local = self.hosts[host].local(at: self.now)
        guard let actions = self.hosts[host].handle(event, at: local) else { return }
        for action in actions { self.perform(action, host) }
        let it = self.hosts[host]
        if it.machine?.status == .active, it.activeSince == .max {
            self.invariants.violate("node \(it.life) is active and never said so", at: self.now)
        }
        self.schedule(host)
    }

    /// A tick that comes before the machine wants one only looks again.
    mutating func tick(_ host: Int) {
        guard self.hosts[host].tickAt == self.now else { return }
        self.hosts[host].tickAt = .max
        if self.hosts[host].global(self.hosts[host].wakeAt) > self.now {
            return self.schedule(host)
        }
        self.give(host, .tick)
    }

    private mutating func schedule(_ host: Int) {
        guard self.hosts[host].life > 0 else { return }
        let tickAt = max(self.now + 1, self.hosts[host].global(self.hosts[host].wakeAt))
        guard tickAt < self.hosts[host].tickAt else { return }
        self.hosts[host].tickAt = tickAt
        self.queue.add(.tick(host, life: self.hosts[host].life), at: tickAt)
    }

    private mutating func perform(_ action: NodeMachine.Action, _ host: Int) {
        switch action {
        case .ask(let request, let id): self.ask(request, id, host)
        case .probe(let peer, let id, let via): self.send(probe: id, to: peer, via: via, host)
        case .shard(let action): self.perform(action, host)
        case .ready:
            self.hosts[host].activeSince = self.now
            self.count("ready")
        case .trust, .distrust: self.count("trust changes")
        case .dead:
            self.count("dead")
            self.end(host, restartAfter: self.draw(100_000...1_000_000))
        case .left:
            self.count("left")
            self.end(host, restartAfter: self.draw(100_000...2_000_000))
        }
    }

    // MARK: The database

    private mutating func ask(_ request: DirectoryRequest, _ id: Int, _ host: Int) {
        let life = self.hosts[host].life
        let isBlind = request == .shards && self.network.blindUntil[host] > self.now
        let loss = self.scenario.lossPerMille
        let fate = Int.random(in: 0..<1_000, using: &self.random)
        let failed = Event.answer(host, life: life, id: id, .failed)
        if self.network.isCut(host, at: self.now) || isBlind || fate < loss {
            return self.add(failed, after: Self.deadline)
        }
        // Some requests are carried out long after nobody waits for them any more.
        let isLate = fate < loss * 2
        let isReplyLost = fate < loss * 3
        if isReplyLost { self.add(failed, after: Self.deadline) }
        let delay = isLate ? self.draw(3_000_000...7_000_000) : self.draw(300...4_000)
        self.add(
            .arrive(host, life: life, id: id, request, isReplyLost: isReplyLost),
            after: delay
        )
    }

    mutating func arrive(
        _ host: Int,
        _ life: Int,
        _ id: Int,
        _ request: DirectoryRequest,
        isReplyLost: Bool
    ) {
        guard self.network.outageUntil <= self.now else {
            return self.fail(host, life, id, isReplyLost)
        }
        let me = NodeEpoch(Int64(life))
        let changes = self.directory.changes
        self.note(3, host, id)
        let before = self.directory.nodes
        let answer = self.directory.execute(request, by: me, at: self.now)
        switch request {
        case .view, .shards: break
        default:
            self.judge(before)
            self.invariants.check(self.directory, before: before, by: me, at: self.now)
        }
        if case .reaped(let nodes) = answer, !nodes.isEmpty {
            self.count("reaped")
            self.invariants.reaped(
                nodes,
                isJustBack: self.network.isJustBack(at: self.now),
                at: self.now
            )
        }
        if self.directory.changes != changes { self.notify() }
        guard !isReplyLost else { return }
        if self.network.isCut(host, at: self.now) { return self.fail(host, life, id, false) }
        self.add(.answer(host, life: life, id: id, answer), after: self.draw(300...4_000))
    }

    private mutating func fail(_ host: Int, _ life: Int, _ id: Int, _ isReplyLost: Bool) {
        guard !isReplyLost else { return }
        self.add(.answer(host, life: life, id: id, .failed), after: Self.deadline)
    }

    /// Whoever listens is told, mostly.
    private mutating func notify() {
        for host in self.hosts.indices where self.hosts[host].life > 0 {
            guard !self.network.isCut(host, at: self.now), !self.chance(perMille: 50) else {
                continue
            }
            let event = Event.notified(host, life: self.hosts[host].life)
            self.add(event, after: self.draw(300...8_000))
        }
    }

    private mutating func judge(_ before: [SimulatedDirectory.Node]) {
        for eviction in self.directory.evictions {
            self.count(eviction.isHard ? "hard evictions" : "soft evictions")
            let host = before[Int(eviction.target) - 1].address
            let isSame = self.hosts[host].epoch.number == eviction.target
            let calm = self.now - self.hosts[host].calmSince
            self.invariants.evicted(
                eviction.target,
                isInnocent: isSame && calm > 20 * Self.second,
                before,
                at: self.now
            )
        }
        self.directory.evictions = []
    }

    // MARK: Probes

    private mutating func send(
        probe id: Int,
        to peer: NodeEpoch,
        via: NodeEpoch?,
        _ host: Int
    ) {
        let target = self.directory[peer].address
        let helper = via.map { self.directory[$0].address }
        let life = self.hosts[host].life
        let event = Event.probe(host, life: life, id: id, to: target, peer, via: helper)
        // There and back; what the target is, it is at the end.
        guard let there = self.network.delay(&self.random, at: self.now),
            let back = self.network.delay(&self.random, at: self.now)
        else { return }
        self.add(event, after: there + back)
        if self.chance(perMille: 5) { self.add(event, after: there + back + 40_000) }
    }

    /// A probe has arrived, and its answer too.
    mutating func probe(
        _ host: Int,
        _ life: Int,
        _ id: Int,
        _ target: Int,
        _ peer: NodeEpoch,
        _ via: Int?
    ) {
        let last = via ?? host
        if let via {
            let isOpen = self.network.passage(host, via, at: self.now) == .open
            guard isOpen, !self.hosts[via].isFrozen, self.hosts[via].life > 0 else { return }
        }
        var answer: PeerMachine.Answer?
        switch self.network.passage(last, target, at: self.now) {
        case .silent: answer = nil
        case .rejected: answer = .refused
        case .open:
            if self.hosts[target].life == Int(peer.number) {
                answer = self.hosts[target].isFrozen ? nil : .alive
            } else {
                answer = .refused
            }
        }
        guard var answer else { return }
        if answer == .alive, via == nil {
            let version = self.hosts[host].viewVersion
            self.give(target, .called(NodeEpoch(Int64(life)), viewVersion: version))
        }
        if answer == .refused, via != nil { answer = .unreachable }
        let event = Event.probed(host, life: life, id: id, peer, answer)
        if self.isUp(host, life, else: event) {
            self.give(host, .probed(peer, id: id, answer))
        }
    }
}
