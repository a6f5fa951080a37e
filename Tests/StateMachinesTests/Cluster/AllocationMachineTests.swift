// Decides which node gets a shard, and how many move at once.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct AllocationMachineTests {
    private static func node(
        _ number: Int64,
        zone: String = "",
        status: NodeStatus = .active,
        lease: Int = 10
    ) -> NodeView {
        NodeView(
            epoch: NodeEpoch(number),
            name: "",
            address: "",
            endpoint: "here:1",
            zone: zone,
            status: status,
            leaseLeft: .seconds(lease)
        )
    }

    private static func owned(_ owners: [Int64?]) -> [ShardView] {
        owners.enumerated().map { index, owner in
            ShardView(
                shard: Int32(index),
                owner: owner.map(NodeEpoch.init),
                generation: 1,
                state: owner == nil ? .free : .running
            )
        }
    }

    @Test("only active nodes with a live lease get shards")
    func who() {
        let nodes = [
            Self.node(1, status: .joining), Self.node(2, status: .draining), Self.node(3, lease: 0),
            Self.node(4),
        ]
        var allocation = AllocationMachine(nodes: nodes, shards: [])
        #expect(allocation.place([0, 1, 2]).allSatisfy { $0.node == NodeEpoch(4) })
        var nobody = AllocationMachine(nodes: Array(nodes.dropLast()), shards: [])
        #expect(nobody.place([0, 1]) == [])
    }

    @Test("free shards go to the least loaded nodes, the heaviest first")
    func weights() {
        let shards = Self.owned([1, 1, nil, nil, nil])
        var allocation = AllocationMachine(
            nodes: [Self.node(1), Self.node(2)],
            shards: shards,
            weights: [0: 3, 1: 3, 2: 1, 3: 5, 4: 1]
        )
        let placements = allocation.place([2, 3, 4])
        #expect(placements.first == Placement(shard: 3, node: NodeEpoch(2)))
        #expect(allocation.loads.values.sorted() == [6, 7])
    }

    @Test("of equally loaded nodes the one in the emptier zone is taken")
    func zones() {
        let nodes = [Self.node(1, zone: "a"), Self.node(2, zone: "a"), Self.node(3, zone: "b")]
        for shard in Int32(1)..<20 {
            var allocation = AllocationMachine(
                nodes: nodes + [Self.node(4, zone: "b")],
                shards: [
                    ShardView(shard: 0, owner: NodeEpoch(1), generation: 1, state: .running)
                ]
            )
            let place = allocation.place([shard]).first?.node
            #expect(place == NodeEpoch(3) || place == NodeEpoch(4), "shard \(shard)")
        }
    }

    @Test("every coordinator places alike, whatever the order in which it reads")
    func agreement() {
        for seed in UInt64(1)...50 {
            var random = SeededGenerator(seed: seed)
            let nodes = (1...7).map { Self.node($0, zone: random.pick(["a", "b"])) }
            let shards = Self.owned((0..<32).map { _ in random.chance(50) ? nil : 1 })
            let free = shards.filter { $0.owner == nil }.map(\.shard)
            var one = AllocationMachine(nodes: nodes, shards: shards)
            var other = AllocationMachine(
                nodes: nodes.shuffled(using: &random),
                shards: shards.shuffled(using: &random)
            )
            #expect(
                one.place(free) == other.place(free.shuffled(using: &random)),
                "seed \(seed)"
            )
        }
    }

    @Test("a round has at most a tenth of the shards, at least one, never more than twenty")
    func rounds() {
        for (count, limit) in [(5, 1), (16, 1), (64, 6), (200, 20), (1_024, 20)] {
            let shards = Self.owned(Array(repeating: 1, count: count))
            var allocation = AllocationMachine(nodes: [Self.node(1), Self.node(2)], shards: shards)
            #expect(allocation.moves(shards).count == limit, "\(count) shards")
        }
    }
}
