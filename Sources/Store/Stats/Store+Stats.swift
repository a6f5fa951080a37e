// Statistics of what ended, computed in the database from a bounded number of runs.

internal import Postgres

extension Store {
    /// Runs that statistics are made of at most.
    public static let statsRunsMax: Int64 = 60_000
    /// Lanes and templates that statistics tell of.
    public static let statsGroupsMax = 100
    /// Lanes whose queue is told.
    static let statsQueuesMax: Int64 = 200

    /// What ended in a time, and what is queued now.
    ///
    /// - Parameter query: What is asked for.
    /// - Returns: The figures. Without a session, lane or template each bucket is of so many of its
    ///   runs, otherwise all are of the newest that fit, see ``StatsRow/isPartial``.
    /// - Throws: `tooCostly` when the database cannot answer in time, or too many lanes are meant.
    public func stats(_ query: StatsQuery) async throws(StoreError) -> StatsRow {
        var named = RunQuery()
        named.session = query.session
        named.lane = query.lane
        let lanes: PostgresValue
        switch try await self.lanes(of: named) {
        case .any: lanes = .null
        case .these(let numbers): lanes = .int8Array(numbers)
        case .tooMany:
            throw StoreError(.tooCostly, "more than \(QueryLanes.namedMax) lanes are meant")
        }
        let share = max(1, Self.statsRunsMax / Int64(max(1, query.buckets)))
        let time: [PostgresValue] = [
            .int8(query.fromMilliseconds * 1_000), .int8(query.bucketMilliseconds),
            .int8(Int64(query.buckets)), .int8(share),
        ]
        let isNarrow = lanes != .null || query.template != nil
        let template: PostgresValue = query.template.map { .text($0.storable) } ?? .null
        let answers = try await self.bounded(
            [
                isNarrow
                    ? PostgresRequest(StatsSQL.endedIn, time + [lanes, template])
                    : PostgresRequest(StatsSQL.ended, time),
                PostgresRequest(
                    StatsSQL.queue,
                    [lanes, .int8(Self.statsQueuesMax), .int8(Self.boardCountMax + 1)]
                ),
            ],
            isNarrowable: true
        )
        guard answers.count == 2 else { throw StoreError(.corrupt, "an answer is missing") }
        var stats = try Self.ended(answers[0], buckets: query.buckets)
        let counts = stats.buckets.map(\.count)
        stats.isPartial =
            isNarrow
            ? counts.reduce(0, +) >= share * Int64(query.buckets)
            : counts.contains { $0 >= share }
        stats.queue = try answers[1].decode { row throws(StoreError) in
            let queued = try row.int64(2)
            return StatsRow.Queue(
                session: try row.text(0),
                lane: try row.text(1),
                queued: min(queued, Self.boardCountMax),
                isMore: queued > Self.boardCountMax,
                oldestMilliseconds: max(0, try row.int64IfPresent(3) ?? 0)
            )
        }
        return stats
    }

    private static func ended(
        _ rows: PostgresRows,
        buckets: Int
    ) throws(StoreError) -> StatsRow {
        var stats = StatsRow(
            buckets: [StatsFigures](repeating: StatsFigures(), count: buckets),
            lanes: [],
            templates: [],
            queue: [],
            isPartial: false
        )
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            let figures = try StatsFigures(row)
            switch try row.int64(0) {
            case 0:
                let bucket = try row.int(1)
                if stats.buckets.indices.contains(bucket) { stats.buckets[bucket] = figures }
            case 1 where stats.lanes.count < Self.statsGroupsMax:
                stats.lanes.append(
                    StatsRow.Lane(
                        session: try row.textIfPresent(13) ?? "",
                        lane: try row.textIfPresent(14) ?? "",
                        figures: figures
                    )
                )
            case 2 where stats.templates.count < Self.statsGroupsMax:
                stats.templates.append(
                    StatsRow.Template(
                        template: try row.textIfPresent(3),
                        plan: try row.textIfPresent(4) ?? "",
                        figures: figures
                    )
                )
            default: break
            }
        }
        return stats
    }
}
