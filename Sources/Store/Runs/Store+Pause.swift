// Pausing and resuming runs, as clients ask for it and owners hear of it.

internal import Postgres
public import PulserIR

/// Whether a run under way is to go on.
public struct RunPause: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// Its lane's number.
    public var lane: Int64
    /// Who paused it; `nil` when it is to go on.
    public var by: String?
    /// Rises with every pause and every resume.
    public var number: Int64

    /// Describes what holds for a run.
    public init(run: RunID, lane: Int64, by: String?, number: Int64) {
        self.run = run
        self.lane = lane
        self.by = by
        self.number = number
    }
}

extension Store {
    /// Pauses a run. A queued one is not taken until it is resumed, and keeps its place for then;
    /// its lane goes on with the next run. One under way ends the attempts that it is making and
    /// begins nothing more; it keeps its lane's place, and its timeout goes on. A run that is being
    /// undone or cleans up goes to its end all the same.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - person: Who wants it, for the record.
    /// - Returns: The run's status at this moment; `waiting` comes when nothing of it is under way.
    /// - Throws: `conflict` when the run has ended. A run that is paused stays so.
    public func requestPause(
        _ id: RunID,
        by person: String
    ) async throws(StoreError) -> RunStatus {
        let rows = try await self.execute(
            PauseSQL.pause,
            [.int8(id.number), .text(person.storable)]
        )
        if rows.count == 1 {
            await self.tell(.request(lane: try rows.first().int64(1), run: id.number))
            return try Self.status(rows)
        }
        let run = try await self.run(id)
        guard !run.status.isTerminal else {
            throw StoreError(.conflict, "run \(id) is \(run.status.rawValue) already")
        }
        return run.status
    }

    /// Has a paused run go on.
    ///
    /// - Parameter id: The run.
    /// - Returns: The run's status at this moment.
    /// - Throws: `conflict` when the run is not paused or has ended.
    public func requestResume(_ id: RunID) async throws(StoreError) -> RunStatus {
        let rows = try await self.execute(PauseSQL.resume, [.int8(id.number)])
        guard rows.count == 1 else {
            let run = try await self.run(id)
            let state =
                run.status.isTerminal ? "is \(run.status.rawValue) already" : "is not paused"
            throw StoreError(.conflict, "run \(id) \(state)")
        }
        let lane = try rows.first().int64(1)
        await self.tell(.request(lane: lane, run: id.number))
        await self.tell(.work(lane: lane))
        return try Self.status(rows)
    }

    /// What holds for the runs under way of this node that were ever paused.
    public func pauses(of node: NodeEpoch) async throws(StoreError) -> [RunPause] {
        let rows = try await self.execute(PauseSQL.pauses, [.int8(node.number)])
        return try rows.decode { row throws(StoreError) in
            RunPause(
                run: RunID(try row.int64(0)),
                lane: try row.int64(1),
                by: try row.textIfPresent(2),
                number: try row.int64(3)
            )
        }
    }

    private static func status(_ rows: PostgresRows) throws(StoreError) -> RunStatus {
        RunStatus(rawValue: try rows.first().text(0)) ?? .queued
    }
}
