// Pauses of sessions, lanes and keys through both doors: one call, one document.

import ControlRoom
import Gateway
import PulserIR
import Store

/// What is to be paused, or to go on.
struct PauseCall: Sendable {
    var session: String
    /// `nil` for all of the session.
    var lane: String?
    /// Only runs of this key; `nil` for all of the lane.
    var key: String?
    /// Who wants the pause; `nil` to go on.
    var by: String?
    var reason: String?
}

extension RemoteAccess {
    func pause(_ call: PauseCall) async throws -> JSONValue {
        var path = ["sessions", call.session]
        if let lane = call.lane { path += ["lanes", lane] }
        var body: [String: JSONValue] = [:]
        body["key"] = call.key.map { .string($0) }
        body["by"] = call.by.map { .string($0) }
        body["reason"] = call.reason.map { .string($0) }
        let answer = try await self.connection.post(
            path + [call.by == nil ? "resume" : "pause"],
            .object(body),
            isIdempotent: true
        )
        return call.lane == nil ? try await self.session(call.session) : answer
    }

    func lane(_ lane: String, of session: String) async throws -> JSONValue {
        try await self.connection.get(["sessions", session, "lanes", lane])
    }

    func pausedKeys(_ lane: String, of session: String) async throws -> [JSONValue] {
        try await self.all(["sessions", session, "lanes", lane, "paused-keys"], "paused_keys")
    }
}

extension LocalAccess {
    func pause(_ call: PauseCall) async throws -> JSONValue {
        let store = self.client.store
        let session = try await store.session(call.session)
        guard let name = call.lane else {
            if let by = call.by {
                try await store.pauseSession(session.id, by: by, reason: call.reason)
            } else {
                try await store.resumeSession(session.id)
            }
            return try await self.session(session.name)
        }
        let lane = try await store.lane(session: session.id, name)
        if let by = call.by {
            try await store.pauseLane(lane.id, key: call.key, by: by, reason: call.reason)
        } else {
            try await store.resumeLane(lane.id, key: call.key)
        }
        return try await self.lane(name, of: session.name)
    }

    func lane(_ lane: String, of session: String) async throws -> JSONValue {
        let store = self.client.store
        let row = try await store.lane(session: store.session(session).id, lane)
        let counts = try await store.laneCounts([row.id])
        return SessionDocument.json(row, counts: counts[row.id] ?? [:])
    }

    func pausedKeys(_ lane: String, of session: String) async throws -> [JSONValue] {
        let store = self.client.store
        let row = try await store.lane(session: store.session(session).id, lane)
        var keys: [PausedKey] = []
        var cursor: String?
        repeat {
            let page = try await store.pausedKeys(lane: row.id, after: cursor, limit: 200)
            keys += page.keys
            cursor = page.next
        } while cursor != nil
        return keys.map { SessionDocument.json($0) }
    }
}
