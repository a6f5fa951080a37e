// How long runs took, for measuring.

internal import Postgres
public import PulserIR

extension Store {
    /// Milliseconds from enqueue to end of the finished runs in a range of ids.
    public func runTimings(
        from first: RunID,
        through last: RunID
    ) async throws(StoreError) -> [Double] {
        let rows = try await self.execute(
            RunTimingsSQL.timings,
            [.int8(first.number), .int8(last.number)]
        )
        return try rows.decode { row throws(StoreError) in Double(try row.int64(0)) / 1_000 }
    }

    /// How many runs in a range of ids have not ended.
    public func openRuns(
        from first: RunID,
        through last: RunID
    ) async throws(StoreError) -> Int64 {
        try await self.execute(
            RunTimingsSQL.open,
            [.int8(first.number), .int8(last.number)]
        ).first().int64(0)
    }
}
