// Decides how a big cluster moves its shards in virtual time, with everything but the coordinator simplified.

import PulserIR
import StateMachines

/// Nodes that are all well, the real coordinator, and owners that hand over within a moment.
struct Fleet {
    /// How long one shard takes from its mark until it is served by its new owner: the notice, its work
    /// coming to rest, the compare-and-set, the start. Default 250 ms.
    let handoff: Duration
    private static let step: Duration = .milliseconds(50)

    private(set) var nodes: [NodeView] = []
    private(set) var shards: [ShardView]
    private(set) var now: Duration = .zero
    private(set) var moves = 0
    private(set) var rounds = 0
    /// The longest that the coordinator took to decide, by a real clock.
    private(set) var decision: Duration = .zero
    let weights: [Int32: Int]
    private var coordinator = CoordinatorMachine(me: NodeEpoch(1))
    private var arrivals: [Int32: Duration] = [:]

    /// A fleet at rest: `lanes` spread over `shards` by hash, those spread over `nodes` in `zones`.
    init(
        nodes: Int,
        shards: Int = 1_024,
        lanes: Int = 100_000,
        zones: Int = 3,
        seed: UInt64 = 1,
        handoff: Duration = .milliseconds(250)
    ) {
        self.handoff = handoff
        var random = SeededNumbers(seed: seed)
        var weights: [Int32: Int] = [:]
        for _ in 0..<lanes {
            weights[Int32.random(in: 0..<Int32(shards), using: &random), default: 0] += 1
        }
        self.weights = weights
        self.shards = (0..<shards).map {
            ShardView(shard: Int32($0), owner: nil, generation: 0, state: .free)
        }
        for _ in 0..<nodes { self.join(zones: zones) }
        self.settle()
        self.moves = 0
        self.rounds = 0
        self.decision = .zero
    }

    /// One more node, active at once.
    mutating func join(zones: Int = 3, build: String = "1") {
        let number = (self.nodes.last?.epoch.number ?? 0) + 1
        self.nodes.append(
            NodeView(
                epoch: NodeEpoch(number),
                name: "n\(number)",
                address: "n\(number)",
                endpoint: "n\(number):1",
                zone: "z\(number % Int64(zones))",
                build: build,
                status: .active,
                leaseLeft: .seconds(10)
            )
        )
    }

    /// A node is gone; its shards are free.
    mutating func lose(_ index: Int) -> Int {
        let gone = self.nodes.remove(at: index).epoch
        var count = 0
        for shard in self.shards.indices where self.shards[shard].owner == gone {
            self.shards[shard].owner = nil
            self.shards[shard].state = .free
            self.shards[shard].generation += 1
            count += 1
        }
        return count
    }

    /// A node begins to leave: it hands its shards over itself, a few at a time.
    mutating func drain(_ index: Int) { self.nodes[index].status = .draining }

    /// Lets time go on until the coordinator has nothing to order for two seconds.
    ///
    /// - Returns: How long that took, those two seconds not counted.
    @discardableResult
    mutating func settle() -> Duration {
        let started = self.now
        var quietSince = self.now
        self.coordinator.learn(nil)
        while self.now - quietSince < .seconds(2) {
            self.arrive()
            self.shed()
            let situation = CoordinatorMachine.Situation(
                isEligible: true,
                nodes: self.nodes,
                shards: self.shards,
                weights: self.weights
            )
            let clock = ContinuousClock.now
            let request = self.coordinator.decide(situation, at: self.now)
            self.decision = max(self.decision, ContinuousClock.now - clock)
            if let request {
                let answer = self.carryOut(request)
                self.coordinator.answered(request, answer, at: self.now)
                if answer != .done(true) || !self.arrivals.isEmpty { quietSince = self.now }
            }
            if !self.arrivals.isEmpty { quietSince = self.now }
            self.now += Self.step
            self.coordinator.read(sentAt: self.now)
        }
        // What arrived last did so one step after it was still under way.
        return quietSince == started ? .zero : quietSince + Self.step - started
    }

    /// The load of every node, in lanes.
    var loads: [Int] {
        var loads: [NodeEpoch: Int] = [:]
        for shard in self.shards {
            guard let owner = shard.owner else { continue }
            loads[owner, default: 0] += self.weights[shard.shard] ?? 1
        }
        return self.nodes.map { loads[$0.epoch] ?? 0 }
    }

    private mutating func carryOut(_ request: DirectoryRequest) -> DirectoryAnswer {
        switch request {
        case .elect: return .elected(CoordinatorTerm(node: NodeEpoch(1), epoch: 1))
        case .assign(_, let placements):
            for placement in placements {
                let index = Int(placement.shard)
                self.shards[index].owner = placement.node
                self.shards[index].generation += 1
                self.shards[index].state = .assigned
                self.arrivals[placement.shard] = self.now + self.handoff
            }
        case .mark(_, let placements):
            self.rounds += 1
            for placement in placements {
                self.moves += 1
                self.shards[Int(placement.shard)].state = .handingOff
                self.shards[Int(placement.shard)].target = placement.node
                self.arrivals[placement.shard] = self.now + self.handoff
            }
        default: break
        }
        return .done(true)
    }

    /// What draining nodes begin to hand over now: never more at once than the protocol lets them.
    private mutating func shed() {
        for node in self.nodes where node.status == .draining {
            let owned = self.shards.filter { $0.owner == node.epoch }
            let underWay = owned.count { $0.state == .handingOff }
            let room = max(0, ClusterTiming().drainWidth - underWay)
            let running = owned.filter { $0.state == .running }.map(\.shard).prefix(room)
            guard !running.isEmpty else { continue }
            var allocation = AllocationMachine(
                nodes: self.nodes,
                shards: self.shards,
                weights: self.weights
            )
            for placement in allocation.place(Array(running), excluding: node.epoch) {
                self.moves += 1
                self.shards[Int(placement.shard)].state = .handingOff
                self.shards[Int(placement.shard)].target = placement.node
                self.arrivals[placement.shard] = self.now + self.handoff
            }
        }
    }

    private mutating func arrive() {
        for (shard, time) in self.arrivals where time <= self.now {
            self.arrivals[shard] = nil
            let index = Int(shard)
            if let target = self.shards[index].target {
                self.shards[index].owner = target
                self.shards[index].generation += 1
                self.shards[index].target = nil
            }
            self.shards[index].state = .running
        }
    }
}
