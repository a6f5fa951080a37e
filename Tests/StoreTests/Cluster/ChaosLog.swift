// Decides what a chaotic history is held against: triggers write down every change as it happens.

import Postgres
import PulserIR
import Store

/// The history of a database, written down by the database itself, and the rules it must keep.
enum ChaosLog {
    /// How many shards the nodes play with.
    static let shards: Int32 = 48

    /// Makes the tables; one sequence numbers everything in the order it happened under its locks.
    static func begin(_ bed: StoreBed) async throws {
        let connection = try await PostgresConnection.connect(bed.configuration, logger: logger)
        try await connection.script(
            """
            CREATE SEQUENCE happened;
            CREATE TABLE fenced_write (n bigint DEFAULT nextval('happened'), shard_id integer,
                generation bigint, writer bigint);
            CREATE TABLE shard_log (n bigint DEFAULT nextval('happened'), shard_id integer,
                generation bigint, owner bigint, state text, was text);
            CREATE TABLE node_log (n bigint DEFAULT nextval('happened'), node_epoch bigint,
                status text);
            CREATE TABLE cluster_log (n bigint DEFAULT nextval('happened'), view_version bigint,
                coord_epoch bigint, coord_node bigint);
            CREATE FUNCTION log_shard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO shard_log (shard_id, generation, owner, state, was)
                VALUES (NEW.shard_id, NEW.generation, NEW.owner, NEW.state, OLD.state);
                RETURN NULL; END $$;
            CREATE TRIGGER log_shard AFTER UPDATE ON shard FOR EACH ROW EXECUTE FUNCTION log_shard();
            CREATE FUNCTION log_node() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO node_log (node_epoch, status) VALUES (NEW.node_epoch, NEW.status);
                RETURN NULL; END $$;
            CREATE TRIGGER log_node AFTER INSERT OR UPDATE OF status ON node FOR EACH ROW
                EXECUTE FUNCTION log_node();
            CREATE FUNCTION log_cluster() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO cluster_log (view_version, coord_epoch, coord_node)
                VALUES (NEW.view_version, NEW.coord_epoch, NEW.coord_node);
                RETURN NULL; END $$;
            CREATE TRIGGER log_cluster AFTER UPDATE ON cluster FOR EACH ROW
                EXECUTE FUNCTION log_cluster();
            """
        )
        await connection.close()
    }

    /// What must be true of every history: a sentence, and a query that counts where it is not.
    static let rules: [(rule: String, violations: String)] = [
        (
            "a generation has one owner",
            """
            SELECT count(*) FROM (SELECT FROM shard_log WHERE owner IS NOT NULL
                GROUP BY shard_id, generation HAVING count(DISTINCT owner) > 1) q
            """
        ),
        (
            "a generation has one writer, its owner",
            """
            SELECT count(*) FROM fenced_write w WHERE NOT EXISTS (
                SELECT 1 FROM shard_log l WHERE l.shard_id = w.shard_id
                AND l.generation = w.generation AND l.owner = w.writer)
            """
        ),
        (
            "generations never go back, in what is owned and in what is written",
            """
            SELECT count(*) FROM (
                SELECT generation, lag(generation) OVER (PARTITION BY shard_id ORDER BY n) AS before
                FROM (SELECT n, shard_id, generation FROM fenced_write
                    UNION ALL SELECT n, shard_id, generation FROM shard_log) h) q
            WHERE generation < before
            """
        ),
        (
            "a shard goes from state to state as it may",
            """
            SELECT count(*) FROM shard_log WHERE state <> was AND (was, state) NOT IN (
                ('free', 'assigned'), ('free', 'running'), ('assigned', 'running'),
                ('running', 'handing_off'), ('handing_off', 'assigned'), ('handing_off', 'running'),
                ('assigned', 'free'), ('running', 'free'), ('handing_off', 'free'))
            """
        ),
        (
            "the dead stay dead",
            """
            SELECT count(*) FROM node_log a JOIN node_log b
                ON b.node_epoch = a.node_epoch AND b.n > a.n WHERE a.status = 'dead'
            """
        ),
        (
            "the dead own nothing, get nothing and coordinate nothing",
            """
            SELECT (SELECT count(*) FROM shard s JOIN node n
                    ON n.node_epoch IN (s.owner, s.target) AND n.status = 'dead')
                + (SELECT count(*) FROM cluster c JOIN node n
                    ON n.node_epoch = c.coord_node AND n.status = 'dead')
                + (SELECT count(*) FROM suspicion v JOIN node n
                    ON n.node_epoch IN (v.target, v.voter) AND n.status = 'dead')
            """
        ),
        (
            "one address has one living node",
            """
            SELECT count(*) FROM (SELECT FROM node WHERE status <> 'dead'
                GROUP BY address HAVING count(*) > 1) q
            """
        ),
        (
            "view and term rise by one, and a term has one node",
            """
            SELECT count(*) FROM (
                SELECT view_version - lag(view_version) OVER (ORDER BY n) AS view,
                    coord_epoch - lag(coord_epoch) OVER (ORDER BY n) AS term,
                    coord_epoch = lag(coord_epoch) OVER (ORDER BY n)
                        AND coord_node <> lag(coord_node) OVER (ORDER BY n) AS changed
                FROM cluster_log) q
            WHERE view NOT IN (0, 1) OR term NOT IN (0, 1) OR changed
            """
        ),
        (
            "every change of a status is in a view of its own time",
            "SELECT count(*) FROM node n, cluster c WHERE n.view_version > c.view_version"
        ),
        (
            "nobody waited in a circle",
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ),
    ]

    /// What a history must have had, or it proved nothing: a query for how often, and at least how
    /// often.
    static let coverage: [(what: String, count: String, atLeast: Int)] = [
        ("fenced writes", "SELECT count(*) FROM fenced_write", 200),
        ("writers", "SELECT count(DISTINCT writer) FROM fenced_write", 6),
        ("deaths", "SELECT count(*) FROM node_log WHERE status = 'dead'", 20),
        ("terms", "SELECT max(coord_epoch) FROM cluster_log", 3),
        (
            "assignments",
            "SELECT count(*) FROM shard_log WHERE (was, state) = ('free', 'assigned')", 50
        ),
        (
            "marks",
            "SELECT count(*) FROM shard_log WHERE (was, state) = ('running', 'handing_off')", 3
        ),
        (
            "moves",
            "SELECT count(*) FROM shard_log WHERE (was, state) = ('handing_off', 'assigned')", 1
        ),
    ]
}
