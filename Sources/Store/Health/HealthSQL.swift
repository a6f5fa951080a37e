// The SQL of the question whether all is well.

internal import Postgres

enum HealthSQL {
    static let all = [look, migrations]

    /// One round trip: it reaches the database, the migrator's table and the node's row.
    static let look = PostgresStatement(
        "health.look",
        [.int8],
        """
        SELECT (SELECT coalesce(max(number), 0)::bigint FROM schema_migration),
               EXISTS (SELECT 1 FROM node
                       WHERE node_epoch = $1 AND status <> 'dead' AND lease_until > now())
        """
    )

    static let migrations = PostgresStatement(
        "health.migrations",
        [],
        "SELECT number::bigint, name, digest FROM schema_migration ORDER BY number"
    )
}
