// Actions on many runs: made, read, worked off.

internal import Postgres
public import PulserIR

extension Store {
    /// Runs of one action at most.
    public static let bulkRunsMax: Int64 = 100_000
    /// Rows that are looked at to choose them.
    static let bulkRowsMax: Int64 = 1_000_000
    /// How long choosing them may take.
    static let bulkTimeMax: Duration = .seconds(20)

    /// Makes an action on all runs that fit now.
    ///
    /// - Parameters:
    ///   - action: What is done.
    ///   - query: Which runs; of those only ones in a status the action can do anything to.
    ///   - filter: The same for the record, a JSON object.
    ///   - expected: How many the caller thinks there are; `nil` does not compare.
    ///   - reason: Why.
    ///   - actor: Who asks.
    ///   - key: Under which it happens once; ``made(_:)`` tells what an earlier request made.
    /// - Returns: The action, or none when there are more or others than expected.
    /// - Throws: `tooCostly` when the database cannot answer in time.
    public func makeBulk(
        _ action: BulkAction,
        _ query: RunQuery,
        filter: String,
        expected: Int64?,
        reason: String,
        actor: String,
        key: RequestKey? = nil
    ) async throws(StoreError) -> BulkSelection {
        let lanes = try await self.lanes(of: query)
        let rows = try await self.bounded(
            lanes.form(query, BulkSQL.make, BulkSQL.lanesMake, BulkSQL.lanesMake),
            Self.values(query, in: lanes, before: nil, stretch: Self.bulkRowsMax) + [
                .int8(Self.bulkRunsMax), expected.map { .int8($0) } ?? .null,
                .text(action.rawValue), .text(filter), .text(reason.storable),
                .text(actor.storable),
            ] + RequestKey.values(key),
            isNarrowable: true,
            within: Self.bulkTimeMax
        )
        let row = try rows.first()
        let count = try row.int64(1)
        let isWhole = try row.bool(2)
        return BulkSelection(
            id: try row.int64IfPresent(0),
            count: BoundedCount(count: count, isExact: isWhole && count <= Self.bulkRunsMax)
        )
    }

    /// An action with what came of it so far.
    ///
    /// - Throws: `notFound`.
    public func bulk(_ id: Int64) async throws(StoreError) -> BulkRow {
        let rows = try await self.bounded(BulkSQL.get, [.int8(id)])
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no bulk action \(id)")
        }
        return try BulkRow(rows.first())
    }

    /// A page of actions, newest first.
    public func bulkPage(
        before cursor: Int64?,
        limit: Int
    ) async throws(StoreError) -> Page<BulkRow> {
        let rows = try await self.bounded(
            BulkSQL.page,
            [.int8(cursor ?? .max), .int8(Int64(limit) + 1)]
        )
        var all = try rows.decode { row throws(StoreError) in try BulkRow(row) }
        guard all.count > limit else { return Page(rows: all, next: nil) }
        all.removeLast()
        return Page(rows: all, next: all.last?.id)
    }

    /// A page of an action's runs, in the order of their numbers.
    public func bulkItems(
        _ id: Int64,
        state: BulkItem.State?,
        after cursor: Int64?,
        limit: Int
    ) async throws(StoreError) -> Page<BulkItem> {
        let rows = try await self.bounded(
            BulkSQL.items,
            [
                .int8(id), state.map { .text($0.rawValue) } ?? .null, .int8(cursor ?? 0),
                .int8(Int64(limit) + 1),
            ]
        )
        var all = try rows.decode { row throws(StoreError) in
            BulkItem(
                run: RunID(try row.int64(0)),
                state: BulkItem.State(rawValue: try row.text(1)) ?? .pending,
                reason: try row.textIfPresent(2)
            )
        }
        guard all.count > limit else { return Page(rows: all, next: nil) }
        all.removeLast()
        return Page(rows: all, next: all.last?.run.number)
    }

    /// Ends an action; what is done stays done.
    ///
    /// - Throws: `notFound`; `stale` when it ended or changed meanwhile.
    public func cancelBulk(_ id: Int64, revision: Int64?) async throws(StoreError) {
        let rows = try await self.execute(
            BulkSQL.cancel,
            [.int8(id), revision.map { .int8($0) } ?? .null]
        )
        guard rows.count == 1 else {
            let bulk = try await self.bulk(id)
            if let revision, bulk.revision != revision {
                throw StoreError(.stale, "the bulk action changed meanwhile")
            }
            throw StoreError(.conflict, "bulk action \(id) is \(bulk.status) already")
        }
    }

    /// Takes an action that nobody has worked on for a while.
    ///
    /// - Parameter silence: How long no worker gave a sign.
    /// - Returns: The right to work on it; `nil` when there is none to take.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func takeBulk(silence: Duration) async throws(StoreError) -> BulkClaim? {
        let milliseconds =
            silence.components.seconds * 1_000
            + silence.components.attoseconds / 1_000_000_000_000_000
        let rows = try await self.execute(BulkSQL.take, [.int8(milliseconds)])
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        guard let action = BulkAction(rawValue: try row.text(2)) else {
            throw StoreError(.corrupt, "a bulk action is of a kind this version does not know")
        }
        return BulkClaim(
            id: try row.int64(0),
            claimNumber: try row.int64(1),
            action: action,
            reason: try row.text(3),
            actor: try row.text(4)
        )
    }

    /// Says that somebody works on it.
    ///
    /// - Returns: False when it ended or somebody else has it.
    public func beatBulk(_ claim: BulkClaim) async throws(StoreError) -> Bool {
        try await self.execute(BulkSQL.beat, [.int8(claim.id), .int8(claim.claimNumber)]).count == 1
    }

    /// Asks for the end of the next runs of an action.
    ///
    /// - Returns: How many were looked at; 0 when all are done or the claim is lost.
    public func cancelNext(_ claim: BulkClaim, limit: Int) async throws(StoreError) -> Int {
        let rows = try await self.execute(
            BulkSQL.cancelRuns,
            [
                .int8(claim.id), .int8(claim.claimNumber), .text(claim.reason),
                .int8(Int64(limit)),
            ]
        )
        if rows.count > 0 { await self.tellAll(session: nil) }
        return rows.count
    }

    /// The next runs of an action that are not done, with the claim each had when it was chosen.
    public func nextOfBulk(
        _ claim: BulkClaim,
        limit: Int
    ) async throws(StoreError) -> [(run: RunID, claimNumber: Int64)] {
        let rows = try await self.execute(
            BulkSQL.next,
            [.int8(claim.id), .int8(claim.claimNumber), .int8(Int64(limit))]
        )
        return try rows.decode { row throws(StoreError) in
            (run: RunID(try row.int64(0)), claimNumber: try row.int64(1))
        }
    }

    /// Notes what came of some runs; those marked before keep what they have.
    public func mark(_ items: [BulkItem], of claim: BulkClaim) async throws(StoreError) {
        guard !items.isEmpty else { return }
        _ = try await self.execute(
            BulkSQL.mark,
            [
                .int8(claim.id), .int8(claim.claimNumber), .int8Array(items.map(\.run.number)),
                .textArray(items.map(\.state.rawValue)),
                .textArray(items.map { $0.reason?.storable }),
            ]
        )
    }

    /// Ends an action whose runs are all done.
    ///
    /// - Returns: Whether they are.
    public func finishBulk(_ claim: BulkClaim) async throws(StoreError) -> Bool {
        try await self.execute(BulkSQL.finish, [.int8(claim.id), .int8(claim.claimNumber)]).count
            == 1
    }

    /// Keeps what came of actions that were cancelled a minute ago or longer, at most 20.
    ///
    /// - Returns: How many.
    public func settleBulk() async throws(StoreError) -> Int {
        try await self.execute(BulkSQL.settle, [.int8(60_000)]).count
    }

    /// Removes some of what actions left that ended a while ago.
    ///
    /// - Parameters:
    ///   - time: Since their end.
    ///   - limit: Runs' results at most.
    /// - Returns: Actions that are gone; `nil` when none is that old.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func sweepBulk(endedFor time: Duration, limit: Int) async throws(StoreError) -> Int? {
        let row = try await self.execute(
            BulkSQL.sweep,
            [.int8(Int64(time / .milliseconds(1))), .int8(Int64(limit))]
        ).first()
        return try row.int64(0) == 0 ? nil : Int(try row.int64(1))
    }
}
