// The SQL of claims: which runs are next in each lane, by rank, and where they have keys in turns.

internal import Postgres

enum ClaimSQL {
    /// A run `r` that was just claimed, as ``ClaimedRun`` reads it, or one of the lane `want` whose claim
    /// is not stored: then also which version of its row was read. `extract` gives a numeric, whose
    /// arithmetic costs more than the rest of the row.
    static func columns(isKeyed: String, isStored: Bool = true) -> String {
        """
        r.id, \(isStored ? "r" : "want").lane_id, r.plan_digest, r.inputs, r.attempt, r.retry_count,
            r.claim_no \(isStored ? "" : "+ 1"),
            r.depth, r.priority, r.request_reason, r.request, r.first_seq,
            (date_part('epoch', now() - coalesce(r.started_at, now())) * 1000)::bigint,
            r.claim_no > \(isStored ? 1 : 0)
                AND (SELECT true FROM step_journal j WHERE j.run_id = r.id LIMIT 1) IS TRUE,
            r.paused_by, r.pause_no, r.rank, r.key, \(isKeyed),
            (date_part('epoch', now() - \(RunsSQL.readyAt("r"))) * 1000000)::bigint,
            \(isStored ? "NULL" : "r.version::text")
        """
    }

    /// The next runs of each lane that has neither limits nor pauses nor runs with keys, as many as it
    /// has room for, from a place on. Nothing is locked or written: a run is claimed by its first
    /// write, see ``take`` and ``WriterSQL/ends``, if its row is as it was read. A lane that has runs
    /// with keys is named once, without a run: ``claim`` is for those. No EXISTS: that could be planned as
    /// reading all of the journal at once.
    static let next = PostgresStatement(
        "runs.next",
        [.int8Array, .int8Array, .int8Array, .int8Array],
        """
        WITH want AS MATERIALIZED (
            SELECT i.lane_id, i.room, i.after_rank, i.after_id,
                (SELECT true FROM run k WHERE k.lane_id = i.lane_id
                    AND \(RunsSQL.isReady("k", isKeyed: true)) LIMIT 1) IS TRUE AS is_keyed
            FROM unnest($1, $2, $3, $4) AS i (lane_id, room, after_rank, after_id)
            WHERE \(LimitsSQL.isPlain(lane: "i.lane_id")))
        SELECT \(Self.columns(isKeyed: "want.is_keyed", isStored: false))
        FROM want LEFT JOIN LATERAL (
            SELECT q.*, q.xmin AS version FROM run q
            WHERE NOT want.is_keyed AND q.lane_id = want.lane_id AND \(RunsSQL.isReady("q"))
            AND (q.rank, q.id) > (want.after_rank, want.after_id)
            ORDER BY q.rank, q.id LIMIT want.room) r ON true
        WHERE r.id IS NOT NULL OR want.is_keyed
        """
    )

    /// Stores claims on runs that were read before, ahead of what is written under them. A row that is not
    /// the version that was read, or that somebody has locked, is not claimed: where `$10` that undoes
    /// the commit. A run began `age_us` microseconds ago. Whether a claim is stored already is asked only
    /// where the same is sent again (`$11`): a number says nothing, others may have expected the same.
    static let take = PostgresStatement(
        "writer.take",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .int8Array,
            .int8Array, .int8Array, .bool, .bool,
        ],
        """
        WITH held AS MATERIALIZED (
            SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9)
                AS i (shard_id, generation, run_id, claim_no, version, age_us, first_seq, lane_id)
            WHERE \(WriterSQL.isHeld)),
        free AS MATERIALIZED (\(Self.free)),
        taken AS (
            UPDATE run r SET status = 'claimed', claim_no = r.claim_no + 1, owner = $1,
                started_at = coalesce(r.started_at, now() - h.age_us * interval '1 us'),
                first_seq = coalesce(r.first_seq, h.first_seq)
            FROM held h WHERE r.id = ANY (ARRAY(SELECT free.id FROM free)) AND h.run_id = r.id
            RETURNING r.id, r.claim_no)
        SELECT id, claim_no FROM taken
        UNION ALL
        SELECT i.run_id, i.claim_no FROM held i
        WHERE CASE WHEN (i.run_id, i.claim_no) IN (SELECT t.id, t.claim_no FROM taken t) THEN false
            WHEN $11 AND (SELECT r.claim_no = i.claim_no AND r.status <> 'queued'
                AND r.lane_id = i.lane_id AND r.owner = $1 FROM run r
                WHERE r.id = i.run_id) THEN true
            WHEN $10 THEN write_refused(i.run_id, i.claim_no, true) ELSE false END
        """
    )

    /// Of the rows of `held` that name a version those that are still that version and nobody's. Any
    /// change of a row makes a version of its own, so a run that is free is queued, in its lane, and
    /// to do what it was when it was read. SKIP LOCKED: whoever holds a row, for however long, holds
    /// up no other run.
    static let free = """
        SELECT r.id FROM run r
        WHERE r.id = ANY (ARRAY(SELECT h.run_id FROM held h WHERE h.version IS NOT NULL))
        AND (r.id, r.xmin::text) IN (SELECT h.run_id, h.version FROM held h)
        FOR UPDATE SKIP LOCKED
        """

    /// Takes the next runs of each lane that has neither limits nor pauses, as many as it has room
    /// for; of others ``LimitsSQL/claim`` does. A lane without keys goes by rank, from `$7` and `$8`
    /// on: what lies before was taken a moment ago and may still be in the way. In
    /// a lane with keys each key gets its turn, those after `$9` first, and each turn goes by rank;
    /// then fewer may come than there is room for although there are more.
    /// A run that was put into another lane since is left to that one.
    /// Runs named in `$6` are taken over whatever their state, with a new claim number.
    /// SKIP LOCKED: a run that somebody cancels at this moment is taken next time.
    static let claim = PostgresStatement(
        "writer.claim",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .int8Array, .int8Array,
            .int8Array, .textArray,
        ],
        """
        WITH want AS MATERIALIZED (
            SELECT i.lane_id, i.room, i.after_rank, i.after_id, i.after_key,
                cardinality($6) = 0 AND (SELECT true FROM run k WHERE k.lane_id = i.lane_id
                    AND \(RunsSQL.isReady("k", isKeyed: true)) LIMIT 1) IS TRUE AS is_keyed
            FROM unnest($2, $3, $4, $5, $7, $8, $9)
                AS i (shard_id, generation, lane_id, room, after_rank, after_id, after_key)
            WHERE \(WriterSQL.isHeld)
            AND (cardinality($6) > 0 OR \(LimitsSQL.isPlain(lane: "i.lane_id")))),
        turns AS MATERIALIZED (
            SELECT want.lane_id, t.id FROM want CROSS JOIN LATERAL (\(Self.turns)) t
            WHERE want.is_keyed),
        next AS (
            SELECT q.id FROM want CROSS JOIN LATERAL (
                SELECT r.id FROM run r
                WHERE r.lane_id = want.lane_id AND \(RunsSQL.isReady("r"))
                AND (r.rank, r.id) > (want.after_rank, want.after_id)
                ORDER BY r.rank, r.id LIMIT want.room FOR UPDATE SKIP LOCKED) q
            WHERE cardinality($6) = 0 AND NOT want.is_keyed
            UNION ALL
            SELECT q.id FROM (
                SELECT r.id FROM run r WHERE r.id = ANY (ARRAY(SELECT turns.id FROM turns))
                AND ROW (r.id, r.lane_id) =
                    ANY (ARRAY(SELECT ROW (turns.id, turns.lane_id) FROM turns))
                AND r.status = 'queued' AND r.paused_by IS NULL AND NOT r.is_delayed
                ORDER BY r.id FOR UPDATE SKIP LOCKED) q
            UNION ALL
            SELECT q.id FROM want CROSS JOIN LATERAL (
                SELECT r.id FROM run r
                WHERE r.lane_id = want.lane_id AND r.id = ANY ($6)
                AND r.status IN ('claimed', 'running', 'waiting') FOR UPDATE) q
            WHERE cardinality($6) > 0)
        UPDATE run r SET status = 'claimed', claim_no = r.claim_no + 1, owner = $1,
            started_at = coalesce(r.started_at, now())
        WHERE r.id = ANY (ARRAY(SELECT next.id FROM next))
        RETURNING \(Self.columns(
            isKeyed: "r.lane_id = ANY (ARRAY(SELECT want.lane_id FROM want WHERE want.is_keyed))"
        ))
        """
    )

    /// The next runs of a lane with keys: hops from key to key, from the last one served on and
    /// around to it, at most as many keys as there is room for, and takes an equal share of each.
    private static let turns = """
        WITH RECURSIVE
        up (key, n) AS (
            SELECT \(Self.key(after: "want.after_key", last: nil)), 1
            UNION ALL
            SELECT \(Self.key(after: "up.key", last: nil)), up.n + 1 FROM up
            WHERE up.key IS NOT NULL AND up.n < want.room),
        around (key, n) AS (
            SELECT '' COLLATE "C", 0
            UNION ALL
            SELECT \(Self.key(after: "around.key", last: "want.after_key")), around.n + 1
            FROM around WHERE around.key IS NOT NULL AND around.n < want.room),
        keys AS (
            SELECT k.key, row_number() OVER () AS n FROM (
                SELECT up.key FROM up WHERE up.key IS NOT NULL
                UNION ALL SELECT around.key FROM around
                WHERE around.key <> '' OR around.key = '' AND (
                    SELECT true FROM run r WHERE r.lane_id = want.lane_id
                    AND \(RunsSQL.isReady("r")) LIMIT 1) IS TRUE
                LIMIT want.room) k),
        share AS (SELECT ceil(want.room::float8 / greatest(1, count(*)))::bigint AS runs FROM keys)
        SELECT taken.id FROM keys CROSS JOIN LATERAL (
            SELECT q.id, row_number() OVER (ORDER BY q.rank, q.id) AS nth FROM (
                (SELECT r.id, r.rank FROM run r
                 WHERE r.lane_id = want.lane_id AND r.key = keys.key AND keys.key <> ''
                 AND \(RunsSQL.isReady("r", isKeyed: true))
                 ORDER BY r.rank, r.id LIMIT (SELECT share.runs FROM share))
                UNION ALL
                (SELECT r.id, r.rank FROM run r
                 WHERE keys.key = '' AND r.lane_id = want.lane_id AND \(RunsSQL.isReady("r"))
                 ORDER BY r.rank, r.id LIMIT (SELECT share.runs FROM share))) q) taken
        ORDER BY taken.nth, keys.n LIMIT want.room
        """

    /// The first key after another one, and not after `last`, that has something ready.
    private static func key(after: String, last: String?) -> String {
        """
        (SELECT k.key FROM run k WHERE k.lane_id = want.lane_id AND k.key > \(after)
            \(last.map { "AND k.key <= \($0)" } ?? "")
            AND \(RunsSQL.isReady("k", isKeyed: true)) ORDER BY k.key LIMIT 1)
        """
    }
}
