// Shards on their way because a person says so.

internal import Postgres
public import PulserIR

extension Store {
    /// Has the owners of running shards hand them over, in a person's name: without a coordinator
    /// too, and again after a lost reply. A shard on its way from the very node that shall have it
    /// stays there.
    ///
    /// - Parameters:
    ///   - targets: By shard, who shall get it.
    ///   - isDry: Whether to say only what would be; the targets then count as nodes that take
    ///     shards. Default: it is done.
    /// - Returns: Every shard of `targets` that there is, by number, with what becomes of it. Those
    ///   that are not served, or whose target takes no shards, are passed over.
    /// - Throws: `unavailable` when the database cannot answer in time; then it may have happened.
    public func move(
        _ targets: [Int32: NodeEpoch],
        isDry: Bool = false
    ) async throws(StoreError) -> [ShardMove] {
        let pairs = targets.sorted { $0.key < $1.key }
        let limit = Int64(Self.questionTimeMax / .milliseconds(1))
        var requests = [PostgresRequest(WriterSQL.bound, [.text(String(limit))])]
        if !isDry {
            let values: [PostgresValue] = [
                .int4Array(pairs.map(\.key)), .int8Array(pairs.map(\.value.number)),
            ]
            requests += [
                PostgresRequest(MovesSQL.holdView), PostgresRequest(MovesSQL.move, values),
            ]
        }
        requests.append(PostgresRequest(OversightSQL.shards, [.null, .null]))
        let answers = try await self.transaction(requests)
        guard answers.count == requests.count else {
            throw StoreError(.corrupt, "an answer is missing")
        }
        let changed =
            isDry ? [] : try answers[2].decode { row throws(StoreError) in try ShardView(row) }
        let marked = Set(changed.filter { $0.state == .handingOff }.map(\.shard))
        let kept = Set(changed.filter { $0.state == .running }.map(\.shard))
        await self.announce(changed.map(\.shard).sorted())
        let standings = try answers[answers.count - 1].decode { row throws(StoreError) in
            try ShardStanding(row)
        }
        return standings.compactMap { standing in
            let shard = standing.shard
            guard let target = targets[shard.shard] else { return nil }
            let isMovable = shard.state == .running && shard.owner != target
            var move = ShardMove(
                standing: standing,
                target: target,
                isMarked: isDry ? isMovable : marked.contains(shard.shard)
            )
            let isLeaving = shard.state == .handingOff && shard.owner == target
            move.isKept = isDry ? isLeaving : kept.contains(shard.shard)
            return move
        }
    }
}
