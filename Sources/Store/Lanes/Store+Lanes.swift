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
    /// Who paused it; `nil` when nobody did. Its session, or keys of it, may be paused all the same.
    public var pause: PauseMark?
    /// Who works its runs.
    public var worker: LaneWorker
    /// What its runs are held to beside its width.
    public var rules: LaneRules
    /// Its limits as one text; empty when it has none.
    var limitsMark: String

    init(_ row: StoreRow) throws(StoreError) {
        self.id = try row.int64(0)
        self.name = try row.text(1)
        self.session = try row.text(2)
        self.width = try row.int(3)
        self.priority = try row.int(4)
        self.shard = try Int32(row.int64(5))
        self.nextSequence = try row.int64(6)
        self.pause = try PauseMark(row, 7)
        guard let worker = LaneWorker(rawValue: try row.text(8)) else {
            throw StoreError(.corrupt, "a lane's worker cannot be read")
        }
        self.worker = worker
        self.rules = try LaneRules(stored: row.text(9))
        self.limitsMark = try row.text(10)
    }
}

/// A lane to be made.
public struct NewLane: Sendable, Hashable {
    /// Its name inside its session.
    public var name: String
    /// Runs at once, from 1 to ``Store/widthMax``.
    public var width: Int
    /// Lanes of higher priority are served first.
    public var priority: Int
    /// Who works its runs.
    public var worker: LaneWorker

    /// Describes a lane.
    public init(
        name: String,
        width: Int = 1,
        priority: Int = 0,
        worker: LaneWorker = .room
    ) {
        self.worker = worker
        self.name = name
        self.width = width
        self.priority = priority
    }
}

/// What may change about a lane while it works.
public struct LaneSettings: Sendable, Hashable {
    /// The lane's number.
    public var lane: Int64
    /// Runs at once.
    public var width: Int
    /// Lanes of higher priority are served first.
    public var priority: Int
    /// Who works its runs.
    public var worker: LaneWorker
    /// Its limits, and those that it shares, as one text; empty when it has none.
    public var limits: String
}

extension LaneRow {
    /// Its settings.
    public var settings: LaneSettings {
        LaneSettings(
            lane: self.id,
            width: self.width,
            priority: self.priority,
            worker: self.worker,
            limits: self.limitsMark
        )
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

    /// Makes a lane; of several who do so at once, one does.
    ///
    /// - Parameters:
    ///   - lane: What is made.
    ///   - session: The session's number.
    ///   - key: Under which it happens once.
    /// - Returns: The lane; an earlier one when the key was used for the same.
    /// - Throws: `conflict` when the session has such a lane or is not active, or the key was used
    ///   for another request.
    public func createLane(
        _ lane: NewLane,
        session: Int64,
        key: RequestKey? = nil
    ) async throws(StoreError) -> MadeRow {
        let made = try await self.making(key) { () async throws(StoreError) -> Int64? in
            let rows = try await self.execute(
                LanesSQL.create,
                RequestKey.values(key) + [
                    .int8(session), .text(lane.name), .int8(Int64(lane.width)),
                    .int8(Int64(lane.priority)), .text(lane.worker.rawValue),
                ]
            )
            return rows.count == 1 ? try rows.first().int64(0) : nil
        }
        guard let made else {
            throw StoreError(
                .conflict,
                "the session has a lane '\(lane.name)' already, or takes no more"
            )
        }
        return made
    }

    /// Changes a lane's settings and tells its owner, who goes by them at once: a wider lane takes
    /// more runs, a narrower one waits until enough of its own have ended.
    ///
    /// - Parameters:
    ///   - lane: The lane's number.
    ///   - width: Runs at once, from 1 to ``widthMax``; `nil` leaves it.
    ///   - priority: Higher goes first; `nil` leaves it.
    ///   - worker: Who takes runs from now on; those under way stay where they are. `nil` leaves it.
    ///   - rules: Its limits and how its queue ages; `nil` leaves them.
    ///   - expected: The lane as its editor saw it; `nil` does not compare.
    /// - Returns: The lane as it is now, without the number of its next event.
    /// - Throws: `notFound`; `conflict` when it is not as `expected`, or the width is out of bounds.
    public func updateLane(
        _ lane: Int64,
        width: Int? = nil,
        priority: Int? = nil,
        worker: LaneWorker? = nil,
        rules: LaneRules? = nil,
        expected: LaneRow? = nil
    ) async throws(StoreError) -> LaneRow {
        if let width, !(1...Self.widthMax).contains(width) {
            throw StoreError(.conflict, "a lane's width is from 1 to \(Self.widthMax)")
        }
        func value(_ number: Int?) -> PostgresValue {
            number.map { .int8(Int64(Int32(clamping: $0))) } ?? .null
        }
        let rows = try await self.execute(
            LanesSQL.update,
            [
                .int8(lane), value(width), value(priority), value(expected?.width),
                value(expected?.priority), worker.map { .text($0.rawValue) } ?? .null,
                (expected?.worker).map { .text($0.rawValue) } ?? .null,
                (rules?.stored).map { .text($0) } ?? .null,
                (expected?.rules.stored).map { .text($0) } ?? .null,
            ]
        )
        guard rows.count == 1 else {
            for name in rules?.limits ?? [] { _ = try await self.limit(name) }
            guard try await self.loadLanes([lane]).isEmpty else {
                throw StoreError(.conflict, "the lane was changed by somebody else meanwhile")
            }
            throw StoreError(.notFound, "there is no such lane")
        }
        await self.tell(.settings(lane: lane))
        return try LaneRow(rows.first())
    }

    /// Runs at once in one lane, at most.
    public static let widthMax = 1_000

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
