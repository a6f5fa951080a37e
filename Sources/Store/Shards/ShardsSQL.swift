// The SQL of sharing without a coordinator: a node takes what is free.

internal import Postgres

enum ShardsSQL {
    static let all = [take]

    /// Takes free shards for a live node. SKIP LOCKED: takers never wait on each other. FOR SHARE:
    /// the node is not declared dead between its look and its commit, which would leave its new
    /// shards with a dead owner; node rows are locked before shard rows, as everywhere.
    static let take = PostgresStatement(
        "shards.take",
        [.int8, .int8],
        """
        WITH me AS MATERIALIZED (
            SELECT node_epoch FROM node WHERE node_epoch = $1 AND status = 'active'
            AND lease_until > clock_timestamp() FOR SHARE),
        free AS (
            SELECT shard_id FROM shard
            WHERE owner IS NULL AND effects_after <= clock_timestamp()
            AND EXISTS (SELECT 1 FROM me)
            ORDER BY shard_id LIMIT $2 FOR UPDATE SKIP LOCKED)
        UPDATE shard SET owner = $1, generation = generation + 1, state = 'running'
        FROM free WHERE shard.shard_id = free.shard_id
        RETURNING shard.shard_id, shard.generation
        """
    )
}
