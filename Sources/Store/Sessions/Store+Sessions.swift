// Sessions and their lanes as operators see them.

internal import Postgres

/// A session.
public struct SessionRow: Sendable, Hashable {
    /// Its number.
    public var id: Int64
    /// Its name, unique.
    public var name: String
    /// `active`, `completed`, `cancelled` or `archived`.
    public var status: String
    /// What it is for.
    public var intent: String
    /// When it was made, in milliseconds since 1970.
    public var createdMilliseconds: Int64
    /// How many lanes it has.
    public var lanes: Int64
    /// Runs that have not ended.
    public var openRuns: Int64
    /// Who paused it; `nil` when nobody did.
    public var pause: PauseMark?
}

extension Store {
    /// The session that exists without being made.
    public static let defaultSession = "default"

    /// Makes a session with lanes: all of it, or nothing.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - intent: What it is for.
    ///   - context: What its runs should know, a JSON object.
    ///   - lanes: Its lanes; each name once.
    ///   - key: Under which it happens once.
    /// - Returns: The session; an earlier one when the key was used for the same.
    /// - Throws: `conflict` when the name is taken, or the key was used for another request.
    @discardableResult
    public func createSession(
        name: String,
        intent: String,
        context: String = "{}",
        lanes: [NewLane] = [],
        key: RequestKey? = nil
    ) async throws(StoreError) -> MadeRow {
        let made = try await self.making(key) { () async throws(StoreError) -> Int64? in
            let rows = try await self.execute(
                SessionsSQL.create,
                RequestKey.values(key) + [
                    .text(name), .text(intent.storable), .text(context.storable),
                    .textArray(lanes.map(\.name)), .int8Array(lanes.map { Int64($0.width) }),
                    .int8Array(lanes.map { Int64($0.priority) }),
                ]
            )
            return rows.count == 1 ? try rows.first().int64(0) : nil
        }
        guard let made else {
            throw StoreError(.conflict, "a session named '\(name)' exists already")
        }
        return made
    }

    /// Sessions in the order they were made; only active ones unless `includingEnded`.
    public func sessions(includingEnded: Bool) async throws(StoreError) -> [SessionRow] {
        let rows = try await self.execute(SessionsSQL.list, [.bool(includingEnded)])
        return try rows.decode { row throws(StoreError) in
            SessionRow(
                id: try row.int64(0),
                name: try row.text(1),
                status: try row.text(2),
                intent: try row.text(3),
                createdMilliseconds: try row.int64(4),
                lanes: try row.int64(5),
                openRuns: try row.int64(6),
                pause: try PauseMark(row, 7)
            )
        }
    }

    /// Archives a session that has no open runs.
    ///
    /// - Throws: `notFound`, or `conflict` when runs are open or it is archived already.
    public func archiveSession(name: String) async throws(StoreError) {
        let rows = try await self.transaction([
            PostgresRequest(SessionsSQL.close, [.text(name)]),
            PostgresRequest(SessionsSQL.archive, [.text(name)]),
        ])
        if rows.last?.count == 1 { return }
        let known = try await self.sessions(includingEnded: true).first { $0.name == name }
        guard let known else { throw StoreError(.notFound, "there is no session '\(name)'") }
        throw StoreError(
            .conflict,
            known.status == "active"
                ? "session '\(name)' still has \(known.openRuns) open run(s)"
                : "session '\(name)' is \(known.status) already"
        )
    }
}
