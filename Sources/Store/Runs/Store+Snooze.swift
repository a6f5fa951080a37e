// Putting a queued run off: a person says when it shall begin at the earliest.

internal import Postgres
public import PulserIR

enum SnoozeSQL {
    static let all = [snooze]

    /// Puts a run off that waits in the queue. Its attempt and claim stay as they are, and so does its
    /// place among what else is due at that moment. One that is being claimed now is under way then.
    static let snooze = PostgresStatement(
        "runs.snooze",
        [.int8, .int8],
        """
        UPDATE run r SET due_at = now() + $2 * interval '1 ms', is_delayed = $2 > 0,
            rank = run_rank(now() + $2 * interval '1 ms', r.priority,
                (SELECT l.ageing_ms FROM lane l WHERE l.id = r.lane_id))
        WHERE r.id = $1 AND r.status = 'queued' AND r.request IS NULL
        RETURNING r.lane_id, (extract(epoch FROM r.due_at) * 1000)::bigint
        """
    )
}

extension Store {
    /// Has a queued run begin no earlier than after a time, whatever was said before.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - milliseconds: From now on; 0 makes it due now.
    /// - Returns: When it is due, in milliseconds since 1970.
    /// - Throws: `conflict` when it is not queued, or somebody wants its end.
    @discardableResult
    public func snooze(_ id: RunID, for milliseconds: Int64) async throws(StoreError) -> Int64 {
        let rows = try await self.execute(
            SnoozeSQL.snooze,
            [.int8(id.number), .int8(max(0, milliseconds))]
        )
        guard rows.count == 1 else {
            let run = try await self.run(id)
            let state =
                run.status == .queued
                ? "is asked to end" : "is \(run.status.rawValue), not queued"
            throw StoreError(.conflict, "run \(id) \(state)")
        }
        let row = try rows.first()
        let lane = try row.int64(0)
        await self.tell(
            milliseconds > 0 ? .due(lane: lane, milliseconds: milliseconds) : .work(lane: lane)
        )
        return try row.int64(1)
    }
}
