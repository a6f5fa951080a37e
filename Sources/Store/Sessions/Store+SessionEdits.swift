// Sessions as two people may edit them at once: found, listed, changed, ended.

internal import Postgres

/// A session with what its editors change.
public struct SessionDetail: Sendable, Hashable {
    /// Its number.
    public var id: Int64
    /// Its name, unique.
    public var name: String
    /// `active`, `completed`, `cancelled` or `archived`.
    public var status: String
    /// What it is for.
    public var intent: String
    /// What its runs should know, a JSON object.
    public var context: String
    /// Rises with every edit.
    public var revision: Int64
    /// When it was made, in milliseconds since 1970.
    public var createdMilliseconds: Int64
    /// When it ended.
    public var endedMilliseconds: Int64?
    /// How many lanes it has, those of child runs included.
    public var lanes: Int64
    /// Who paused it; `nil` when nobody did.
    public var pause: PauseMark?

    init(_ row: StoreRow) throws(StoreError) {
        self.id = try row.int64(0)
        self.name = try row.text(1)
        self.status = try row.text(2)
        self.intent = try row.text(3)
        self.context = try row.text(4)
        self.revision = try row.int64(5)
        self.createdMilliseconds = try row.int64(6)
        self.endedMilliseconds = try row.int64IfPresent(7)
        self.lanes = try row.int64(8)
        self.pause = try PauseMark(row, 9)
    }
}

/// How a session ends.
public enum SessionEnd: String, Sendable, Hashable, CaseIterable {
    /// Its work is done.
    case completed
    /// Its work is given up: open runs are asked to end.
    case cancelled
    /// It is put away.
    case archived
}

extension Store {
    /// A page of sessions, newest first.
    ///
    /// - Parameters:
    ///   - statuses: Empty means any.
    ///   - text: Part of the name or the intent.
    ///   - cursor: Only sessions before this number.
    ///   - limit: At most so many.
    /// - Returns: The page.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func sessionPage(
        statuses: [String],
        text: String?,
        before cursor: Int64?,
        limit: Int
    ) async throws(StoreError) -> Page<SessionDetail> {
        let rows = try await self.bounded(
            SessionsSQL.page,
            [
                .int8(cursor ?? .max), .textArray(statuses),
                text.map { .text($0.storable) } ?? .null, .int8(Int64(limit) + 1),
            ]
        )
        var sessions = try rows.decode { row throws(StoreError) in try SessionDetail(row) }
        guard sessions.count > limit else { return Page(rows: sessions, next: nil) }
        sessions.removeLast()
        return Page(rows: sessions, next: sessions.last?.id)
    }

    /// How many runs of each session have not ended; sessions without any are missing.
    public func openRuns(sessions: [Int64]) async throws(StoreError) -> [Int64: Int64] {
        guard !sessions.isEmpty else { return [:] }
        let rows = try await self.bounded(SessionsSQL.openRuns, [.int8Array(sessions)])
        var counts: [Int64: Int64] = [:]
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            counts[try row.int64(0)] = try row.int64(1)
        }
        return counts
    }

    /// The session of that name or number.
    ///
    /// - Throws: `notFound`.
    public func session(_ text: String) async throws(StoreError) -> SessionDetail {
        let rows = try await self.execute(
            SessionsSQL.get,
            [.text(text.storable), Int64(text).map { .int8($0) } ?? .null]
        )
        guard rows.count == 1 else {
            throw StoreError(.notFound, "there is no session '\(text.prefix(64))'")
        }
        return try SessionDetail(rows.first())
    }

    /// Changes a session.
    ///
    /// - Parameters:
    ///   - id: Its number.
    ///   - intent: `nil` leaves it.
    ///   - context: A JSON object; `nil` leaves it.
    ///   - revision: The revision its editor saw; `nil` does not compare.
    /// - Returns: The session as it is now.
    /// - Throws: `notFound`; `stale` when somebody changed it meanwhile.
    public func updateSession(
        _ id: Int64,
        intent: String?,
        context: String?,
        revision: Int64?
    ) async throws(StoreError) -> SessionDetail {
        let rows = try await self.execute(
            SessionsSQL.update,
            [
                .int8(id), intent.map { .text($0.storable) } ?? .null,
                context.map { .text($0) } ?? .null, revision.map { .int8($0) } ?? .null,
            ]
        )
        guard rows.count == 1 else {
            _ = try await self.session(String(id))
            throw StoreError(.stale, "the session was changed by somebody else meanwhile")
        }
        return try SessionDetail(rows.first())
    }

    /// Ends a session.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - end: How. A cancelled session's open runs are asked to end, step by step after the session
    ///     has ended: what is left after ``askingMax`` nodes ask, see ``askRunsToEnd(session:)``.
    ///   - reason: What cancelled runs say.
    ///   - revision: The revision its editor saw; `nil` does not compare.
    /// - Returns: How many runs were asked to end so far.
    /// - Throws: `notFound`; `stale` when somebody changed it meanwhile; `conflict` when runs are open
    ///   or it has ended already.
    @discardableResult
    public func endSession(
        name: String,
        as end: SessionEnd,
        reason: String = "the session was cancelled",
        revision: Int64? = nil
    ) async throws(StoreError) -> Int {
        let rows = try await self.transaction([
            PostgresRequest(SessionsSQL.close, [.text(name)]),
            PostgresRequest(
                SessionsSQL.end,
                [
                    .text(name), .text(end.rawValue), revision.map { .int8($0) } ?? .null,
                    .text(reason.storable),
                ]
            ),
        ])
        guard rows.count > 1, rows[1].count == 1 else {
            let known = try await self.session(name)
            if let revision, known.revision != revision {
                throw StoreError(.stale, "the session was changed by somebody else meanwhile")
            }
            let mayEnd = known.status == "active" || end == .archived && known.status != "archived"
            throw StoreError(
                .conflict,
                mayEnd
                    ? "session '\(name)' still has open runs"
                    : "session '\(name)' is \(known.status) already"
            )
        }
        return end == .cancelled ? await self.askRunsOf(name) : 0
    }

    /// How long whoever ends a session waits for its runs to be asked.
    static let askingMax: Duration = .seconds(5)

    /// - Returns: How many of a cancelled session's runs were asked to end.
    private func askRunsOf(_ session: String) async -> Int {
        let end = ContinuousClock.now + Self.askingMax
        var asked = 0
        // The session has ended whatever fails here: nodes go on with its runs.
        while ContinuousClock.now < end, let step = try? await self.askRunsToEnd(session: session) {
            asked += step.asked
            if step.isLast { break }
        }
        return asked
    }

    /// What a step of asking a cancelled session's runs came to.
    public struct AskingStep: Sendable, Hashable {
        /// How many runs were asked to end.
        public var asked: Int
        /// Whether all of the session are asked by now.
        public var isLast: Bool
    }

    /// Asks some more runs of a cancelled session to end.
    ///
    /// - Parameters:
    ///   - session: Its name; `nil` for any session that has such runs.
    ///   - window: Open runs, anybody's, that are looked at.
    ///   - limit: Runs at most.
    /// - Returns: What it came to; `nil` when there is nothing to ask, or others are at it.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func askRunsToEnd(
        session: String? = nil,
        window: Int = 5_000,
        limit: Int = 1_000
    ) async throws(StoreError) -> AskingStep? {
        let rows = try await self.execute(
            SessionsSQL.cancelRuns,
            [
                session.map { .text($0) } ?? .null, .int8(Int64(window)), .int8(Int64(limit)),
            ]
        )
        guard rows.count == 1 else { return nil }
        let row = try rows.first()
        let step = AskingStep(asked: try row.int(1), isLast: try row.bool(2))
        if step.asked > 0 { await self.tellAll(session: try row.text(0)) }
        return step
    }
}
