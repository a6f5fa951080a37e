// Decides how a big cluster moves its shards in virtual time, with everything but the coordinator simplified.

import PulserIR
import StateMachines
import TestKit

/// Nodes that are all well, the real coordinator, and owners that hand over within a moment.
struct Fleet {
    /// How long one shard takes from its mark until it is served by its new owner: the notice, its work
    /// coming to rest, the compare-and-set, the start.
    static let handoff: Duration = .milliseconds(250)
    private static let step: Duration = .milliseconds(50)

    private(set) var nodes: [NodeView] = []
    private(set) var shards: [ShardView]
    private(set) var now: Duration = .zero
    private(set) var moves = 0
    private(set) var rounds = 0
    let weights: [Int32: Int]
    private var coordinator = CoordinatorMachine(me: NodeEpoch(1))
    private var arrivals: [Int32: Duration] = [:]

    /// A fleet at rest: `lanes` spread over `shards` by hash, those spread over `nodes` in `zones`.
    init(nodes: Int, shards: Int = 1_024, lanes: Int = 100_000, zones: Int = 3, seed: UInt64 = 1) {
        var random = SeededGenerator(seed: seed)
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
            let situation = CoordinatorMachine.Situation(
                isEligible: true,
                nodes: self.nodes,
                shards: self.shards,
                weights: self.weights
            )
            if let request = self.coordinator.decide(situation, at: self.now) {
                let answer = self.carryOut(request)
                self.coordinator.answered(request, answer, at: self.now)
                if answer != .done(true) || !self.arrivals.isEmpty { quietSince = self.now }
            }
            if !self.arrivals.isEmpty { quietSince = self.now }
            self.now += Self.step
            self.coordinator.read(sentAt: self.now)
        }
        return quietSince - started
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
                self.arrivals[placement.shard] = self.now + Self.handoff
            }
        case .mark(_, let placements):
            self.rounds += 1
            for placement in placements {
                self.moves += 1
                self.shards[Int(placement.shard)].state = .handingOff
                self.shards[Int(placement.shard)].target = placement.node
                self.arrivals[placement.shard] = self.now + Self.handoff
            }
        default: break
        }
        return .done(true)
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
