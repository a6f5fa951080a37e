// Changing the priority of a run that is in the queue: it comes to its turn earlier or later.

internal import Postgres
public import PulserIR

enum PrioritySQL {
    static let all = [change]

    /// Gives a queued run the turn that it would have, had it been queued with this priority. One that
    /// is being claimed now is under way then: who has the row's lock is first. A run for later has it
    /// from the moment when it is due.
    static let change = PostgresStatement(
        "runs.set_priority",
        [.int8, .int4],
        """
        UPDATE run r SET priority = $2, rank = run_rank(r.due_at, $2,
            (SELECT l.ageing_ms FROM lane l WHERE l.id = r.lane_id))
        WHERE r.id = $1 AND r.status = 'queued' AND r.request IS NULL
        RETURNING r.lane_id
        """
    )
}

extension Store {
    /// Changes the priority of a queued run, paused, put off or not, and tells its lane, which looks
    /// at what it has gone past already.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - priority: From then on; higher goes first inside its lane.
    /// - Throws: `conflict` when it is not queued any more, or somebody wants its end.
    public func setPriority(_ id: RunID, to priority: Int) async throws(StoreError) {
        let rows = try await self.execute(
            PrioritySQL.change,
            [.int8(id.number), .int4(Int32(clamping: priority))]
        )
        guard rows.count == 1 else {
            throw StoreError(.conflict, Self.priorityRefusal(try await self.run(id)))
        }
        await self.tell(.work(lane: try rows.first().int64(0)))
    }

    /// Why a run's priority means nothing any more.
    private static func priorityRefusal(_ run: RunRow) -> String {
        let id = run.id
        if run.request != nil { return "run \(id) is asked to end" }
        let counts = "a priority counts in the queue alone"
        switch run.status {
        case .queued: return "run \(id) changed meanwhile: try again"
        case .claimed, .running, .waiting:
            return "run \(id) is \(run.status.rawValue) and has its lane's place: \(counts)"
        case .succeeded, .failed, .cancelled, .timedOut:
            return "run \(id) is \(run.status.rawValue), not queued: \(counts)"
        }
    }
}
