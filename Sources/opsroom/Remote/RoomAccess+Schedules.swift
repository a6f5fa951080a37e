// Schedules through both doors: one call, one document.

import ControlRoom
import Foundation
import Gateway
import HTTPTypes
import PulserIR
import Store

/// What is asked about schedules. Bodies are those of the API.
enum ScheduleCall: Sendable {
    case get(String)
    case create(JSONValue)
    case edit(String, JSONValue)
    case pause(String, reason: String?)
    case resume(String)
    case trigger(String, overlap: OverlapPolicy?)
    case backfill(String, from: String, upTo: String)
    case delete(String)
    case preview(String, count: Int, from: String?)
}

extension RemoteAccess {
    func schedules(of session: String?, isPaused: Bool?) async throws -> [JSONValue] {
        var query: [(name: String, value: String)] = []
        if let session { query.append(("session", session)) }
        if let isPaused { query.append(("paused", String(isPaused))) }
        return try await self.all(["schedules"], "schedules", query)
    }

    func scheduleRuns(_ name: String, limit: Int) async throws -> [JSONValue] {
        try await self.all(["schedules", name, "runs"], "runs", limit: limit)
    }

    func schedule(_ call: ScheduleCall) async throws -> JSONValue {
        var request = RemoteRequest(path: ["schedules"])
        request.method = .post
        switch call {
        case .get(let name): return try await self.connection.get(["schedules", name])
        case .preview(let name, let count, let from):
            var query = [(name: "count", value: String(count))]
            if let from { query.append(("from", from)) }
            return try await self.connection.get(["schedules", name, "preview"], query)
        case .create(let body):
            request.body = body
            request.fields = .freshKey
        case .edit(let name, let body):
            request.method = .patch
            request.path.append(name)
            request.body = body
        case .delete(let name):
            request.method = .delete
            request.path.append(name)
            _ = try await self.connection.send(request)
            return .object([:])
        case .pause(let name, let reason):
            request.path += [name, "pause"]
            request.body = .object(reason.map { ["reason": .string($0)] } ?? [:])
        case .resume(let name): request.path += [name, "resume"]
        case .trigger(let name, let overlap):
            request.path += [name, "trigger"]
            request.body = .object(overlap.map { ["overlap": .string($0.rawValue)] } ?? [:])
            request.fields = .freshKey
        case .backfill(let name, let from, let upTo):
            request.path += [name, "backfill"]
            request.body = .object(["from": .string(from), "to": .string(upTo)])
            request.fields = .freshKey
        }
        return try await self.connection.send(request).json()
    }
}

extension LocalAccess {
    private var desk: ScheduleDesk {
        let environment = ProcessInfo.processInfo.environment
        return ScheduleDesk(self.client.store, zones: ZoneFiles.library(environment: environment))
    }

    func schedules(of session: String?, isPaused: Bool?) async throws -> [JSONValue] {
        var rows: [ScheduleRow] = []
        var hasMore = true
        while hasMore {
            let page = try await self.client.store.schedules(
                after: rows.last?.said.name,
                session: session,
                isPaused: isPaused,
                limit: 200
            )
            rows += page.rows
            hasMore = page.hasMore
        }
        return rows.map(self.desk.document)
    }

    func scheduleRuns(_ name: String, limit: Int) async throws -> [JSONValue] {
        let id = try await self.client.store.schedule(name).id
        return try await self.client.store.runs(ofSchedule: id, before: nil, limit: limit).rows
            .map(ScheduleDocument.json)
    }

    func schedule(_ call: ScheduleCall) async throws -> JSONValue {
        do {
            return try await self.answer(call)
        } catch let problem as Problem {
            throw Failure(problem)
        }
    }

    private func answer(_ call: ScheduleCall) async throws -> JSONValue {
        let store = self.client.store
        let person = NSUserName()
        switch call {
        case .get(let name): return try await self.desk.get(name)
        case .create(let body):
            return self.desk.document(try await self.desk.create(body, by: person).row)
        case .edit(let name, let body):
            return self.desk.document(
                try await self.desk.edit(
                    try await store.schedule(name),
                    body,
                    by: person
                )
            )
        case .pause(let name, let reason):
            let id = try await store.schedule(name).id
            _ = try await store.pauseSchedule(id, by: person, reason: reason)
            return try await self.desk.get(name)
        case .resume(let name):
            _ = try await store.resumeSchedule(try await store.schedule(name).id)
            return try await self.desk.get(name)
        case .trigger(let name, let overlap):
            let run = try await self.desk.trigger(name, overlap: overlap, by: person).id
            return RunDocument.json(try await store.run(run))
        case .backfill(let name, let from, let upTo):
            return try await self.desk.backfill(name, from: from, upTo: upTo, by: person)
        case .delete(let name):
            try await store.deleteSchedule(try await store.schedule(name).id, revision: nil)
            return .object([:])
        case .preview(let name, let count, let from):
            let row = try await store.schedule(name)
            return try self.desk.previewDocument(row, count: count, from: from)
        }
    }
}

extension Failure {
    /// What the API would answer.
    init(_ problem: Problem) {
        let advice = problem.next ?? ""
        let isForPeople = !advice.contains("/v1/") && !advice.contains("{")
        self.init(RoomError(RemoteProblem.code(problem.status), problem.detail))
        self.advice = isForPeople && !advice.isEmpty ? advice : nil
    }
}
