// Decides what a round of moves that a person asks for moves, and why nothing, when nothing.

public import PulserIR

/// At most one round of moves that bring loads nearer, by the coordinator's own rules.
public struct BalancingRound: Sendable, Hashable {
    /// Why nothing moves.
    public enum Rest: Sendable, Hashable {
        /// No node is active with a live lease.
        case noTaker
        /// Only one is.
        case oneTaker(NodeEpoch)
        /// So many shards have no owner yet: who gets them changes the loads.
        case free(Int)
        /// So many shards of the round before have not arrived.
        case underWay(Int)
        /// Moving one would make the loads hardly more even.
        case even
        /// The same while builds differ: shards move only to nodes of this one.
        case builds(newest: String)
    }

    /// What moves.
    public let moves: [Placement]
    /// Why nothing does; `nil` when something does.
    public let rest: Rest?
    /// Whether another round will follow this one.
    public let isMore: Bool
    /// The load of each node that takes shards, before this round.
    public let loads: [NodeEpoch: Int]

    /// Looks at the cluster at one moment.
    ///
    /// - Parameters:
    ///   - nodes: The membership.
    ///   - shards: Every shard.
    ///   - movesMax: The most moves of a round.
    public init(
        nodes: [NodeView],
        shards: [ShardView],
        movesMax: Int = ClusterTiming().movesMax
    ) {
        func round(_ shards: [ShardView]) -> [Placement] {
            var allocation = AllocationMachine(nodes: nodes, shards: shards, movesMax: movesMax)
            return allocation.moves(shards)
        }
        let loads = AllocationMachine(nodes: nodes, shards: shards, movesMax: movesMax).loads
        self.loads = loads
        let rest = Self.obstacle(loads.keys.sorted(), shards)
        let moves = rest == nil ? round(shards) : []
        self.moves = moves
        self.rest =
            rest ?? (moves.isEmpty ? Self.balance(nodes.filter { loads[$0.epoch] != nil }) : nil)
        let places = Dictionary(uniqueKeysWithValues: moves.map { ($0.shard, $0.node) })
        let arrived = shards.map { shard in
            var shard = shard
            shard.owner = places[shard.shard] ?? shard.owner
            return shard
        }
        self.isMore = !moves.isEmpty && !round(arrived).isEmpty
    }

    private static func obstacle(_ takers: [NodeEpoch], _ shards: [ShardView]) -> Rest? {
        guard let first = takers.first else { return .noTaker }
        if takers.count == 1 { return .oneTaker(first) }
        let free = shards.count { $0.state == .free }
        if free > 0 { return .free(free) }
        let moving = shards.count { $0.state != .running }
        return moving > 0 ? .underWay(moving) : nil
    }

    private static func balance(_ takers: [NodeView]) -> Rest {
        let newest = takers.max { $0.epoch < $1.epoch }?.build ?? ""
        return takers.allSatisfy { $0.build == newest } ? .even : .builds(newest: newest)
    }
}
