// Where people move shards. The API and the command line both come here.

public import PulserIR
import StateMachines
public import Store

/// Moves that a person asks for; the answers are the documents that `-o json` promises.
public struct ShardDesk: Sendable {
    private let store: Store

    /// Opens it.
    public init(store: Store) { self.store = store }

    /// Has shards go to a node.
    ///
    /// - Parameters:
    ///   - shards: Their numbers.
    ///   - name: The node's number or name.
    ///   - isDry: Whether to change nothing and say what would be.
    /// - Returns: What becomes of each; it comes before they are there.
    /// - Throws: `notFound` when there is no such node, `conflict` when it takes no shards.
    public func move(
        _ shards: [Int32],
        to name: String,
        isDry: Bool
    ) async throws(StoreError) -> JSONValue {
        let status = try await self.store.clusterStatus()
        let target = try ClusterDocument.node(name, among: status.nodes).node
        guard target.status == .active, target.leaseLeft > .zero else {
            let state =
                target.status == .active
                ? "does not renew its lease" : "is \(target.status.rawValue)"
            throw StoreError(.conflict, "\(target.name) \(state) and takes no shards")
        }
        let targets = Dictionary(shards.map { ($0, target.epoch) }) { first, _ in first }
        let moves = try await self.store.move(targets, isDry: isDry)
        return ShardMovesDocument(status: status, isDry: isDry, moves: moves).json
    }

    /// One round of moves that bring the loads nearer, by the coordinator's rules.
    ///
    /// - Parameter isDry: Whether to change nothing and say what would be.
    /// - Returns: What moves, or why nothing does; it comes before they are there.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func rebalance(isDry: Bool) async throws(StoreError) -> JSONValue {
        let status = try await self.store.clusterStatus()
        let shards = try await self.store.shards().map(\.shard)
        let round = BalancingRound(nodes: status.view.nodes, shards: shards)
        let targets = Dictionary(uniqueKeysWithValues: round.moves.map { ($0.shard, $0.node) })
        let moves = targets.isEmpty ? [] : try await self.store.move(targets, isDry: isDry)
        return ShardMovesDocument(
            status: status,
            isDry: isDry,
            moves: moves,
            reason: ShardMovesDocument.reason(round, status),
            isMore: round.isMore
        ).json
    }
}
