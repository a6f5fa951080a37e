// Statistics of what ended, computed in the database from a bounded number of runs.

internal import Postgres

extension Store {
    /// Runs that statistics count at most.
    public static let statsRunsMax: Int64 = 2_000_000
    /// Runs that times are taken of, about.
    public static let statsSampleMax: Int64 = 100_000
    /// How long the counting may take, and then the times.
    static let statsTimeMax: Duration = .seconds(4)
    /// Lanes and templates that one question answers.
    static let statsGroupsReadMax: Int64 = 1_000
    /// Lanes and templates that statistics tell of.
    public static let statsGroupsMax = 100
    /// Lanes whose queue is told.
    static let statsQueuesMax = 200
    /// Runs at the end of a queue that are looked at for the oldest.
    static let statsQueueEndMax: Int64 = 100

    /// What ended in a time, and what is queued now.
    ///
    /// - Parameters:
    ///   - query: What is asked for.
    ///   - runsMax: Runs that are counted at most, from the newest bucket on.
    ///   - sampleMax: Runs that times are taken of, about.
    /// - Returns: The figures, see ``StatsRow/isPartial`` and ``StatsRow/isSampled``.
    /// - Throws: `tooCostly` when the database cannot answer in time, or too many lanes are meant.
    public func stats(
        _ query: StatsQuery,
        runsMax: Int64 = Store.statsRunsMax,
        sampleMax: Int64 = Store.statsSampleMax
    ) async throws(StoreError) -> StatsRow {
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
        let queue = try await self.queue(lanes)
        var tally = StatsTally(buckets: query.buckets, max: runsMax)
        try await self.count(&tally, query, lanes)
        let isSampled = tally.counted > sampleMax
        let areTimesKnown = try await self.times(&tally, query, lanes, sampleMax: sampleMax)
        let byCount = tally.lanes.values.sorted {
            ($1.figures.count, $0.session, $0.lane) < ($0.figures.count, $1.session, $1.lane)
        }
        let byTemplate = tally.templates.map {
            StatsRow.Template(template: $0.key.template, plan: $0.key.plan, figures: $0.value)
        }.sorted {
            ($1.figures.count, $0.template ?? "", $0.plan)
                < ($0.figures.count, $1.template ?? "", $1.plan)
        }
        return StatsRow(
            buckets: tally.buckets,
            lanes: Array(byCount.prefix(Self.statsGroupsMax)),
            templates: Array(byTemplate.prefix(Self.statsGroupsMax)),
            queue: Array(queue.prefix(Self.statsQueuesMax)),
            lanesAreMore: byCount.count > Self.statsGroupsMax,
            templatesAreMore: byTemplate.count > Self.statsGroupsMax,
            queueIsMore: queue.count > Self.statsQueuesMax,
            isPartial: tally.reached > 0 || tally.isCut || !areTimesKnown,
            isSampled: isSampled
        )
    }

    /// Counts from the newest bucket on, until all are known, or too much was counted or time is over.
    private func count(
        _ tally: inout StatsTally,
        _ query: StatsQuery,
        _ lanes: PostgresValue
    ) async throws(StoreError) {
        let end = ContinuousClock.now + Self.statsTimeMax
        while let range = tally.next {
            let left = end - .now
            guard left > .milliseconds(1) else { return }
            let rows: [StoreRow]
            do throws(StoreError) {
                let answer = try await self.bounded(
                    StatsSQL.counts,
                    Self.time(query, range) + [
                        lanes, Self.template(query), .int8(tally.room + 1),
                        .int8(Self.statsGroupsReadMax),
                    ],
                    isNarrowable: true,
                    within: left
                )
                rows = (0..<answer.count).map { StoreRow(rows: answer, index: $0) }
            } catch {
                guard error.code == .tooCostly else { throw error }
                return
            }
            let found = try StatsTally.Found(rows, from: range.lowerBound)
            if found.count > tally.room {
                guard tally.narrow() else { return }
                continue
            }
            tally.add(found, of: range, groupsMax: Self.statsGroupsReadMax)
        }
    }

    /// Takes the times of a sample of what was counted.
    ///
    /// - Returns: False when the database could not tell in time.
    private func times(
        _ tally: inout StatsTally,
        _ query: StatsQuery,
        _ lanes: PostgresValue,
        sampleMax: Int64
    ) async throws(StoreError) -> Bool {
        guard tally.counted > 0 else { return true }
        let whole: Int64 = 1 << 20
        let share = min(whole, max(1, whole * sampleMax / tally.counted))
        let rows: [StoreRow]
        do throws(StoreError) {
            let answer = try await self.bounded(
                StatsSQL.times,
                Self.time(query, tally.reached..<query.buckets) + [
                    lanes, Self.template(query), .int8(share), .int8(Self.statsGroupsReadMax),
                ],
                isNarrowable: true,
                within: Self.statsTimeMax
            )
            rows = (0..<answer.count).map { StoreRow(rows: answer, index: $0) }
        } catch {
            guard error.code == .tooCostly else { throw error }
            return false
        }
        try tally.take(times: rows, from: tally.reached)
        return true
    }

    private static func time(_ query: StatsQuery, _ range: Range<Int>) -> [PostgresValue] {
        let from = query.fromMilliseconds + Int64(range.lowerBound) * query.bucketMilliseconds
        return [
            .int8(from * 1_000), .int8(query.bucketMilliseconds), .int8(Int64(range.count)),
        ]
    }

    private static func template(_ query: StatsQuery) -> PostgresValue {
        query.template.map { .text($0.storable) } ?? .null
    }

    /// What one lane more than is told has ready, of those that have something.
    private func queue(_ lanes: PostgresValue) async throws(StoreError) -> [StatsRow.Queue] {
        let rows = try await self.bounded(
            StatsSQL.queue,
            [
                lanes, .int8(Int64(Self.statsQueuesMax) + 1), .int8(Self.boardCountMax + 1),
                .int8(Self.statsQueueEndMax),
            ],
            isNarrowable: true
        )
        return try rows.decode { row throws(StoreError) in
            let queued = try row.int64(2)
            return StatsRow.Queue(
                session: try row.text(0),
                lane: try row.text(1),
                queued: min(queued, Self.boardCountMax),
                isMore: queued > Self.boardCountMax,
                oldestMilliseconds: max(0, try row.int64IfPresent(3) ?? 0)
            )
        }
    }
}
