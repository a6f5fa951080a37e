// Pausing and resuming sessions, lanes and keys: stored, and seen by every claim after it.

internal import Postgres
internal import PulserIR

/// Who paused something, and why.
public struct PauseMark: Sendable, Hashable {
    /// Who.
    public var by: String
    /// When, in milliseconds since 1970.
    public var atMilliseconds: Int64
    /// Why; `nil` when nothing was said.
    public var reason: String?

    /// Reads one column; `nil` when that is NULL.
    init?(_ row: StoreRow, _ column: Int) throws(StoreError) {
        if row.isNull(column) { return nil }
        let texts = try row.texts(column)
        guard texts.count >= 2, let at = Int64(texts[1]) else {
            throw StoreError(.corrupt, "a pause cannot be read")
        }
        self.by = texts[0]
        self.atMilliseconds = at
        self.reason = texts.count > 2 ? texts[2] : nil
    }
}

/// A key of a lane that is paused.
public struct PausedKey: Sendable, Hashable {
    /// The key.
    public var key: String
    /// Who paused it, and why.
    public var pause: PauseMark
}

extension Store {
    /// Bytes of a run's key.
    public static let keyBytesMax = 200

    /// Pauses a session: its lanes take no runs until it is resumed. What is under way goes to its
    /// end, with the runs that it starts.
    ///
    /// - Parameters:
    ///   - session: Its number.
    ///   - person: Who wants it, for the record.
    ///   - reason: Why.
    /// - Throws: `conflict` when it has ended. One that is paused stays as it was paused.
    public func pauseSession(
        _ session: Int64,
        by person: String,
        reason: String?
    ) async throws(StoreError) {
        let known = try await self.session(String(session))
        guard known.status == "active" else {
            throw StoreError(.conflict, "session '\(known.name)' is \(known.status)")
        }
        _ = try await self.execute(
            LanePauseSQL.pauseSession,
            [.int8(session), .text(person.storable), reason.map { .text($0.storable) } ?? .null]
        )
    }

    /// Has a paused session's lanes take runs again.
    ///
    /// - Parameter session: Its number.
    /// - Returns: Whether it was paused.
    /// - Throws: What the database throws.
    @discardableResult
    public func resumeSession(_ session: Int64) async throws(StoreError) -> Bool {
        let rows = try await self.execute(LanePauseSQL.resumeSession, [.int8(session)])
        guard rows.count == 1 else { return false }
        let lanes = try await self.execute(
            LanePauseSQL.lanes,
            [.int8(session), .int8(Self.wokenMax + 1)]
        )
        let ids = try lanes.decode { row throws(StoreError) in try row.int64(0) }
        // Nodes look for lanes with work; of few lanes their owners hear at once.
        guard ids.count <= Self.wokenMax else {
            await self.notify(.work, "")
            return true
        }
        for lane in ids { await self.tell(.work(lane: lane)) }
        return true
    }

    /// Lanes that are told one by one that they go on.
    private static let wokenMax: Int64 = 50

    /// Pauses a lane, or a key of it: it takes no such runs until it is resumed.
    ///
    /// - Parameters:
    ///   - lane: Its number.
    ///   - key: Only runs of this key; `nil` means all.
    ///   - person: Who wants it, for the record.
    ///   - reason: Why.
    /// - Throws: What the database throws. What is paused stays as it was paused.
    public func pauseLane(
        _ lane: Int64,
        key: String? = nil,
        by person: String,
        reason: String?
    ) async throws(StoreError) {
        _ = try await self.execute(
            LanePauseSQL.pauseLane,
            [
                .int8(lane), .text(key?.storable ?? ""), .text(person.storable),
                reason.map { .text($0.storable) } ?? .null,
            ]
        )
        // Whoever claims does not get runs of a paused key; the owner asks otherwise from now on.
        if key != nil { await self.tell(.settings(lane: lane)) }
    }

    /// Has a paused lane, or a key of it, go on.
    ///
    /// - Parameters:
    ///   - lane: Its number.
    ///   - key: The key; `nil` means the pause of all of it: keys that are paused stay so.
    /// - Returns: Whether it was paused.
    /// - Throws: What the database throws.
    @discardableResult
    public func resumeLane(_ lane: Int64, key: String? = nil) async throws(StoreError) -> Bool {
        let rows = try await self.execute(
            LanePauseSQL.resumeLane,
            [.int8(lane), .text(key?.storable ?? "")]
        )
        guard rows.count == 1 else { return false }
        if key != nil { await self.tell(.settings(lane: lane)) }
        await self.tell(.work(lane: lane))
        return true
    }

    /// A page of the keys of a lane that are paused, by name.
    ///
    /// - Parameters:
    ///   - lane: Its number.
    ///   - cursor: Only keys after this one.
    ///   - limit: At most so many.
    /// - Returns: The keys, and the last of them when there are more.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func pausedKeys(
        lane: Int64,
        after cursor: String?,
        limit: Int
    ) async throws(StoreError) -> (keys: [PausedKey], next: String?) {
        let rows = try await self.bounded(
            LanePauseSQL.keys,
            [.int8(lane), .text(cursor?.storable ?? ""), .int8(Int64(limit) + 1)]
        )
        var keys = try rows.decode { row throws(StoreError) -> PausedKey? in
            guard let mark = try PauseMark(row, 1) else { return nil }
            return PausedKey(key: try row.text(0), pause: mark)
        }.compactMap(\.self)
        guard keys.count > limit else { return (keys, nil) }
        keys.removeLast()
        return (keys, keys.last?.key)
    }
}
