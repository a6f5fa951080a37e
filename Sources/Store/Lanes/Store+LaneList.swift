// Lanes of a session: listed, found, and what their runs came to.

internal import Postgres

extension Store {
    /// Ended runs of a lane that are counted: the latest ones.
    public static let laneCountMax: Int64 = 200

    /// A page of a session's lanes, in the order they were made.
    ///
    /// - Parameters:
    ///   - session: The session's number.
    ///   - cursor: Only lanes after this number.
    ///   - includingChildren: Whether to tell the lanes of child runs too.
    ///   - limit: At most so many.
    /// - Returns: The page.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func lanePage(
        session: Int64,
        after cursor: Int64?,
        includingChildren: Bool,
        limit: Int
    ) async throws(StoreError) -> Page<LaneRow> {
        let rows = try await self.bounded(
            LanesSQL.page,
            [
                .int8(session), .int8(cursor ?? 0), .bool(includingChildren),
                .int8(Int64(limit) + 1),
            ]
        )
        var lanes = try rows.decode { row throws(StoreError) in try LaneRow(row) }
        guard lanes.count > limit else { return Page(rows: lanes, next: nil) }
        lanes.removeLast()
        return Page(rows: lanes, next: lanes.last?.id)
    }

    /// The lane of that name or number in a session.
    ///
    /// - Throws: `notFound`.
    public func lane(session: Int64, _ text: String) async throws(StoreError) -> LaneRow {
        let rows = try await self.execute(
            LanesSQL.find,
            [.int8(session), .text(text.storable), Int64(text).map { .int8($0) } ?? .null]
        )
        guard rows.count == 1 else {
            throw StoreError(.notFound, "the session has no lane '\(text.prefix(64))'")
        }
        return try LaneRow(rows.first())
    }

    /// By lane and status, how many runs are open, and how the lane's latest
    /// ``laneCountMax`` others ended.
    public func laneCounts(_ lanes: [Int64]) async throws(StoreError) -> [Int64: [String: Int64]] {
        guard !lanes.isEmpty else { return [:] }
        let rows = try await self.bounded(
            LanesSQL.counts,
            [.int8Array(lanes), .int8(Self.laneCountMax)]
        )
        var counts: [Int64: [String: Int64]] = [:]
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            counts[try row.int64(0), default: [:]][try row.text(1)] = try row.int64(2)
        }
        return counts
    }
}
