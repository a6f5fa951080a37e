// Nodes as an operator looks at them: what each holds and does.

internal import Postgres
internal import PulserIR

/// A node with what it does.
public struct NodeDetail: Sendable, Hashable {
    /// The node.
    public var node: NodeRow
    /// Runs it has under way.
    public var runs: Int64
    /// When it joined, in milliseconds since 1970.
    public var startedMilliseconds: Int64
}

extension Store {
    /// A page of nodes, in the order they joined.
    ///
    /// - Parameters:
    ///   - cursor: Only nodes after this epoch.
    ///   - includingDead: Whether to tell those that are gone too.
    ///   - limit: At most so many.
    /// - Returns: The page.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func nodePage(
        after cursor: Int64?,
        includingDead: Bool,
        limit: Int
    ) async throws(StoreError) -> Page<NodeDetail> {
        let rows = try await self.bounded(
            NodesSQL.page,
            [.int8(cursor ?? 0), .bool(includingDead), .int8(Int64(limit) + 1)]
        )
        var nodes = try rows.decode { row throws(StoreError) in
            NodeDetail(
                node: try NodeRow(row),
                runs: try row.int64(7),
                startedMilliseconds: try row.int64(8)
            )
        }
        guard nodes.count > limit else { return Page(rows: nodes, next: nil) }
        nodes.removeLast()
        return Page(rows: nodes, next: nodes.last?.node.epoch.number)
    }
}

extension NodeRow {
    init(_ row: StoreRow) throws(StoreError) {
        self.epoch = NodeEpoch(try row.int64(0))
        self.name = try row.text(1)
        self.address = try row.text(2)
        self.status = try row.text(3)
        self.leaseMilliseconds = try row.int64(4)
        self.shards = try row.int64(5)
        self.build = try row.text(6)
    }
}
