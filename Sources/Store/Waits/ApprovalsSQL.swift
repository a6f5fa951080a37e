// The SQL of the tables of approvals and people's decisions.

internal import Postgres

enum ApprovalsSQL {
    static let all = [ask, look, decisions, settle, decide, decided, open, starter]

    /// After `waits.hold`: a step asks; one that asked before a crash goes on asking.
    static let ask = PostgresStatement(
        "approvals.ask",
        WaitsSQL.fenceTypes + [.text, .int4, .textArray, .textArray, .bool, .text, .text, .int8],
        """
        INSERT INTO approval
            (run_id, run_attempt, step, needed, groups, users, self, message, form, expires_at)
        SELECT r.id, r.attempt, $5, $6, $7, $8, $9, $10, $11,
               clock_timestamp() + $12 * interval '1 ms'
        FROM run r WHERE \(WaitsSQL.isHeld)
        ON CONFLICT (run_id, run_attempt, step) DO NOTHING
        """
    )

    /// After `waits.hold`: how many ms are left. No row: the claim is not under way any more.
    static let look = PostgresStatement(
        "approvals.look",
        WaitsSQL.fenceTypes + [.text],
        """
        SELECT (extract(epoch FROM a.expires_at - clock_timestamp()) * 1000)::bigint,
               (extract(epoch FROM a.expires_at) * 1000)::bigint
        FROM run r JOIN approval a
            ON a.run_id = r.id AND a.run_attempt = r.attempt AND a.step = $5
        WHERE \(WaitsSQL.isHeld)
        """
    )

    /// What people decided about a step in this attempt of the run, in their order. Of one run
    /// nothing is decided at once, so no two have the same time.
    static let decisions = PostgresStatement(
        "approvals.decisions",
        [.int8, .text],
        """
        SELECT d.person, d.approved, d.form, d.comment,
               (extract(epoch FROM d.decided_at) * 1000)::bigint
        FROM run_any r JOIN approval_decision d
            ON d.run_id = r.id AND d.run_attempt = r.attempt AND d.step = $2
        WHERE r.id = $1 ORDER BY d.decided_at, d.person
        """
    )

    /// Nothing more is to be decided. Not fenced: it only takes the step from a list, and the step's
    /// own result says what it came to.
    static let settle = PostgresStatement(
        "approvals.settle",
        [.int8, .text],
        """
        UPDATE approval a SET decided_at = clock_timestamp()
        FROM run r WHERE r.id = $1 AND a.run_id = r.id AND a.run_attempt = r.attempt
        AND a.step = $2 AND a.decided_at IS NULL
        """
    )

    /// After `waits.lock`: person `$3` decides, unless it is decided (`$7` approvals, a rejection, the
    /// end of its time or of the step) or the person has. No row: the run has ended, or attempt `$8`
    /// of it, about which the person decides, is not the one under way.
    static let decide = PostgresStatement(
        "approvals.decide",
        [.int8, .text, .text, .bool, .text, .text, .int4, .int4],
        """
        WITH target AS (
            SELECT r.id, r.attempt, r.lane_id FROM run r
            WHERE r.id = $1 AND r.attempt = $8 AND \(WaitsSQL.isOpen("r"))),
        earlier AS (
            SELECT d.* FROM target t JOIN approval_decision d
                ON d.run_id = t.id AND d.run_attempt = t.attempt AND d.step = $2),
        made AS (
            INSERT INTO approval_decision
                (run_id, run_attempt, step, person, approved, form, comment)
            SELECT t.id, t.attempt, $2, $3, $4, $5, $6 FROM target t
            WHERE NOT EXISTS (SELECT 1 FROM earlier e WHERE e.person = $3 OR NOT e.approved)
            AND (SELECT count(*) FROM earlier e) < $7
            AND NOT EXISTS (
                SELECT 1 FROM approval a
                WHERE a.run_id = t.id AND a.run_attempt = t.attempt AND a.step = $2
                AND (a.decided_at IS NOT NULL OR a.expires_at <= clock_timestamp()))
            AND NOT EXISTS (
                SELECT 1 FROM step_journal j WHERE j.run_id = t.id AND j.step = $2
                AND NOT j.superseded AND j.state <> 'intent' AND j.state <> 'unknown'
                AND j.state <> 'cancelled')
            RETURNING approved)
        SELECT (SELECT m.approved FROM made m),
               (SELECT e.approved FROM earlier e WHERE e.person = $3),
               (SELECT count(*) FROM earlier e WHERE e.approved), t.lane_id
        FROM target t
        """
    )

    /// In the same transaction: takes the step from the list as soon as it is decided.
    static let decided = PostgresStatement(
        "approvals.decided",
        [.int8, .text, .int4],
        """
        UPDATE approval a SET decided_at = clock_timestamp()
        FROM run r WHERE r.id = $1 AND a.run_id = r.id AND a.run_attempt = r.attempt
        AND a.step = $2 AND a.decided_at IS NULL
        AND (SELECT count(*) FILTER (WHERE d.approved) >= $3 OR bool_or(NOT d.approved)
             FROM approval_decision d
             WHERE d.run_id = r.id AND d.run_attempt = r.attempt AND d.step = $2)
        """
    )

    /// What waits for people, oldest first, after the place `$1`, `$2`; of run `$3` alone if that is
    /// given. A child's `started_by` is its parent's.
    static let open = PostgresStatement(
        "approvals.open",
        [.timestamptz, .int8, .int8, .int8],
        """
        SELECT a.run_id, a.step, a.needed, a.groups, a.users, a.self, a.message, a.form,
               (extract(epoch FROM a.asked_at) * 1000)::bigint,
               (extract(epoch FROM a.expires_at) * 1000)::bigint,
               (extract(epoch FROM a.asked_at) * 1000000)::bigint,
               p.name, s.name, l.name, (\(starter(of: "r.id"))),
               ARRAY(SELECT d.person FROM approval_decision d
                     WHERE d.run_id = a.run_id AND d.run_attempt = a.run_attempt
                     AND d.step = a.step AND d.approved ORDER BY d.decided_at)
        FROM approval a
        JOIN run r ON r.id = a.run_id AND r.attempt = a.run_attempt
            AND r.status IN ('claimed', 'running', 'waiting')
        JOIN plan p ON p.digest = r.plan_digest
        JOIN lane l ON l.id = r.lane_id JOIN session s ON s.id = l.session_id
        WHERE a.decided_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > clock_timestamp())
        AND ($1 IS NULL OR (a.asked_at, a.run_id) > ($1, $2))
        AND ($3 IS NULL OR a.run_id = $3)
        ORDER BY a.asked_at, a.run_id LIMIT $4
        """
    )

    static let starter = PostgresStatement(
        "approvals.starter",
        [.int8],
        "SELECT (\(starter(of: "$1")))"
    )

    /// Who started a run: a run that another one started is its starter's, until somebody has it run
    /// again with other inputs.
    private static func starter(of run: String) -> String {
        """
        WITH RECURSIVE up (id, parent, by, height) AS (
            SELECT u.id, u.parent_run, u.started_by, 0 FROM run_any u WHERE u.id = \(run)
            UNION ALL
            SELECT u.id, u.parent_run, u.started_by, up.height + 1
            FROM run_any u JOIN up ON u.id = up.parent WHERE up.by IS NULL)
        SELECT up.by FROM up ORDER BY up.height DESC LIMIT 1
        """
    }
}
