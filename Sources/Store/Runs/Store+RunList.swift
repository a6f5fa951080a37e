// Lists and counts of runs.

internal import Postgres
internal import PulserIR

extension Store {
    /// Rows one page of a search looks at: then it ends, with a cursor, whatever it found.
    public static let searchRowsMax: Int64 = 20_000
    /// Runs that are counted at most.
    public static let countMax: Int64 = 10_000

    /// A page of runs, newest first.
    ///
    /// - Parameters:
    ///   - query: Which runs.
    ///   - cursor: Only runs before this number; `nil` begins with the newest.
    ///   - limit: Rows at most.
    /// - Returns: The page. A search may find nothing in its stretch and still have a next page.
    /// - Throws: `tooCostly` when the database cannot answer in time.
    public func runPage(
        _ query: RunQuery,
        before cursor: Int64?,
        limit: Int
    ) async throws(StoreError) -> Page<RunRow> {
        let stretch = query.isSearch ? Self.searchRowsMax : Int64(limit) + 1
        let lanes = try await self.lanes(of: query)
        let rows = try await self.bounded(
            lanes.form(query, RunListSQL.page, RunListSQL.lanesPage, RunListSQL.walkedPage),
            Self.values(query, in: lanes, before: cursor, stretch: stretch)
                + [.int8(Int64(limit) + 1)],
            isNarrowable: true
        )
        let bounds = try rows.first()
        let isCut = try bounds.int64(0) == stretch
        let low = try bounds.int64IfPresent(1)
        if bounds.from(2).isNull(0) { return Page(rows: [], next: isCut ? low : nil) }
        var runs = try rows.decode { row throws(StoreError) in
            try RunRow(row.from(2), self.seal)
        }
        guard runs.count > limit else { return Page(rows: runs, next: isCut ? low : nil) }
        runs.removeLast()
        return Page(rows: runs, next: runs.last?.id.number)
    }

    /// How many runs fit, counted up to a bound.
    ///
    /// - Parameters:
    ///   - query: Which runs.
    ///   - isForBulk: Whether to count as far as an action on many runs goes, not as far as a list
    ///     tells.
    /// - Returns: The number, and whether there are no more.
    /// - Throws: `tooCostly` when the database cannot answer in time.
    public func runCount(
        _ query: RunQuery,
        isForBulk: Bool = false
    ) async throws(StoreError) -> BoundedCount {
        let stretch =
            switch (query.isSearch, isForBulk) {
            case (true, false): Self.searchRowsMax
            case (false, false): Self.countMax
            case (true, true): Self.bulkRowsMax
            case (false, true): Self.bulkRunsMax + 1
            }
        let lanes = try await self.lanes(of: query)
        let row = try await self.bounded(
            lanes.form(query, RunListSQL.count, RunListSQL.lanesCount, RunListSQL.walkedCount),
            Self.values(query, in: lanes, before: nil, stretch: stretch),
            isNarrowable: true,
            within: isForBulk ? Self.bulkTimeMax : Self.questionTimeMax
        ).first()
        return BoundedCount(count: try row.int64(0), isExact: try row.int64(1) < stretch)
    }

    /// How many runs are open, by status.
    ///
    /// - Parameter session: A session's number; `nil` means all.
    /// - Returns: The numbers by status; statuses without runs are missing.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func openCounts(session: Int64?) async throws(StoreError) -> [String: Int64] {
        let rows = try await self.bounded(
            RunListSQL.open,
            [session.map { .int8($0) } ?? .null]
        )
        return try Self.counts(rows)
    }

    /// How long the run has been ready that is at the front of its lane, or of its key there, for
    /// longest, of all lanes that are not paused. One that others of higher priority are ahead of counts
    /// once it is in front. The first 2,000 lanes without keys and the first 2,000 keys are looked at.
    ///
    /// - Returns: Microseconds; `nil` when nothing is ready.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func frontWait() async throws(StoreError) -> Int64? {
        try await self.bounded(RunListSQL.frontWait, []).first().int64IfPresent(0)
    }

    /// How many runs ended since a time, by status.
    ///
    /// - Parameters:
    ///   - session: A session's number; `nil` means all.
    ///   - milliseconds: Since 1970.
    /// - Returns: The numbers by status; statuses without runs are missing.
    /// - Throws: `tooCostly` when the database cannot answer in time.
    public func endedCounts(
        session: Int64?,
        since milliseconds: Int64
    ) async throws(StoreError) -> [String: Int64] {
        let rows = try await self.bounded(
            RunListSQL.ended,
            [session.map { .int8($0) } ?? .null, .int8(milliseconds * 1_000)],
            isNarrowable: true
        )
        return try Self.counts(rows)
    }

    static func counts(_ rows: PostgresRows) throws(StoreError) -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            counts[try row.text(0)] = try row.int64(1)
        }
        return counts
    }

    /// The lanes that a query's session and lane mean now.
    func lanes(of query: RunQuery) async throws(StoreError) -> QueryLanes {
        guard query.session != nil || query.lane != nil else { return .any }
        let rows = try await self.bounded(
            LanesSQL.named,
            Self.names(query) + [.int8(Int64(QueryLanes.namedMax) + 1)]
        )
        let lanes = try rows.decode { row throws(StoreError) in try row.int64(0) }
        return lanes.count > QueryLanes.namedMax ? .tooMany : .these(lanes)
    }

    /// Whether open or ended runs alone can have these statuses.
    private static func part(
        _ statuses: [RunStatus],
        _ query: RunQuery
    ) -> String {
        if query.isDead { return "dead" }
        if statuses.isEmpty { return "any" }
        if statuses.allSatisfy({ !$0.isTerminal }) { return "open" }
        return statuses.allSatisfy(\.isTerminal) && query.paused == .any ? "ended" : "any"
    }

    private static func names(_ query: RunQuery) -> [PostgresValue] {
        [query.session, query.lane].flatMap { text -> [PostgresValue] in
            guard let text else { return [.null, .null] }
            return [.text(text.storable), Int64(text).map { .int8($0) } ?? .null]
        }
    }

    static func values(
        _ query: RunQuery,
        in lanes: QueryLanes,
        before cursor: Int64?,
        stretch: Int64
    ) -> [PostgresValue] {
        func text(_ text: String?) -> PostgresValue { text.map { .text($0.storable) } ?? .null }
        func time(_ milliseconds: Int64?) -> PostgresValue {
            milliseconds.map { .int8($0 * 1_000) } ?? .null
        }
        // Paused is no status of its own, but only what is open is paused.
        let open: [RunStatus] = [.queued, .claimed, .running, .waiting]
        let statuses = query.paused == .only && query.statuses.isEmpty ? open : query.statuses
        let prefix = query.text.flatMap { RunID.prefixRange($0) }
        let named: [PostgresValue] =
            switch lanes {
            case .any: [.null, .int8Array([])] + [.null, .null, .null, .null]
            // A number that no lane has finds nothing.
            case .these(let lanes) where lanes.count <= 1:
                [.int8(lanes.first ?? 0), .int8Array([])] + [.null, .null, .null, .null]
            case .these(let lanes): [.null, .int8Array(lanes)] + [.null, .null, .null, .null]
            case .tooMany: [.null, .int8Array([])] + Self.names(query)
            }
        return [
            .int8(cursor ?? .max), .textArray(statuses.map(\.rawValue)),
            .text(query.paused.rawValue),
        ] + named + [
            text(query.template), query.parent.map { .int8($0.number) } ?? .null,
            time(query.enqueuedFrom), time(query.enqueuedBefore), time(query.finishedFrom),
            time(query.finishedBefore), text(query.plan), text(query.text),
            prefix.map { .int8(Int64($0.lowerBound)) } ?? .null,
            prefix.map { .int8(Int64($0.upperBound)) } ?? .null, .int8(stretch),
            .text(Self.part(statuses, query)), text(query.key),
            .int8Array(query.runs.map(\.number)), .bool(query.isQuiet),
        ]
    }
}

/// The lanes that a query means.
enum QueryLanes: Sendable, Hashable {
    /// It names none.
    case any
    /// These; none when nothing has the name.
    case these([Int64])
    /// More than ``namedMax``: they are looked up where they are needed.
    case tooMany

    /// Lanes that are named to the planner one by one.
    static let namedMax = 1_000
    /// Lanes of which each is read for itself.
    static let walkedMax = 200

    /// The form of a statement that fits: for lanes that are not named, for those that are, and for
    /// those that are read one by one.
    func form(
        _ query: RunQuery,
        _ plain: PostgresStatement,
        _ named: PostgresStatement,
        _ walked: PostgresStatement
    ) -> PostgresStatement {
        guard case .these = self else { return plain }
        return self.isWalked(query) ? walked : named
    }

    /// Whether the lanes are all that narrows a query, so that each is read from its newest run on.
    func isWalked(_ query: RunQuery) -> Bool {
        guard case .these(let lanes) = self, (2...Self.walkedMax).contains(lanes.count) else {
            return false
        }
        return (query.statuses.isEmpty || query.statuses.contains(.succeeded))
            && query.paused != .only
            && query.template == nil && query.parent == nil && query.enqueuedFrom == nil
            && query.enqueuedBefore == nil && query.finishedFrom == nil
            && query.finishedBefore == nil
    }
}
