// The SQL of templates: names that stand for plans, and what they stood for.

internal import Postgres

enum TemplatesSQL {
    static let all = [lock, put, get, page, delete, versions, source]

    private static let columns = """
        t.name, t.plan_digest, p.name, t.title, t.revision,
        (extract(epoch FROM t.updated_at) * 1000)::bigint
        FROM template t JOIN plan p ON p.digest = t.plan_digest
        """

    /// One editor of a name at a time; alone in its transaction's first place, so nobody waits in a
    /// circle, and the next statement sees what the one before it did.
    static let lock = PostgresStatement(
        "templates.lock",
        [.text],
        "SELECT pg_advisory_xact_lock(7301, hashtext($1))"
    )

    /// `$4` is the revision the editor saw: 0 for none, NULL does not compare. `$5` is what it was made
    /// of; without it that of the name's version before, if its plan is the same.
    static let put = PostgresStatement(
        "templates.put",
        [.text, .bytea, .text, .int8, .text],
        """
        WITH version AS (
            INSERT INTO template_version (name, revision, plan_digest, title, source)
            SELECT $1, coalesce((SELECT max(v.revision) FROM template_version v
                                 WHERE v.name = $1), 0) + 1, p.digest, $3,
                coalesce($5, (SELECT CASE WHEN v.plan_digest = $2 THEN v.source END
                    FROM template_version v WHERE v.name = $1 ORDER BY v.revision DESC LIMIT 1))
            FROM plan p WHERE p.digest = $2
            AND ($4 IS NULL
                OR coalesce((SELECT t.revision FROM template t WHERE t.name = $1), 0) = $4)
            RETURNING name, revision, plan_digest, title)
        INSERT INTO template (name, plan_digest, title, revision)
        SELECT name, plan_digest, title, revision FROM version
        ON CONFLICT (name) DO UPDATE SET plan_digest = excluded.plan_digest,
            title = excluded.title, revision = excluded.revision, updated_at = now()
        RETURNING revision
        """
    )

    static let get = PostgresStatement(
        "templates.get",
        [.text],
        "SELECT \(columns) WHERE t.name = $1"
    )

    static let page = PostgresStatement(
        "templates.page",
        [.text, .int8],
        "SELECT \(columns) WHERE t.name > $1 ORDER BY t.name LIMIT $2"
    )

    static let delete = PostgresStatement(
        "templates.delete",
        [.text, .int8],
        """
        DELETE FROM template WHERE name = $1 AND ($2 IS NULL OR revision = $2) RETURNING name
        """
    )

    static let versions = PostgresStatement(
        "templates.versions",
        [.text, .int8, .int8],
        """
        SELECT v.name, v.plan_digest, p.name, v.title, v.revision,
               (extract(epoch FROM v.stored_at) * 1000)::bigint
        FROM template_version v JOIN plan p ON p.digest = v.plan_digest
        WHERE v.name = $1 AND v.revision < $2 ORDER BY v.revision DESC LIMIT $3
        """
    )

    /// Version `$2` of a name with its files; NULL: the one that it stands for.
    static let source = PostgresStatement(
        "templates.source",
        [.text, .int8],
        """
        SELECT v.name, v.plan_digest, p.name, v.title, v.revision,
               (extract(epoch FROM v.stored_at) * 1000)::bigint, v.source
        FROM template_version v JOIN plan p ON p.digest = v.plan_digest
        WHERE v.name = $1 AND v.revision = coalesce($2,
            (SELECT t.revision FROM template t WHERE t.name = $1))
        """
    )
}
