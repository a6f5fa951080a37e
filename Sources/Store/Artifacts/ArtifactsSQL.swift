// The SQL of artifacts.

internal import Postgres

enum ArtifactsSQL {
    static let all = [list, content]

    static let list = PostgresStatement(
        "artifacts.list",
        [.int8],
        """
        SELECT step, name, digest, size, media_type, content IS NOT NULL AS inline
        FROM artifact WHERE run_id = $1 ORDER BY created_at, step, name
        """
    )

    static let content = PostgresStatement(
        "artifacts.content",
        [.int8, .text, .text],
        "SELECT content FROM artifact WHERE run_id = $1 AND step = $2 AND name = $3"
    )
}
