// Which of some runs have ended.

internal import Postgres
public import PulserIR

enum RunEndsSQL {
    static let all = [ended]

    /// Those that are no open runs: each is looked up by its number, however many are open.
    static let ended = PostgresStatement(
        "runs.ended",
        [.int8Array],
        """
        SELECT u.id FROM unnest($1) AS u (id)
        WHERE (SELECT r.id FROM run r WHERE r.id = u.id) IS NULL
        """
    )
}

extension Store {
    /// Those of some runs that have ended, or that there are not.
    ///
    /// - Parameter runs: Whichever.
    /// - Returns: Some of them.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func ended(_ runs: [RunID]) async throws(StoreError) -> [RunID] {
        let rows = try await self.execute(RunEndsSQL.ended, [.int8Array(runs.map(\.number))])
        return try rows.decode { row throws(StoreError) in RunID(try row.int64(0)) }
    }
}
