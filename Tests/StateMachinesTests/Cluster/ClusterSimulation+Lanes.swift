// Decides how simulated shards work: bounded mailboxes, fenced writes, effects that no fence can refuse.

import PulserIR
import StateMachines

/// Those who want operations done, and what they know.
struct SimulatedClients {
    /// Where a client believes a shard to be.
    struct Place {
        var host: Int
        var generation: Int64
    }

    var last = 0
    /// Operations without an answer, with their shard.
    var waiting: [Int: Int32] = [:]
    var places: [Int32: Place] = [:]
}

extension ClusterSimulation {
    // MARK: Clients

    /// Some operations at once for one shard.
    mutating func burst(_ shard: Int32) {
        guard self.now < self.troubleUntil + 15 * Self.second else { return }
        for _ in 0..<Int(self.draw(1...3)) {
            self.clients.last += 1
            self.clients.waiting[self.clients.last] = shard
            self.send(self.clients.last)
        }
        self.add(.burst(shard), after: self.draw(2_000_000...7_000_000))
    }

    /// Tries an operation that has no answer yet; a timeout is an unknown outcome, so it is repeated
    /// under its own name.
    mutating func send(_ operation: Int) {
        guard let shard = self.clients.waiting[operation] else { return }
        let random = Int(self.draw(0...Int64(self.hosts.count - 1)))
        var place =
            self.clients.places[shard] ?? SimulatedClients.Place(host: random, generation: 0)
        if self.chance(perMille: 100) {
            place = SimulatedClients.Place(host: random, generation: 0)
        }
        for _ in 0...2 {
            guard let machine = self.hosts[place.host].machine, !self.hosts[place.host].isFrozen
            else { break }
            switch machine.admission(shard, generation: place.generation) {
            case .admit:
                self.clients.places[shard] = place
                let isTaken = self.enqueue(operation, place.host, shard)
                self.count(isTaken ? "admitted" : "overloaded")
                return self.add(.send(operation), after: isTaken ? 3_000_000 : 1_000_000)
            case .stale(let generation): place.generation = generation
            case .moved(let node, let generation):
                let host = self.directory[node].address
                place = SimulatedClients.Place(host: host, generation: generation)
                self.count("redirected")
            case .refresh:
                self.give(place.host, .notified)
                return self.add(.send(operation), after: 200_000)
            case .moving:
                self.clients.places[shard] = nil
                return self.add(.send(operation), after: 200_000)
            }
        }
        self.clients.places[shard] = nil
        self.add(.send(operation), after: 500_000)
    }

    // MARK: Mailboxes

    private mutating func enqueue(_ operation: Int, _ host: Int, _ shard: Int32) -> Bool {
        guard var lane = self.hosts[host].lanes[shard],
            lane.mailbox.count < ClusterInvariants.mailboxMax
        else { return false }
        if !lane.mailbox.contains(operation) { lane.mailbox.append(operation) }
        self.invariants.queued(lane.mailbox.count, shard, at: self.now)
        self.hosts[host].lanes[shard] = lane
        self.work(host, shard)
        return true
    }

    /// Writes the oldest operation of a mailbox.
    private mutating func work(_ host: Int, _ shard: Int32) {
        guard let lane = self.hosts[host].lanes[shard], !lane.isWriting else { return }
        let name = OwnedShard(shard: shard, generation: lane.generation)
        guard !lane.isSettling, let operation = lane.mailbox.first else {
            if lane.isSettling { self.give(host, .settled([name])) }
            return
        }
        self.hosts[host].lanes[shard]?.isWriting = true
        let life = self.hosts[host].life
        if self.network.isCut(host, at: self.now) || self.chance(perMille: 5) {
            return self.add(.written(host, life: life, name, operation, nil), after: 3_000_000)
        }
        // Some writes are carried out long after nobody waits for them any more.
        let isLate = self.chance(perMille: 5)
        if isLate { self.add(.written(host, life: life, name, operation, nil), after: 3_000_000) }
        let delay = isLate ? self.draw(3_000_000...9_000_000) : self.draw(500...5_000)
        self.add(.write(host, life: life, name, operation, isLate: isLate), after: delay)
    }

    /// A write has come to the database, maybe after its process ended.
    mutating func write(
        _ host: Int,
        _ life: Int,
        _ shard: OwnedShard,
        _ operation: Int,
        isLate: Bool
    ) {
        let node = NodeEpoch(Int64(life))
        var outcome: SimulatedDirectory.Written?
        if self.network.outageUntil <= self.now {
            outcome = self.directory.write(operation, to: shard, by: node)
            self.note(4, Int(shard.shard), operation)
            if outcome == .done {
                self.invariants.wrote(shard, by: node, self.directory, at: self.now)
            } else {
                self.count("refused writes")
            }
        }
        if isLate { return }
        let isReplyLost = self.network.isCut(host, at: self.now) || self.chance(perMille: 10)
        if isReplyLost { outcome = nil }
        self.add(
            .written(host, life: life, shard, operation, outcome),
            after: outcome == nil ? 3_000_000 : self.draw(500...5_000)
        )
    }

    mutating func written(
        _ host: Int,
        _ shard: OwnedShard,
        _ operation: Int,
        _ outcome: SimulatedDirectory.Written?
    ) {
        if outcome == .done { self.acknowledge(operation) }
        guard self.hosts[host].lanes[shard.shard]?.generation == shard.generation else { return }
        switch outcome {
        case .done: self.hosts[host].lanes[shard.shard]?.mailbox.removeAll { $0 == operation }
        case .lost:
            // ShardLost: its actors stop, and the node looks who has it.
            self.hosts[host].lanes[shard.shard] = nil
            return self.give(host, .shardsChanged)
        case nil: break
        }
        self.hosts[host].lanes[shard.shard]?.isWriting = false
        self.work(host, shard.shard)
    }

    private mutating func acknowledge(_ operation: Int) {
        // Sometimes the client does not hear of it and asks again.
        if self.chance(perMille: 50) { return }
        self.clients.waiting[operation] = nil
        self.invariants.acknowledge(operation)
    }

    // MARK: Effects

    /// Every shard of the node does something that cannot be taken back.
    mutating func act(_ host: Int) {
        let local = self.hosts[host].local(at: self.now)
        for shard in self.hosts[host].acting(at: local) {
            self.note(5, host, Int(shard.shard))
            let epoch = self.hosts[host].epoch
            self.invariants.acted(shard, by: epoch, self.directory, at: self.now)
        }
    }

    // MARK: What the machine says about shards

    mutating func perform(_ action: ShardOwnerMachine.Action, _ host: Int) {
        switch action {
        case .begin(let shard, _):
            self.count("begun")
            self.hosts[host].lanes[shard.shard] = SimulatedHost.Lane(generation: shard.generation)
        case .settle(let shard):
            self.hosts[host].lanes[shard.shard]?.isSettling = true
            self.work(host, shard.shard)
        case .resume(let shard):
            self.count("resumed")
            self.hosts[host].lanes[shard.shard]?.isSettling = false
            self.work(host, shard.shard)
        case .stop(let shard):
            self.count("stopped")
            if self.hosts[host].lanes[shard.shard]?.generation == shard.generation {
                self.hosts[host].lanes[shard.shard] = nil
            }
        case .forward(let shard, let target, let generation):
            self.count("handed over")
            let waiting = self.hosts[host].lanes[shard.shard]?.mailbox ?? []
            self.hosts[host].lanes[shard.shard] = nil
            let moved = OwnedShard(shard: shard.shard, generation: generation)
            let event = Event.forwarded(self.directory[target].address, moved, waiting)
            if !waiting.isEmpty { self.add(event, after: self.draw(20_000...60_000)) }
        }
    }

    /// What waited at the owner before comes to the new one.
    mutating func take(_ operations: [Int], _ host: Int, _ shard: OwnedShard) {
        guard !self.hosts[host].isFrozen,
            self.hosts[host].lanes[shard.shard]?.generation == shard.generation
        else { return }
        for operation in operations where self.clients.waiting[operation] != nil {
            self.count("forwarded")
            _ = self.enqueue(operation, host, shard.shard)
        }
    }
}
