// Lanes: found or made by name, loaded by their owner.

internal import Postgres

/// A lane.
public struct LaneRow: Sendable, Hashable {
    /// Its number.
    public var id: Int64
    /// Its name inside its session.
    public var name: String
    /// Its session's name.
    public var session: String
    /// Runs at once.
    public var width: Int
    /// Lanes of higher priority are served first.
    public var priority: Int
    /// The shard that owns it.
    public var shard: Int32
    /// The number its next event gets.
    public var nextSequence: Int64

    init(_ row: StoreRow) throws(StoreError) {
        self.id = try row.int64(0)
        self.name = try row.text(1)
        self.session = try row.text(2)
        self.width = try row.int(3)
        self.priority = try row.int(4)
        self.shard = try Int32(row.int64(5))
        self.nextSequence = try row.int64(6)
    }
}

extension Store {
    /// The number of a lane, made with `width` when it is absent. The session must exist and be
    /// active; only the default session is made by itself.
    ///
    /// - Throws: `notFound` when there is no such active session.
    public func ensureLane(
        session: String,
        lane: String,
        width: Int = 1
    ) async throws(StoreError) -> Int64 {
        if session == Self.defaultSession {
            _ = try await self.execute(SessionsSQL.ensureDefault, [.text(session)])
        }
        // Two makers at once: the second sees neither its own row nor, in its snapshot, the
        // first's; asked again it does.
        for _ in 0..<2 {
            let rows = try await self.execute(
                LanesSQL.ensure,
                [.text(session), .text(lane), .int8(Int64(width))]
            )
            if rows.count == 1 { return try rows.first().int64(0) }
        }
        throw StoreError(.notFound, "there is no active session '\(session)'")
    }

    /// Sets a lane's width and priority.
    public func configureLane(
        _ lane: Int64,
        width: Int,
        priority: Int
    ) async throws(StoreError) {
        _ = try await self.execute(
            LanesSQL.configure,
            [.int8(lane), .int8(Int64(width)), .int8(Int64(priority))]
        )
    }

    /// What an owner needs to work these lanes.
    public func loadLanes(_ lanes: [Int64]) async throws(StoreError) -> [LaneRow] {
        let rows = try await self.execute(LanesSQL.load, [.int8Array(lanes)])
        return try rows.decode { row throws(StoreError) in try LaneRow(row) }
    }

    /// The lanes of a session, by name.
    public func lanes(session: String) async throws(StoreError) -> [LaneRow] {
        let rows = try await self.execute(LanesSQL.list, [.text(session)])
        return try rows.decode { row throws(StoreError) in try LaneRow(row) }
    }
}
