// A directory in memory: the rules that one member meets, and faults on demand.

import PulserIR
import Store
import Synchronization

/// The cluster's tables without a database. Leases do not end, and one hard vote is enough.
final class MemoryDirectory: ClusterDirectory {
    private struct State {
        var version: Int64 = 1
        var nodes: [NodeView] = []
        var shards: [ShardView] = (0..<8).map {
            ShardView(shard: $0, owner: nil, generation: 0, state: .free)
        }
        var term: CoordinatorTerm?
        var isSilent = false
        var refused: Set<NodeEpoch> = []
    }

    private let state = Mutex(State())

    /// Whether calls wait until they are cancelled.
    var isSilent: Bool {
        get { self.state.withLock(\.isSilent) }
        set { self.state.withLock { $0.isSilent = newValue } }
    }

    /// What is known of the shards.
    var shards: [ShardView] { self.state.withLock(\.shards) }

    /// The statuses of nodes that are not dead.
    var statuses: [NodeEpoch: NodeStatus] {
        self.state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.nodes.map { ($0.epoch, $0.status) })
        }
    }

    /// Declares a node dead.
    func bury(_ node: NodeEpoch) {
        self.state.withLock { state in
            state.nodes.removeAll { $0.epoch == node }
            state.version += 1
            if state.term?.node == node { state.term = nil }
            for index in state.shards.indices where state.shards[index].owner == node {
                state.shards[index].owner = nil
                state.shards[index].generation += 1
                state.shards[index].state = .free
            }
        }
    }

    /// One call: what the tables say, unless nobody answers.
    private func answer<Answer: Sendable>(
        _ body: @Sendable (inout State) -> Answer
    ) async throws(StoreError) -> Answer {
        if self.isSilent {
            // Ends when the caller gives up.
            let (silence, end) = AsyncStream<Never>.makeStream()
            for await _ in silence {}
            end.finish()
            throw StoreError(.cancelled, "given up")
        }
        return self.state.withLock { body(&$0) }
    }

    private func change(
        _ node: NodeEpoch,
        to status: NodeStatus
    ) async throws(StoreError) {
        let isKnown = try await self.answer { state in
            guard let index = state.nodes.firstIndex(where: { $0.epoch == node }) else {
                return false
            }
            state.nodes[index].status = status
            state.version += 1
            return true
        }
        guard isKnown else { throw StoreError(.stale, "dead") }
    }

    /// Changes those of `shards` that `node` has.
    private func own(
        _ node: NodeEpoch,
        _ shards: [OwnedShard],
        _ body: @escaping @Sendable (inout ShardView) -> Void
    ) async throws(StoreError) -> [ShardView] {
        try await self.answer { state in
            shards.compactMap { shard in
                let index = Int(shard.shard)
                guard state.shards[index].owner == node,
                    state.shards[index].generation == shard.generation
                else { return nil }
                body(&state.shards[index])
                return state.shards[index]
            }
        }
    }

    // MARK: ClusterDirectory

    func join(_ node: NewNode) async throws(StoreError) -> NodeEpoch {
        try await self.answer { state in
            let epoch = NodeEpoch(state.version)
            state.version += 1
            state.nodes.append(
                NodeView(
                    epoch: epoch,
                    name: node.name,
                    address: node.address,
                    endpoint: node.endpoint,
                    status: .joining,
                    leaseLeft: .seconds(10)
                )
            )
            return epoch
        }
    }

    func activate(_ node: NodeEpoch) async throws(StoreError) {
        try await self.change(node, to: .active)
    }
    func drain(_ node: NodeEpoch) async throws(StoreError) {
        try await self.change(node, to: .draining)
    }
    func undrain(_ node: NodeEpoch) async throws(StoreError) {
        try await self.change(node, to: .active)
    }
    func leave(_ node: NodeEpoch) async throws(StoreError) { self.bury(node) }

    func renew(_ node: NodeEpoch) async throws(StoreError) -> Renewal? {
        try await self.answer { state in
            guard let mine = state.nodes.first(where: { $0.epoch == node }) else { return nil }
            return Renewal(
                viewVersion: state.version,
                status: mine.status,
                coordinator: state.term
            )
        }
    }

    func reap(by node: NodeEpoch) async throws(StoreError) -> [NodeEpoch] {
        try await self.answer { _ in [] }
    }

    func view() async throws(StoreError) -> ClusterView {
        try await self.answer { state in
            ClusterView(version: state.version, nodes: state.nodes, coordinator: state.term)
        }
    }

    func suspect(
        _ target: NodeEpoch,
        by voter: NodeEpoch,
        isHard: Bool
    ) async throws(StoreError) -> Bool {
        try await self.answer { state in
            if isHard { state.refused.insert(target) }
            return true
        }
    }
    func clear(_ target: NodeEpoch, by voter: NodeEpoch) async throws(StoreError) {
        try await self.answer { _ in }
    }
    func evict(
        _ target: NodeEpoch,
        by executor: NodeEpoch,
        isHard: Bool
    ) async throws(StoreError) -> Bool {
        guard isHard, try await self.answer({ $0.refused.contains(target) }) else { return false }
        self.bury(target)
        return true
    }
    func evict(_ target: NodeEpoch) async throws(StoreError) { self.bury(target) }

    func elect(_ node: NodeEpoch) async throws(StoreError) -> CoordinatorTerm? {
        try await self.answer { state in
            if state.term == nil { state.term = CoordinatorTerm(node: node, epoch: 1) }
            return state.term?.node == node ? state.term : nil
        }
    }

    func prolong(_ term: CoordinatorTerm) async throws(StoreError) -> Bool {
        try await self.answer { $0.term == term }
    }

    func resign(_ term: CoordinatorTerm) async throws(StoreError) {
        try await self.answer { $0.term = nil }
    }

    func assign(
        _ term: CoordinatorTerm,
        _ owners: [Int32: NodeEpoch]
    ) async throws(StoreError) -> [ShardView] {
        try await self.answer { state in
            owners.compactMap { shard, node in
                let index = Int(shard)
                guard state.shards[index].owner == nil else { return nil }
                state.shards[index].owner = node
                state.shards[index].generation += 1
                state.shards[index].state = .assigned
                return state.shards[index]
            }
        }
    }

    func mark(
        _ term: CoordinatorTerm,
        _ targets: [Int32: NodeEpoch]
    ) async throws(StoreError) -> [ShardView] { try await self.answer { _ in [] } }
    func force(
        _ term: CoordinatorTerm,
        _ shards: [Int32]
    ) async throws(StoreError) -> [ShardView] { try await self.answer { _ in [] } }

    func start(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [ShardView] {
        try await self.own(node, shards) { $0.state = .running }
    }

    func handOver(
        _ node: NodeEpoch,
        _ shard: OwnedShard,
        to target: NodeEpoch
    ) async throws(StoreError) -> Int64? {
        let moved = try await self.own(node, [shard]) { row in
            row.owner = target
            row.generation += 1
            row.state = .assigned
            row.target = nil
        }
        return moved.first?.generation
    }

    func release(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [Int32] {
        let free = try await self.own(node, shards) { row in
            row.owner = nil
            row.generation += 1
            row.state = .free
        }
        return free.map(\.shard)
    }

    func decline(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [Int32] {
        try await self.own(node, shards) { $0.state = .running }.map(\.shard)
    }

    func announce(_ shards: [Int32]) async {}

    func shards(changedSince horizon: Int64?) async throws(StoreError) -> ShardChanges {
        try await self.answer { ShardChanges(horizon: $0.version, shards: $0.shards) }
    }
}
