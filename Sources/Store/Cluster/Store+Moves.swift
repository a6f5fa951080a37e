// Shards on their way, as the coordinator and their owners move them.

internal import Postgres
public import PulserIR

extension Store {
    /// Gives free shards to nodes, in the coordinator's name.
    public func assign(
        _ term: CoordinatorTerm,
        _ owners: [Int32: NodeEpoch]
    ) async throws(StoreError) -> [ShardView] {
        try await self.coordinate(term, MovesSQL.assign, Self.pairs(owners))
    }

    /// Has owners hand shards over, in the coordinator's name.
    public func mark(
        _ term: CoordinatorTerm,
        _ targets: [Int32: NodeEpoch]
    ) async throws(StoreError) -> [ShardView] {
        try await self.coordinate(term, MovesSQL.mark, Self.pairs(targets))
    }

    /// Moves shards that are overdue, in the coordinator's name.
    public func force(
        _ term: CoordinatorTerm,
        _ shards: [Int32]
    ) async throws(StoreError) -> [ShardView] {
        try await self.coordinate(term, MovesSQL.force, [.int4Array(shards)])
    }

    /// Makes assigned shards running.
    public func start(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [ShardView] {
        try await self.execute(MovesSQL.start, Self.values(node, shards)).shards()
    }

    /// Makes the target the owner by one compare-and-set.
    public func handOver(
        _ node: NodeEpoch,
        _ shard: OwnedShard,
        to target: NodeEpoch
    ) async throws(StoreError) -> Int64? {
        let number = PostgresValue.int4(shard.shard)
        let generation = PostgresValue.int8(shard.generation)
        let next = PostgresValue.int8(target.number)
        let rows = try await self.transaction([
            PostgresRequest(MovesSQL.holdTarget, [next]),
            PostgresRequest(
                MovesSQL.handOver,
                [.int8(node.number), number, generation, next]
            ),
            PostgresRequest(MovesSQL.handedOver, [number, generation, next]),
        ])
        guard let answer = rows.last, answer.count == 1 else { return nil }
        return try answer.first().int64(0)
    }

    /// Makes shards free.
    @discardableResult
    public func release(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [Int32] {
        let rows = try await self.execute(MovesSQL.release, Self.values(node, shards))
        let released = try rows.decode { row throws(StoreError) in Int32(try row.int64(0)) }
        await self.announce(released)
        return released.sorted()
    }

    /// Takes the marks of shards back.
    public func decline(
        _ node: NodeEpoch,
        _ shards: [OwnedShard]
    ) async throws(StoreError) -> [Int32] {
        let rows = try await self.execute(MovesSQL.decline, Self.values(node, shards))
        let kept = try rows.decode { row throws(StoreError) in Int32(try row.int64(0)) }
        await self.announce(kept)
        return kept.sorted()
    }

    /// Reads what changed since a horizon, by an index.
    public func shards(changedSince horizon: Int64?) async throws(StoreError) -> ShardChanges {
        let rows = try await self.execute(MovesSQL.changes, [.int8(horizon ?? 0)])
        let first = try rows.first()
        let shards =
            first.isNull(1)
            ? []
            : try rows.decode { row throws(StoreError) in
                try ShardView(row.from(1))
            }
        return ShardChanges(horizon: try first.int64(0), shards: shards)
    }

    /// Outside the transaction, like every notice of what is frequent.
    public func announce(_ shards: [Int32]) async {
        guard !shards.isEmpty else { return }
        await self.notify(.shards, shards.map(String.init).joined(separator: ","))
    }

    // MARK: How it is asked

    /// Does something in the coordinator's name, or nothing when its term is over.
    private func coordinate(
        _ term: CoordinatorTerm,
        _ statement: PostgresStatement,
        _ values: [PostgresValue]
    ) async throws(StoreError) -> [ShardView] {
        let office: [PostgresValue] = [.int8(term.node.number), .int8(term.epoch)]
        let rows = try await self.transaction([
            PostgresRequest(MovesSQL.holdTerm, office),
            PostgresRequest(statement, office + values),
        ])
        guard let moved = try rows.last?.shards() else {
            throw StoreError(.corrupt, "an answer is missing")
        }
        await self.announce(moved.map(\.shard))
        return moved
    }

    private static func pairs(_ nodes: [Int32: NodeEpoch]) -> [PostgresValue] {
        let pairs = nodes.sorted { $0.key < $1.key }
        return [.int4Array(pairs.map(\.key)), .int8Array(pairs.map(\.value.number))]
    }

    private static func values(_ node: NodeEpoch, _ shards: [OwnedShard]) -> [PostgresValue] {
        [
            .int8(node.number), .int4Array(shards.map(\.shard)),
            .int8Array(shards.map(\.generation)),
        ]
    }
}

extension PostgresRows {
    /// Shards, by number.
    fileprivate func shards() throws(StoreError) -> [ShardView] {
        let shards = try self.decode { row throws(StoreError) in try ShardView(row) }
        return shards.sorted { $0.shard < $1.shard }
    }
}

extension ShardView {
    /// Reads `MovesSQL.columns`.
    init(_ row: StoreRow) throws(StoreError) {
        guard let state = ShardState(rawValue: try row.text(3)) else {
            throw StoreError(.corrupt, "a shard has a state this version does not know")
        }
        self.init(
            shard: Int32(try row.int64(0)),
            owner: try row.int64IfPresent(1).map(NodeEpoch.init(_:)),
            generation: try row.int64(2),
            state: state,
            target: try row.int64IfPresent(4).map(NodeEpoch.init(_:)),
            effectsIn: try row.milliseconds(5)
        )
    }
}
