// History: for how long it is kept, what there is of it, and how days come and go.

internal import Postgres
public import PulserIR

extension Store {
    /// Days that are there before they begin.
    public static let historyDaysAhead: Int32 = 7
    /// Runs whose artifacts one statement removes.
    static let forgottenMax: Int32 = 2_000
    /// Plans that one look removes.
    static let sweptPlansMax: Int32 = 1_000

    /// Makes the days that are to come, if they are missing.
    public func makeHistoryAhead() async throws(StoreError) {
        _ = try await self.execute(HistorySQL.ahead, [.int4(Self.historyDaysAhead)])
    }

    /// For how long history is kept.
    public func retention() async throws(StoreError) -> RetentionSettings {
        try RetentionSettings(try await self.execute(HistorySQL.settings).first())
    }

    /// Changes for how long history is kept; a node drops what is too old within the hour.
    ///
    /// - Parameters:
    ///   - runs: Of runs; `nil` leaves it.
    ///   - events: Of events; `nil` leaves it.
    ///   - revision: The revision its editor saw; `nil` does not compare.
    /// - Returns: The settings as they are now.
    /// - Throws: `stale` when somebody changed them meanwhile.
    public func setRetention(
        runs: Retention?,
        events: Retention?,
        revision: Int64? = nil
    ) async throws(StoreError) -> RetentionSettings {
        let rows = try await self.execute(
            HistorySQL.set,
            [
                .bool(runs != nil), runs?.number.map { .int4($0) } ?? .null,
                .bool(events != nil), events?.number.map { .int4($0) } ?? .null,
                revision.map { .int8($0) } ?? .null,
            ]
        )
        guard rows.count == 1 else {
            throw StoreError(.stale, "the retention was changed by somebody else meanwhile")
        }
        return try RetentionSettings(rows.first())
    }

    /// The days there are, oldest first, those of what fits no day last.
    public func historyParts() async throws(StoreError) -> [HistoryPart] {
        try await self.bounded(HistorySQL.parts, []).decode { row throws(StoreError) in
            try HistoryPart(row)
        }
    }

    /// Days that are wholly older than they are kept, and days that are being removed; without rows
    /// and bytes.
    public func overdueHistory(
        runs: Retention,
        events: Retention
    ) async throws(StoreError) -> [HistoryPart] {
        let rows = try await self.execute(
            HistorySQL.overdue,
            [
                runs.number.map { .int4($0) } ?? .null,
                events.number.map { .int4($0) } ?? .null,
            ]
        )
        return try rows.decode { row throws(StoreError) in try HistoryPart(row) }
    }

    /// The right to look for what is to be dropped.
    ///
    /// - Parameter interval: How often any node may.
    /// - Returns: The settings, or `nil` when a node looked since.
    /// - Throws: ``StoreError``.
    public func takeHistory(every interval: Duration) async throws(StoreError) -> RetentionSettings?
    {
        let rows = try await self.execute(
            HistorySQL.take,
            [.int8(Int64(interval / .milliseconds(1)))]
        )
        return rows.count == 1 ? try RetentionSettings(rows.first()) : nil
    }

    /// Drops a day: of events at once; of runs so that nobody finds them, then what belongs to them,
    /// some at a time, then the day. Broken off it is gone on with where it was.
    ///
    /// - Throws: `unavailable` when somebody reads it for longer than is waited: later, then.
    public func drop(_ part: HistoryPart) async throws(StoreError) {
        guard part.kind == .runs else {
            _ = try await self.execute(HistorySQL.dropEvents, [.text(part.name)])
            return
        }
        var name = part.name
        if !part.isGone {
            _ = try await self.execute(HistorySQL.detachRuns, [.text(name)])
            name = "run_gone_" + String(name.suffix(8))
        }
        var after: Int64? = 0
        while let last = after {
            if Task.isCancelled { throw StoreError(.cancelled, "the node is stopping") }
            after = try await self.execute(
                HistorySQL.forgetRuns,
                [.text(name), .int8(last), .int4(Self.forgottenMax)]
            ).first().int64IfPresent(0)
        }
    }

    /// Counts the plans of days that are over; then removes plans, and versions of templates, that
    /// nothing names any more.
    ///
    /// - Parameter runs: For how long runs are kept: what is younger stays; for ever removes none.
    /// - Returns: How many plans went.
    /// - Throws: ``StoreError``.
    @discardableResult
    public func sweepPlans(_ runs: Retention) async throws(StoreError) -> Int64 {
        guard let days = runs.number else { return 0 }
        _ = try await self.execute(HistorySQL.countPlans)
        return try await self.execute(
            HistorySQL.sweepPlans,
            [.int4(days), .int4(Self.sweptPlansMax)]
        ).first().int64(0)
    }

    /// Files of a node's folder that a removed artifact named.
    ///
    /// - Parameters:
    ///   - node: The node's name.
    ///   - after: Only those behind this one, in the order of their digests.
    ///   - limit: At most so many.
    /// - Returns: Each with whether another artifact names it.
    /// - Throws: ``StoreError``.
    public func goneFiles(
        of node: String,
        after: Digest?,
        limit: Int
    ) async throws(StoreError) -> [(file: Digest, isNamed: Bool)] {
        let rows = try await self.execute(
            HistorySQL.goneFiles,
            [.text(node), .bytes(after?.bytes ?? []), .int4(Int32(limit))]
        )
        return try rows.decode { row throws(StoreError) in
            guard let digest = Digest(bytes: try row.bytes(0)) else {
                throw StoreError(.corrupt, "the digest of a file cannot be read")
            }
            return (file: digest, isNamed: try row.bool(1))
        }
    }

    /// Those of these files that the inputs of a run name that has not ended, as hex digits.
    public func usedFiles(_ files: [Digest]) async throws(StoreError) -> Set<String> {
        let rows = try await self.execute(HistorySQL.usedFiles, [.textArray(files.map(\.hex))])
        return Set(try rows.decode { row throws(StoreError) in try row.text(0) })
    }

    /// Files that were removed, or that something names after all, need no look any more.
    public func forgetFiles(_ files: [Digest], of node: String) async throws(StoreError) {
        _ = try await self.execute(
            HistorySQL.forgetFiles,
            [.text(node), .byteaArray(files.map(\.bytes))]
        )
    }
}
