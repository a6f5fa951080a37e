// Decides what a round that a person asks for moves, and why nothing, when nothing.

import PulserIR
import StateMachines
import Testing

@Suite
struct BalancingRoundTests {
    private static func node(
        _ number: Int64,
        build: String = "b",
        _ status: NodeStatus = .active
    ) -> NodeView {
        NodeView(
            epoch: NodeEpoch(number),
            name: "n\(number)",
            address: "\(number)",
            build: build,
            status: status,
            leaseLeft: .seconds(5)
        )
    }

    /// Running shards, so many for each of the nodes 1, 2, ….
    private static func shards(_ counts: Int...) -> [ShardView] {
        var shards: [ShardView] = []
        for (index, count) in counts.enumerated() {
            for _ in 0..<count {
                shards.append(
                    ShardView(
                        shard: Int32(shards.count),
                        owner: NodeEpoch(Int64(index + 1)),
                        generation: 1,
                        state: .running
                    )
                )
            }
        }
        return shards
    }

    @Test("one round moves at most so many shards from the fullest to the emptiest, and says so")
    func moves() {
        let nodes = [Self.node(1), Self.node(2)]
        let round = BalancingRound(nodes: nodes, shards: Self.shards(200, 100))
        #expect(round.moves.count == 20 && round.isMore && round.rest == nil)
        #expect(round.moves.allSatisfy { $0.node == NodeEpoch(2) && $0.shard < 200 })
        #expect(round.loads == [NodeEpoch(1): 200, NodeEpoch(2): 100])
        let last = BalancingRound(nodes: nodes, shards: Self.shards(105, 80))
        #expect(!last.moves.isEmpty && last.moves.count < 20 && !last.isMore)
    }

    @Test("what is even stays, and it is said that it is")
    func even() {
        let nodes = [Self.node(1), Self.node(2)]
        let round = BalancingRound(nodes: nodes, shards: Self.shards(150, 150))
        #expect(round.moves.isEmpty && round.rest == .even && !round.isMore)
        let builds = [Self.node(1, build: "new"), Self.node(2, build: "new"), Self.node(3)]
        let mixed = BalancingRound(nodes: builds, shards: Self.shards(200, 10, 250))
        #expect(mixed.moves.isEmpty && mixed.rest == .builds(newest: "b"))
    }

    @Test("nothing moves without takers, while shards have no owner, or while a round is under way")
    func obstacles() {
        var shards = Self.shards(200, 100)
        let nodes = [Self.node(1), Self.node(2)]
        func rest(_ nodes: [NodeView]) -> BalancingRound.Rest? {
            let round = BalancingRound(nodes: nodes, shards: shards)
            #expect(round.moves.isEmpty && !round.isMore)
            return round.rest
        }
        #expect(rest([]) == .noTaker)
        #expect(rest([Self.node(1, .draining), Self.node(2, .joining)]) == .noTaker)
        #expect(rest([nodes[0], Self.node(2, .draining)]) == .oneTaker(NodeEpoch(1)))
        shards[7].state = .handingOff
        shards[7].target = NodeEpoch(2)
        shards[8].state = .assigned
        #expect(rest(nodes) == .underWay(2))
        shards[9].owner = nil
        shards[9].state = .free
        #expect(rest(nodes) == .free(1))
    }
}
