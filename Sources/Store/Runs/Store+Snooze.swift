// Putting a run off that waits for its time: a person says when it shall begin at the earliest.

internal import Postgres
public import PulserIR

enum SnoozeSQL {
    static let all = [snooze, putOff, nextAttempt]

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

    /// Puts the next attempt of a run off that failed and waits for it. Its owner takes `retry_at` away
    /// when it begins, so either this comes first or there is nothing to put off.
    static let putOff = PostgresStatement(
        "runs.put_off",
        [.int8, .int8],
        """
        UPDATE run r SET retry_at = now() + $2 * interval '1 ms',
            wait_reason = 'its next attempt was put off until ' || to_char(
                (now() + $2 * interval '1 ms') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        WHERE r.id = $1 AND r.status = 'waiting' AND r.retry_at IS NOT NULL
        AND r.request IS NULL AND r.paused_by IS NULL
        RETURNING r.lane_id, (extract(epoch FROM r.retry_at) * 1000)::bigint
        """
    )

    /// How long until the next attempt of a run; NULL when it may begin, which is written down. One
    /// UPDATE, so that it sees what whoever holds the row's lock writes.
    static let nextAttempt = PostgresStatement(
        "runs.next_attempt",
        [.int8, .int8],
        """
        UPDATE run r SET
            retry_at = CASE WHEN r.retry_at > clock_timestamp() THEN r.retry_at END
        WHERE r.id = $1 AND r.claim_no = $2 AND r.retry_at IS NOT NULL
        RETURNING CASE WHEN r.retry_at IS NOT NULL THEN
            greatest(1, ceil(date_part('epoch', r.retry_at - clock_timestamp()) * 1000))::bigint END
        """
    )
}

extension Store {
    /// Has a queued run, or the next attempt of one that failed and waits for it, begin no earlier
    /// than after a time, whatever was said before. Deadlines and the run's timeout go on.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - milliseconds: From now on; 0 makes it due now.
    /// - Returns: When it is due, in milliseconds since 1970.
    /// - Throws: `conflict` when it does not wait for its time, or somebody wants its end.
    @discardableResult
    public func snooze(_ id: RunID, for milliseconds: Int64) async throws(StoreError) -> Int64 {
        let values: [PostgresValue] = [.int8(id.number), .int8(max(0, milliseconds))]
        let queued = try await self.execute(SnoozeSQL.snooze, values)
        if queued.count == 1 {
            let row = try queued.first()
            let lane = try row.int64(0)
            await self.tell(
                milliseconds > 0
                    ? .due(lane: lane, milliseconds: milliseconds) : .work(lane: lane)
            )
            return try row.int64(1)
        }
        let waiting = try await self.execute(SnoozeSQL.putOff, values)
        guard waiting.count == 1 else {
            throw StoreError(.conflict, Self.refusal(try await self.run(id)))
        }
        let row = try waiting.first()
        await self.tell(.request(lane: try row.int64(0), run: id.number))
        return try row.int64(1)
    }

    /// How long until the next attempt of a run that failed may begin. When it may, that is written
    /// down, and nobody puts it off any more.
    ///
    /// - Parameter fence: The claim that has the run.
    /// - Returns: Milliseconds; `nil` when it may begin now, or the run does not wait for that.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func nextAttempt(of fence: RunFence) async throws(StoreError) -> Int64? {
        let rows = try await self.execute(
            SnoozeSQL.nextAttempt,
            [.int8(fence.run.number), .int8(fence.claimNumber)]
        )
        return rows.count == 1 ? try rows.first().int64IfPresent(0) : nil
    }

    /// Why a run is not put off, and what to do instead.
    private static func refusal(_ run: RunRow) -> String {
        let id = run.id
        if run.request != nil { return "run \(id) is asked to end" }
        switch run.status {
        case .waiting:
            if let person = run.pausedBy {
                return "run \(id) is paused by \(person): it begins nothing until opsroom runs "
                    + "resume \(id)"
            }
            let reason = run.waitReason ?? "what comes from outside"
            return "run \(id) does not wait for its time but for this: \(reason)"
        case .claimed, .running:
            return "run \(id) is \(run.status.rawValue), not queued: opsroom runs pause \(id) "
                + "holds it before its next step"
        case .queued: return "run \(id) changed meanwhile: try again"
        case .succeeded, .failed, .cancelled, .timedOut:
            return "run \(id) is \(run.status.rawValue), not queued"
        }
    }
}
