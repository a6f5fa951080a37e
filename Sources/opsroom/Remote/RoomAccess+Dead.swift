// Dead letters, at both doors.

import ControlRoom
import Gateway
import PulserIR
import Store

/// Which dead letters are asked for; `nil` means any.
struct DeadWish: Sendable {
    var session: String?
    var lane: String?
    var template: String?
    var text: String?
    /// Ended at this time or later, in milliseconds since 1970.
    var sinceMilliseconds: Int64?
    var limit: Int
}

extension LocalAccess {
    func dead(_ wish: DeadWish) async throws -> [RunFacts] {
        let runs = try await self.client.store.deadRuns(
            session: wish.session,
            lane: wish.lane,
            template: wish.template,
            text: wish.text,
            since: wish.sinceMilliseconds,
            limit: wish.limit
        )
        return try runs.map { try RunFacts($0) }
    }

    func deadLetter(_ id: RunID) async throws -> JSONValue {
        let row = try await self.client.store.run(id)
        guard row.isDeadStatus, row.parent == nil else {
            throw RoomError(
                .notFound,
                "run \(id) is no dead letter: it is \(row.status.rawValue)"
                    + (row.parent.map { ", a child of run \($0)" } ?? ""),
                next: "opsroom runs show \(id)"
            )
        }
        return try await DeadDocument.json(row, self.client.store)
    }

    func discard(_ id: RunID, note: String) async throws -> JSONValue {
        do throws(StoreError) {
            let row = try await self.client.store.run(id)
            try await self.client.store.discard(row, by: Person.local.name, note: note)
            return try await DeadDocument.json(row, self.client.store)
        } catch {
            var failure = RoomError(error)
            if error.code == .conflict { failure.next = "opsroom runs show \(id)" }
            throw failure
        }
    }
}

extension RemoteAccess {
    func dead(_ wish: DeadWish) async throws -> [RunFacts] {
        var query: [(name: String, value: String)] = []
        if let session = wish.session { query.append(("session", session)) }
        if let lane = wish.lane { query.append(("lane", lane)) }
        if let template = wish.template { query.append(("template", template)) }
        if let text = wish.text { query.append(("text", text)) }
        if let since = wish.sinceMilliseconds { query.append(("finished_after", "\(since)")) }
        return try await self.all(["dead"], "runs", query, limit: wish.limit)
            .map { try RunFacts($0) }
    }

    func deadLetter(_ id: RunID) async throws -> JSONValue {
        try await Self.telling("opsroom runs show \(id)", [.notFound]) {
            try await self.connection.get(["dead", id.description])
        }
    }

    func discard(_ id: RunID, note: String) async throws -> JSONValue {
        try await Self.telling("opsroom runs show \(id)", [.conflict, .notFound]) {
            try await self.connection.post(
                ["dead", id.description, "discard"],
                .object(["note": .string(note)])
            )
        }
    }
}
