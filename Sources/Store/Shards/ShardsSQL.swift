// The SQL of the shard table: taking, releasing, and the fence itself.

internal import Postgres

enum ShardsSQL {
    static let all = [take, release]

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
        UPDATE shard SET owner = $1, generation = generation + 1
        FROM free WHERE shard.shard_id = free.shard_id
        RETURNING shard.shard_id, shard.generation
        """
    )

    /// Gives shards away; only the owner at that generation can.
    static let release = PostgresStatement(
        "shards.release",
        [.int8, .int4Array, .int8Array],
        """
        UPDATE shard SET owner = NULL, generation = shard.generation + 1
        FROM unnest($2, $3) AS i (shard_id, generation)
        WHERE shard.shard_id = i.shard_id AND shard.owner = $1
        AND shard.generation = i.generation
        RETURNING shard.shard_id
        """
    )
}
