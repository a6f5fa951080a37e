// Whether the database answers, has this program's tables, and knows the node.

internal import Postgres
public import PulserIR

/// What the database says of itself and a node.
public struct StoreHealth: Sendable, Hashable {
    /// The highest number of an applied migration.
    public var migrationsApplied: Int
    /// Whether the node's lease holds.
    public var hasLease: Bool
}

extension Store {
    /// Asks the database whether all is well.
    ///
    /// - Parameter node: Whose lease is looked at; `nil` for nobody's.
    /// - Returns: What it says.
    /// - Throws: `unavailable` when it does not answer.
    public func health(of node: NodeEpoch?) async throws(StoreError) -> StoreHealth {
        let row = try await self.execute(HealthSQL.look, [.int8(node?.number ?? -1)]).first()
        return StoreHealth(migrationsApplied: try row.int(0), hasLease: try row.bool(1))
    }

    /// Why no connection can be had; `nil` while one is open.
    public var unreachable: StoreError? {
        guard case .unavailable(_, let reason) = self.pool.availability else { return nil }
        return StoreError(PostgresError(.missingServer, reason))
    }

    /// Compares a program's migrations with those that the database has.
    ///
    /// - Parameter files: The program's.
    /// - Returns: All of both, in the order of their numbers.
    /// - Throws: `unavailable` when the database does not answer.
    public func migrations(_ files: [Migration]) async throws(StoreError) -> [MigrationStatus] {
        MigrationStatus.comparing(
            files,
            try MigrationStatus.applied(try await self.execute(HealthSQL.migrations))
        )
    }
}
