// Dead letters: runs that failed for good, and those of them that somebody put aside.

internal import Postgres
public import PulserIR

/// That a run which failed was put aside.
public struct DiscardedRun: Sendable, Hashable {
    /// Who did.
    public var by: String
    /// What there is to say about it.
    public var note: String
    /// When, in milliseconds since 1970.
    public var milliseconds: Int64
}

extension Store {
    /// Puts a run aside that failed for good: nothing is to be done about it.
    ///
    /// - Parameters:
    ///   - run: As read just now.
    ///   - person: Who does.
    ///   - note: What there is to say about it.
    /// - Throws: `conflict` when it did not fail, is a child of another run, was put aside already or
    ///   was queued again.
    public func discard(
        _ run: RunRow,
        by person: String,
        note: String
    ) async throws(StoreError) {
        let rows = try await self.execute(
            DeadSQL.discard,
            [
                .int8(run.id.number), .int8(run.claimNumber), .text(person.storable),
                .text(note.storable),
            ]
        )
        guard rows.count == 0 else { return }
        if let earlier = try await self.discarded(run) {
            throw StoreError(.conflict, "\(earlier.by) put run \(run.id) aside already")
        }
        let now = try await self.run(run.id)
        let reason: String
        if let parent = now.parent {
            reason = "is a child of run \(parent), whose failure it is"
        } else if now.isDeadStatus {
            reason = "changed meanwhile"
        } else {
            reason = "is \(now.status.rawValue), not failed"
        }
        throw StoreError(.conflict, "run \(run.id) \(reason)")
    }

    /// That a run was put aside since it failed; `nil` when nobody did.
    ///
    /// - Parameter run: The run, under the claim it has.
    /// - Returns: Who did and what there is to say.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func discarded(_ run: RunRow) async throws(StoreError) -> DiscardedRun? {
        let rows = try await self.execute(
            DeadSQL.discarded,
            [.int8(run.id.number), .int8(run.claimNumber)]
        )
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        return DiscardedRun(
            by: try row.text(0),
            note: try row.text(1),
            milliseconds: try row.int64(2)
        )
    }

    /// How many runs failed for good and nobody has put aside, up to ``countMax``.
    ///
    /// - Parameter session: A session's name or number; `nil` means all.
    /// - Returns: The number, and whether there are no more.
    /// - Throws: `tooCostly` when the database cannot answer in time.
    public func deadCount(session: String? = nil) async throws(StoreError) -> BoundedCount {
        var query = RunQuery()
        query.isDead = true
        query.statuses = RunRow.deadStatuses
        query.session = session
        return try await self.runCount(query)
    }

    /// Runs that failed for good and nobody has put aside, newest first.
    ///
    /// - Parameters:
    ///   - session: A session's name or number; `nil` means any, as in all that follow.
    ///   - lane: A lane's name or number.
    ///   - template: The template they were made from.
    ///   - text: Part of the failure, the inputs or the plan's name.
    ///   - milliseconds: Ended at this time or later, since 1970.
    ///   - limit: At most so many.
    /// - Returns: The runs.
    /// - Throws: `tooCostly` when the database cannot answer in time.
    public func deadRuns(
        session: String?,
        lane: String?,
        template: String?,
        text: String?,
        since milliseconds: Int64?,
        limit: Int
    ) async throws(StoreError) -> [RunRow] {
        var query = RunQuery()
        query.isDead = true
        query.statuses = RunRow.deadStatuses
        query.session = session
        query.lane = lane
        query.template = template
        query.text = text
        query.finishedFrom = milliseconds
        var runs: [RunRow] = []
        var cursor: Int64?
        repeat {
            let page = try await self.runPage(
                query,
                before: cursor,
                limit: min(200, limit - runs.count)
            )
            runs += page.rows
            cursor = page.next
        } while cursor != nil && runs.count < limit
        return runs
    }

    /// Forgets notes about runs that are gone.
    ///
    /// - Parameter limit: How many are looked at, the oldest first.
    /// - Returns: How many are forgotten.
    /// - Throws: `unavailable` when the database cannot answer in time.
    @discardableResult
    public func forgetDiscarded(limit: Int) async throws(StoreError) -> Int {
        try await self.execute(DeadSQL.forget, [.int8(Int64(limit))]).count
    }
}

extension RunRow {
    /// What a run that failed for good is.
    public static let deadStatuses: [RunStatus] = [.failed, .timedOut]

    /// Whether it failed for good, as far as its status tells.
    public var isDeadStatus: Bool { Self.deadStatuses.contains(self.status) }
}
