// The SQL of plans and templates.

internal import Postgres

enum PlansSQL {
    static let all = [insert, get, names]

    /// A plan that was about to go stays.
    static let insert = PostgresStatement(
        "plans.insert",
        [.byteaArray, .textArray, .textArray],
        """
        INSERT INTO plan (digest, name, body)
        SELECT * FROM unnest($1, $2, $3) AS i (digest, name, body) ORDER BY digest
        ON CONFLICT (digest) DO UPDATE SET unused_since = NULL
        WHERE plan.unused_since IS NOT NULL
        """
    )

    /// The plan that one run is made of, NULL when there is none. Only of a plan that is about to go
    /// `plan_held` is asked, which locks it.
    static func held(_ digest: String) -> String {
        """
        coalesce((SELECT p.digest FROM plan p WHERE p.digest = \(digest) AND p.unused_since IS NULL),
            plan_held(\(digest)))
        """
    }

    static let get = PostgresStatement(
        "plans.get",
        [.bytea],
        "SELECT body FROM plan WHERE digest = $1"
    )

    static let names = PostgresStatement(
        "plans.names",
        [.byteaArray],
        "SELECT digest, name FROM plan WHERE digest = ANY ($1)"
    )
}
