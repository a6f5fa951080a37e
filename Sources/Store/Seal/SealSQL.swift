// The SQL that counts what is sealed with which key.

internal import Postgres
internal import PulserIR

enum SealSQL {
    static let all = [status]

    private static let id = "([A-Za-z0-9_-]+)"

    /// The key of a text; what an ended run keeps of its journal is sealed row by row.
    private static func texts(_ what: String, _ column: String, of table: String) -> String {
        let mark = SealRing.mark.replacing("{", with: "\\{")
        let begin = column == "steps" ? "\"record\":" : "^"
        return """
            SELECT '\(what)' AS what, substring(\(column) FROM '\(begin)\(mark)\(id)') AS key
            FROM \(table) WHERE \(column) LIKE '%\(SealRing.mark)%'
            """
    }

    private static func bytes(_ what: String, _ column: String, of table: String) -> String {
        let head = "encode(substring(\(column) FROM 1 FOR 48), 'escape')"
        return """
            SELECT '\(what)', substring(\(head) FROM '^\\\\000sealed v1\\\\000\(id)')
            FROM \(table) WHERE substring(\(column) FROM 1 FOR 8) = '\\x007365616c656420'::bytea
            """
    }

    /// Reads all of it: for a person who wants to do without a key.
    static let status = PostgresStatement(
        "seal.status",
        [],
        """
        SELECT what, coalesce(key, '?'), count(*) FROM (
            \([
                texts("inputs", "inputs", of: "run_any"), texts("outputs", "outputs", of: "run_any"),
                texts("failures", "failure", of: "run_any"), texts("results", "steps", of: "run_done"),
                texts("results", "record", of: "step_journal"),
                texts("signals", "payload", of: "signal"), texts("questions", "message", of: "approval"),
                texts("decisions", "form", of: "approval_decision"),
                texts("decisions", "comment", of: "approval_decision"),
                texts("schedules", "inputs", of: "schedule"),
                bytes("events", "bytes", of: "run_events"), bytes("artifacts", "content", of: "artifact"),
            ].joined(separator: " UNION ALL "))) s
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
}
