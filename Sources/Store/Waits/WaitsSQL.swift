// The SQL by which a run is held still while something that comes from outside is stored or taken.

internal import Postgres

enum WaitsSQL {
    static let all = [hold, lock]

    /// Whether this claim may still write about the run: the fence of every write of a run. `$1` is
    /// the run, `$2` the claim, `$3` its shard at generation `$4`.
    static let isHeld = """
        r.id = $1 AND r.claim_no = $2 AND (
            SELECT s.owner = r.owner AND s.generation = $4 FROM shard s WHERE s.shard_id = $3)
        """
    static let fenceTypes: [PostgresType] = [.int8, .int8, .int4, .int8]

    /// Holds a run for its owner. FOR NO KEY UPDATE of the one row: what comes for the run meanwhile
    /// waits for this commit, and nothing here waits for a second lock. The statement after it reads
    /// anew, so it sees all that came before.
    static let hold = PostgresStatement(
        "waits.hold",
        fenceTypes,
        "SELECT r.attempt FROM run r WHERE \(isHeld) FOR NO KEY UPDATE OF r"
    )

    /// Holds a run for whoever brings something.
    static let lock = PostgresStatement(
        "waits.lock",
        [.int8],
        "SELECT r.status, r.lane_id FROM run r WHERE r.id = $1 FOR NO KEY UPDATE OF r"
    )

    /// What can still be brought something.
    static func isOpen(_ run: String) -> String {
        "\(run).status IN ('queued', 'claimed', 'running', 'waiting')"
    }
}
