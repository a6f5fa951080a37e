// What a run consists of, so that it can be moved whole: a test compares it with the tables.

/// The columns of `run`, `run_done` and `run_any`, but for `is_done`, which tells them apart.
enum RunColumns {
    static let all = [
        "id", "lane_id", "shard_id", "plan_digest", "status", "priority", "inputs", "attempt",
        "retry_count", "claim_no", "owner", "due_at", "idempotency_key", "parent_run", "depth",
        "request", "request_reason", "outputs", "failure", "wait_reason", "first_seq", "last_seq",
        "enqueued_at", "started_at", "finished_at", "template", "paused_by", "pause_no",
        "paused_at", "waiting_at", "steps", "started_by",
        "key", "rank", "is_delayed", "unique_key", "unique_ms", "retry_at",
        "again_at",
    ]

    /// Puts the rows of `source`, which have all columns of a run, into `table`.
    ///
    /// - Parameters:
    ///   - source: Its alias.
    ///   - table: `run` or `run_done`.
    ///   - values: What becomes of some columns; the others stay.
    /// - Returns: `INSERT … SELECT …`, to which `FROM` is added.
    static func move(
        _ source: String,
        to table: String,
        setting values: KeyValuePairs<String, String>
    ) -> String {
        let changed = Dictionary(values.map { ($0.key, $0.value) }) { $1 }
        let selected = Self.all.map { changed[$0] ?? "\(source).\($0)" }
        return """
            INSERT INTO \(table) (\(Self.all.joined(separator: ", ")))
            SELECT \(selected.joined(separator: ", "))
            """
    }
}
