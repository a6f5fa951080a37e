// Shards that a person moves, as sentences and as JSON.

import PulserIR
import StateMachines
import Store

/// What becomes of shards that somebody wants elsewhere.
struct ShardMovesDocument {
    /// The cluster when they were asked for.
    let status: ClusterStatus
    /// Whether nothing was changed.
    let isDry: Bool
    /// What becomes of each.
    var moves: [ShardMove] = []
    /// Why none moves; `nil` when that is told with each.
    var reason: String?
    /// Whether another round would follow.
    var isMore = false

    /// The document, with its version.
    var json: JSONValue {
        .object([
            "version": .integer(1), "dry_run": .bool(self.isDry),
            "moves": .array(self.moves.map(self.json)),
            "reason": self.reason.map { .string($0) } ?? .null, "more": .bool(self.isMore),
        ])
    }

    private func json(_ move: ShardMove) -> JSONValue {
        let shard = move.standing.shard
        return .object([
            "shard": .integer(Int64(shard.shard)), "outcome": .string(move.outcome.word),
            "reason": .string(self.reason(move)),
            "from": shard.owner.map { .string(self.name($0)) } ?? .null,
            "to": .string(self.name(move.target)), "state": .string(shard.state.rawValue),
            "generation": .integer(shard.generation),
        ])
    }

    /// One sentence about a shard.
    func reason(_ move: ShardMove) -> String {
        let shard = move.standing.shard
        let owner = shard.owner.map(self.name) ?? "nobody"
        let target = self.name(move.target)
        switch move.outcome {
        case .moves: return "it \(self.isDry ? "would go" : "goes") from \(owner) to \(target)"
        case .underWay: return "it is on its way from \(owner) to \(target) already"
        case .there: return "\(target) has it already"
        case .kept: return "it \(self.isDry ? "would stay" : "stays") at \(target)"
        case .passedOver:
            switch shard.state {
            case .free: return "nobody owns it: it is given to a node first"
            case .assigned: return "it was given to \(owner), which does not serve it yet"
            case .handingOff:
                let other = shard.target.map(self.name) ?? "another node"
                return
                    "it is on its way from \(owner) to \(other); it goes elsewhere when it is there"
            case .running: return "\(target) takes no shards any more; \(owner) keeps it"
            }
        }
    }

    /// One sentence about a round that moves nothing.
    static func reason(_ round: BalancingRound, _ status: ClusterStatus) -> String? {
        func name(_ node: NodeEpoch) -> String { Self.name(node, status) }
        let loads = round.loads.sorted { $0.key < $1.key }
            .map { "\(name($0.key)) has \($0.value)" }.joined(separator: ", ")
        return switch round.rest {
        case nil: nil
        case .noTaker: "no node is active: nobody takes shards"
        case .oneTaker(let node): "\(name(node)) is the only node that takes shards"
        case .free(1): "1 shard has no owner yet: it is given to a node first"
        case .free(let count): "\(count) shards have no owner yet: they are given to nodes first"
        case .underWay(1): "1 shard is on its way: one round at a time"
        case .underWay(let count): "\(count) shards are on their way: one round at a time"
        case .even: "the loads are even: \(loads)"
        case .builds(let newest):
            "while builds differ shards move only to nodes of the newest, \(newest), and none "
                + "needs to: \(loads)"
        }
    }

    private func name(_ node: NodeEpoch) -> String { Self.name(node, self.status) }

    /// A node's name; one that is gone is told by its number.
    static func name(_ node: NodeEpoch, _ status: ClusterStatus) -> String {
        status.view.nodes.first { $0.epoch == node }?.name ?? String(node.number)
    }
}

extension ShardMove.Outcome {
    /// The word of every output.
    var word: String {
        switch self {
        case .moves: "moves"
        case .underWay: "under_way"
        case .there: "there"
        case .kept: "kept"
        case .passedOver: "passed_over"
        }
    }
}
