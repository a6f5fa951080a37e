// The SQL of artifacts.

internal import Postgres

enum ArtifactsSQL {
    static let all = [list, content, page, find]

    static let list = PostgresStatement(
        "artifacts.list",
        [.int8],
        """
        SELECT step, name, digest, size, media_type, content IS NOT NULL AS inline, node
        FROM artifact WHERE run_id = $1 ORDER BY created_at, step, name
        """
    )

    static let content = PostgresStatement(
        "artifacts.content",
        [.int8, .text, .text],
        "SELECT content FROM artifact WHERE run_id = $1 AND step = $2 AND name = $3"
    )

    static let page = PostgresStatement(
        "artifacts.page",
        [.int8, .text, .text, .int8],
        """
        SELECT step, name, digest, size, media_type, content IS NOT NULL AS inline, node
        FROM artifact WHERE run_id = $1 AND (step, name) > ($2, $3)
        ORDER BY step, name LIMIT $4
        """
    )

    /// The latest of a name, or that of a step.
    static let find = PostgresStatement(
        "artifacts.find",
        [.int8, .text, .text],
        """
        SELECT step, name, digest, size, media_type, content IS NOT NULL AS inline, node
        FROM artifact WHERE run_id = $1 AND name = $2 AND ($3 IS NULL OR step = $3)
        ORDER BY created_at DESC, step DESC LIMIT 1
        """
    )
}
