// A session and a lane as JSON: the shape that the API and `-o json` of the command line promise.

public import PulserIR
public import Store

/// The documents of sessions and lanes.
public enum SessionDocument {
    /// A session as the command line lists it.
    public static func json(_ row: SessionRow) -> JSONValue {
        .object([
            "name": .string(row.name), "status": .string(row.status),
            "intent": .string(row.intent), "lanes": .integer(row.lanes),
            "open_runs": .integer(row.openRuns),
            "created_at": .string(Timestamp.text(milliseconds: row.createdMilliseconds)),
            "paused": Self.json(row.pause),
        ])
    }

    /// A pause; null when there is none.
    public static func json(_ pause: PauseMark?) -> JSONValue {
        guard let pause else { return .null }
        return .object([
            "by": .string(pause.by), "at": .moment(pause.atMilliseconds),
            "reason": pause.reason.map { .string($0) } ?? .null,
        ])
    }

    /// A key that is paused.
    public static func json(_ key: PausedKey) -> JSONValue {
        .object(["key": .string(key.key), "paused": Self.json(key.pause)])
    }

    /// A session.
    ///
    /// - Parameters:
    ///   - row: The session.
    ///   - openRuns: Its runs that have not ended.
    /// - Returns: The document.
    public static func json(_ row: SessionDetail, openRuns: Int64) -> JSONValue {
        .object([
            "open_runs": .integer(openRuns),
            "id": .integer(row.id), "name": .string(row.name), "status": .string(row.status),
            "intent": .string(row.intent),
            "context": (try? JSONValue(parsing: row.context)) ?? .object([:]),
            "revision": .integer(row.revision), "lanes": .integer(row.lanes),
            "created_at": .string(Timestamp.text(milliseconds: row.createdMilliseconds)),
            "ended_at": RunDocument.time(row.endedMilliseconds),
            "paused": Self.json(row.pause),
        ])
    }

    /// A lane.
    ///
    /// - Parameters:
    ///   - row: The lane.
    ///   - counts: Its open runs and latest ended ones by status; `nil` leaves them out.
    /// - Returns: The document.
    public static func json(_ row: LaneRow, counts: [String: Int64]? = nil) -> JSONValue {
        var members: [String: JSONValue] = [
            "id": .integer(row.id), "name": .string(row.name), "session": .string(row.session),
            "width": .integer(Int64(row.width)), "priority": .integer(Int64(row.priority)),
            "paused": Self.json(row.pause),
            "worker": .string(row.worker.rawValue),
        ]
        members.merge(LimitDocument.members(row.rules)) { $1 }
        if let counts { members["runs"] = Self.json(counts) }
        return .object(members)
    }

    /// Counts by status, every status told.
    static func json(_ counts: [String: Int64]) -> JSONValue {
        var members: [String: JSONValue] = [:]
        for status in RunStatus.allCases {
            members[status.rawValue] = .integer(counts[status.rawValue] ?? 0)
        }
        return .object(members)
    }
}
