// Decides what happens to a simulated cluster and when: one seed, one history.

import PulserIR
import StateMachines
import TestKit

/// A cluster of real machines over a simulated database, network and clock.
struct ClusterSimulation {
    /// What kind of history.
    struct Scenario {
        var nodes: ClosedRange<Int> = 3...9
        /// For how long something goes wrong now and then, in seconds.
        var troubleSeconds: ClosedRange<Int64> = 8...28
        /// What may go wrong; `nil` for everything.
        var faults: [Fault]?
        var shards = 16
        /// The length of an outage of the database right after the start; 0 for none.
        var outageSeconds: Int64 = 0
        /// How many of a thousand requests, and of a thousand replies, the database loses.
        var lossPerMille = 8
        /// Whether clients ask for operations; without them only effects happen.
        var hasClients = true
        var mutation: SimulatedDirectory.Mutation?
        var timing = ClusterTiming()
    }

    enum Fault: CaseIterable {
        /// A process is gone and comes back.
        case crash
        /// A process does nothing for a while, then goes on with what it had.
        case freeze
        /// The database does not hear a node.
        case cut
        /// A node's readings of the shards are lost.
        case blind
        /// The database answers nobody.
        case outage
        /// A node hears none of its peers.
        case isolation
        /// Two nodes do not hear each other.
        case link
        /// Something in between refuses connections of two nodes.
        case rejection
        /// Messages between nodes are lost.
        case loss
        /// Messages between nodes take long and overtake each other.
        case slowness
        /// A node is asked to leave and comes back with a newer build.
        case leave
        /// A person drains a node and takes that back.
        case drain
        /// A node's clock jumps ahead and runs at another rate.
        case clock
    }

    enum Event {
        case start(Int)
        case tick(Int, life: Int)
        case effects(Int, life: Int)
        case arrive(Int, life: Int, id: Int, DirectoryRequest, isReplyLost: Bool)
        case answer(Int, life: Int, id: Int, DirectoryAnswer)
        case notified(Int, life: Int)
        case probe(Int, life: Int, id: Int, to: Int, NodeEpoch, via: Int?)
        case probed(Int, life: Int, id: Int, NodeEpoch, PeerMachine.Answer)
        case send(Int)
        case burst(Int32)
        case write(Int, life: Int, OwnedShard, Int, isLate: Bool)
        case written(Int, life: Int, OwnedShard, Int, SimulatedDirectory.Written?)
        case forwarded(Int, OwnedShard, [Int])
        case thaw(Int)
        case undrain(NodeEpoch)
        case trouble
        case outage
        case inspect
        case end
    }

    static let second = SimulatedDirectory.second
    /// Until then everybody joins and shards come to rest.
    static let calmStart = 8 * second

    let scenario: Scenario
    var random: SeededGenerator
    var now: Int64 = 0
    var queue = EventQueue()
    var directory: SimulatedDirectory
    var hosts: [SimulatedHost]
    var network: SimulatedNetwork
    var invariants: ClusterInvariants
    var clients = SimulatedClients()
    var troubleUntil: Int64 = 0
    var builds = 1
    /// A digest of everything that happened, in order.
    var trace: UInt64 = 0
    var steps = 0
    var isOver = false
    /// How often each thing happened, so that a simulation that tests little is noticed.
    var counts: [String: Int] = [:]

    init(seed: UInt64, scenario: Scenario = Scenario()) {
        var random = SeededGenerator(seed: seed)
        let size = random.pick(Self.sizes.filter { scenario.nodes.contains($0) })
        self.scenario = scenario
        self.directory = SimulatedDirectory(shards: scenario.shards, mutation: scenario.mutation)
        self.hosts = (0..<size).map { SimulatedHost(zone: "\($0 % 3)") }
        self.network = SimulatedNetwork(hosts: size)
        self.invariants = ClusterInvariants(shards: scenario.shards)
        self.random = random
        let trouble = Int64.random(in: scenario.troubleSeconds, using: &self.random)
        self.troubleUntil = Self.calmStart + trouble * Self.second
        for host in 0..<size { self.add(.start(host), after: self.draw(0...2_000_000)) }
        for shard in 0..<scenario.shards where scenario.hasClients {
            self.add(.burst(Int32(shard)), after: self.draw(2_000_000...6_000_000))
        }
        self.add(.trouble, after: Self.calmStart)
        self.add(.inspect, after: Self.second)
        if scenario.outageSeconds > 0 {
            self.add(.outage, after: Self.calmStart + 12 * Self.second)
        }
        self.add(.end, after: self.troubleUntil + 32 * Self.second)
    }

    /// Small clusters are the most dangerous and the cheapest, so they come most often.
    private static let sizes = [2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9]

    /// Lives until the end or the first violation.
    mutating func run() {
        while !self.isOver, self.invariants.violation == nil, let next = self.queue.next() {
            self.now = next.time
            self.steps += 1
            self.handle(next.event)
        }
    }

    // MARK: Drawing and noting

    mutating func draw(_ range: ClosedRange<Int64>) -> Int64 {
        Int64.random(in: range, using: &self.random)
    }

    mutating func chance(perMille: Int) -> Bool {
        Int.random(in: 0..<1_000, using: &self.random) < perMille
    }

    mutating func add(_ event: Event, after delay: Int64) {
        self.queue.add(event, at: self.now + max(1, delay))
    }

    mutating func note(_ kind: UInt64, _ first: Int, _ second: Int = 0) {
        var mixed = self.trace ^ (kind &* 0x9E37_79B9_7F4A_7C15)
        mixed ^= UInt64(bitPattern: self.now) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= UInt64(bitPattern: Int64(first)) << 32 ^ UInt64(bitPattern: Int64(second))
        self.trace = (mixed ^ (mixed >> 29)) &* 0x94D0_49BB_1331_11EB
    }

    mutating func count(_ what: String) { self.counts[what, default: 0] += 1 }

    // MARK: Events

    private mutating func handle(_ event: Event) {
        switch event {
        case .start(let host): self.start(host)
        case .tick(let host, let life):
            guard self.isUp(host, life, else: event) else { return }
            self.tick(host)
        case .effects(let host, let life):
            guard self.isUp(host, life, else: event) else { return }
            self.act(host)
            self.add(event, after: self.draw(300_000...700_000))
        case .arrive(let host, let life, let id, let request, let isReplyLost):
            self.arrive(host, life, id, request, isReplyLost: isReplyLost)
        case .answer(let host, let life, let id, let answer):
            guard self.isUp(host, life, else: event) else { return }
            self.note(2, host, id)
            self.give(host, .answered(id: id, answer))
        case .notified(let host, let life):
            guard self.isUp(host, life, else: event) else { return }
            self.give(host, .notified)
        case .probe(let host, let life, let id, let target, let epoch, let via):
            self.probe(host, life, id, target, epoch, via)
        case .probed(let host, let life, let id, let peer, let answer):
            guard self.isUp(host, life, else: event) else { return }
            self.give(host, .probed(peer, id: id, answer))
        case .send(let operation): self.send(operation)
        case .burst(let shard): self.burst(shard)
        case .write(let host, let life, let shard, let operation, let isLate):
            self.write(host, life, shard, operation, isLate: isLate)
        case .written(let host, let life, let shard, let operation, let outcome):
            guard self.isUp(host, life, else: event) else { return }
            self.written(host, shard, operation, outcome)
        case .forwarded(let host, let shard, let operations):
            self.take(operations, host, shard)
        case .thaw(let host): self.thaw(host)
        case .undrain(let node): self.directory.undrain(node)
        case .trouble: self.makeTrouble()
        case .outage:
            let end = self.now + self.scenario.outageSeconds * Self.second
            self.happen(.outage, 0, until: end)
        case .inspect:
            self.invariants.inspect(healthySince: self.healthySince, at: self.now)
            self.add(.inspect, after: Self.second)
        case .end:
            self.finish()
            self.isOver = true
        }
    }

    /// Whether `life` of a host goes on; what comes while it is frozen waits for the thaw.
    mutating func isUp(_ host: Int, _ life: Int, else event: Event) -> Bool {
        guard self.hosts[host].life == life else { return false }
        guard !self.hosts[host].isFrozen else {
            self.hosts[host].missed.append(event)
            return false
        }
        return true
    }

    /// Since when at least one node is active and nothing is wrong with it.
    private var healthySince: Int64? {
        var earliest: Int64?
        for host in self.hosts {
            guard host.life > 0, self.directory.isLive(host.epoch, at: self.now) else { continue }
            let since = max(host.calmSince, host.activeSince)
            earliest = min(earliest ?? since, since)
        }
        return earliest
    }

    private mutating func finish() {
        var serving: [Int64: Set<Int32>] = [:]
        for host in self.hosts {
            serving[host.epoch.number] = Set(host.lanes.keys)
        }
        self.invariants.finish(
            self.directory,
            serving: serving,
            waiting: self.clients.waiting.count,
            at: self.now
        )
    }
}
