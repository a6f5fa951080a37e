// Limits with names as people set them, and how long lanes wait for theirs.

internal import Postgres
public import PulserIR

extension Store {
    /// How long a lane waits whose claim brought less than it has room for.
    ///
    /// - Parameters:
    ///   - lane: Its number.
    ///   - busy: How many runs of each key are under way.
    /// - Returns: `nil` when it waits for no time: nothing is ready, or all keys are full or paused.
    /// - Throws: What the database throws.
    public func laneWait(
        _ lane: Int64,
        busy: [QueueKey: Int]
    ) async throws(StoreError) -> LaneWait? {
        let pairs = Array(busy)
        let rows = try await self.execute(
            LimitsSQL.wait,
            [
                .int8(lane), .textArray(pairs.map(\.key.text)),
                .int8Array(pairs.map { Int64($0.value) }),
            ]
        )
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        guard let scope = LaneWait.Scope(rawValue: try row.text(0)) else {
            throw StoreError(.corrupt, "a lane waits for what this version does not know")
        }
        return LaneWait(
            scope: scope,
            name: try row.text(1),
            time: .microseconds(try row.int64(2))
        )
    }

    /// A page of limits by name.
    ///
    /// - Parameters:
    ///   - cursor: Only limits after this name.
    ///   - limit: At most so many.
    /// - Returns: The limits, and the last one's name when there are more.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func limits(
        after cursor: String?,
        limit: Int
    ) async throws(StoreError) -> (limits: [NamedLimit], next: String?) {
        let rows = try await self.bounded(
            LimitsSQL.list,
            [.text(cursor?.storable ?? ""), .int8(Int64(limit) + 1)]
        )
        var limits = try rows.decode { row throws(StoreError) in try NamedLimit(row) }
        guard limits.count > limit else { return (limits, nil) }
        limits.removeLast()
        return (limits, limits.last?.name)
    }

    /// A limit.
    ///
    /// - Throws: `notFound`.
    public func limit(_ name: String) async throws(StoreError) -> NamedLimit {
        let rows = try await self.execute(LimitsSQL.get, [.text(name.storable)])
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no limit '\(name.prefix(64))'")
        }
        return try NamedLimit(rows.first())
    }

    /// Makes a limit or changes it, and tells the lanes that name it. What has begun counts on.
    ///
    /// - Parameters:
    ///   - name: Letters, digits, `_`, `.`, `-`, at most 64.
    ///   - rate: How many runs may begin in a time.
    ///   - isNew: Only makes it. Default `false`.
    /// - Returns: The limit.
    /// - Throws: `conflict` when it was to be made and is there; what the database throws.
    public func setLimit(
        _ name: String,
        _ rate: Rate,
        isNew: Bool = false
    ) async throws(StoreError) -> NamedLimit {
        let rows = try await self.execute(
            isNew ? LimitsSQL.make : LimitsSQL.set,
            [.text(name), .int8(rate.count), .int8(rate.milliseconds), .int8(rate.burst)]
        )
        guard rows.count == 1 else {
            throw StoreError(.conflict, "there is a limit '\(name.prefix(64))' already")
        }
        let limit = try NamedLimit(rows.first())
        // Owners of more lanes than that hear of it with the next poll.
        let lanes = try await self.execute(LimitsSQL.lanes, [.text(name), .int8(100)])
        for lane in try lanes.decode({ row throws(StoreError) in try row.int64(0) }) {
            await self.tell(.settings(lane: lane))
        }
        return limit
    }

    /// Removes a limit.
    ///
    /// - Parameter name: Its name.
    /// - Throws: `notFound`; `conflict` while lanes name it.
    public func deleteLimit(_ name: String) async throws(StoreError) {
        let rows = try await self.execute(LimitsSQL.delete, [.text(name.storable)])
        guard rows.count == 0 else { return }
        let known = try await self.limit(name)
        throw StoreError(
            .conflict,
            "\(known.lanes) lane\(known.lanes == 1 ? "" : "s") name limit '\(known.name)'"
        )
    }
}

extension NamedLimit {
    init(_ row: StoreRow) throws(StoreError) {
        guard
            let rate = Rate(
                count: try row.int64(1),
                milliseconds: try row.int64(2),
                burst: try row.int64(3)
            )
        else { throw StoreError(.corrupt, "a limit cannot be read") }
        self.name = try row.text(0)
        self.rate = rate
        self.waitMilliseconds = try row.int64(4)
        self.lanes = try row.int64(5)
    }
}
