// `/v1/schedules`: what begins by itself, made, changed, paused, asked for now or for the past.

import HTTPTypes
import Hummingbird
import PulserIR
import StateMachines
import Store

struct SchedulesResource: Sendable {
    let desk: ScheduleDesk

    private var store: Store { self.desk.store }

    init(_ store: Store, zones: TimeZoneLibrary) { self.desk = ScheduleDesk(store, zones: zones) }

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("schedules", &query, request)
        let session = try query.text("session")
        let isPaused = try query.bool("paused")
        try query.finish()
        let page = try await self.store.schedules(
            after: window.cursor.first,
            session: session,
            isPaused: isPaused,
            limit: window.limit
        )
        return window.answer(
            "schedules",
            page.rows.map(self.desk.document),
            next: page.hasMore ? page.rows.last.map { [$0.said.name] } : nil
        )
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        return self.document(try await self.row(context), request)
    }

    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let json = try await request.json(upTo: RunsResource.bodyBytesMax)
        let key = try request.idempotencyKey(context, json)
        let (row, made) = try await self.desk.create(
            json,
            by: context.principal.person.name,
            key: key
        )
        var answer = self.document(row, request)
        answer.tell(made)
        answer.headers[.location] = "/v1/schedules/\(row.said.name)"
        return answer
    }

    @Sendable
    func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let json = try await request.json(upTo: RunsResource.bodyBytesMax)
        let row = try await self.row(context)
        _ = try request.expectedRevision(of: row.revision)
        let changed: ScheduleRow
        do {
            changed = try await self.desk.edit(row, json, by: context.principal.person.name)
        } catch let error as StoreError where error.code == .stale {
            throw Problem.edited
        }
        return self.document(changed, request)
    }

    @Sendable
    func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let row = try await self.row(context)
        let expected = try request.expectedRevision(of: row.revision)
        try await Problem.editing { () async throws(StoreError) in
            try await self.store.deleteSchedule(row.id, revision: expected)
        }
        return .empty()
    }

    @Sendable
    func pause(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var reason: String?
        if var body = try await request.optionalBody() {
            reason = RunsResource.reason(&body)
            try body.finish()
        }
        let row = try await self.row(context)
        _ = try request.expectedRevision(of: row.revision)
        _ = try await self.store.pauseSchedule(
            row.id,
            by: context.principal.person.name,
            reason: reason
        )
        return self.document(try await self.row(context), request)
    }

    @Sendable
    func resume(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await request.noBody()
        let row = try await self.row(context)
        _ = try request.expectedRevision(of: row.revision)
        _ = try await self.store.resumeSchedule(row.id)
        return self.document(try await self.row(context), request)
    }

    /// A run now; the answer is the run.
    @Sendable
    func trigger(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var overlap: OverlapPolicy?
        var order = JSONValue.null
        if var body = try await request.optionalBody() {
            order = body.json
            overlap = ScheduleWish.choice("overlap", OverlapPolicy.self, &body)
            try body.finish()
        }
        let key = try request.idempotencyKey(context, order)
        let name = try context.parameter("schedule")
        let started = try await self.desk.trigger(
            name,
            overlap: overlap,
            by: context.principal.person.name,
            key: key
        )
        let run = try await self.store.run(started.id)
        guard case .object(var members) = RunDocument.json(run) else { return .empty() }
        members["version"] = .integer(1)
        members["schedule"] = try await self.store.schedule(of: run.id).map(ScheduleDocument.json)
        if run.unique != nil { members["unique_outcome"] = .string(started.outcome.rawValue) }
        var fields: HTTPFields = [.location: "/v1/runs/\(run.id)"]
        if started.outcome == .replayed { fields[.idempotencyReplayed] = "true" }
        let status: HTTPResponse.Status = started.outcome == .made ? .created : .ok
        return .json(.object(members), status: status, fields: fields)
    }

    @Sendable
    func backfill(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let json = try await request.json()
        var body = try JSONBody(json)
        let from = body.text("from") ?? ""
        let upTo = body.text("to") ?? ""
        if from.isEmpty || upTo.isEmpty {
            body.note("from", "say from when to when: 'from' and 'to'")
        }
        try body.finish()
        let key = try request.idempotencyKey(context, json)
        let name = try context.parameter("schedule")
        let answer = try await self.desk.backfill(
            name,
            from: from,
            upTo: upTo,
            by: context.principal.person.name,
            key: key
        )
        let isReplay = answer["ticks"] == .null
        return .json(
            answer,
            status: isReplay ? .ok : .created,
            fields: isReplay ? [.idempotencyReplayed: "true"] : [:]
        )
    }

    @Sendable
    func preview(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let count = try query.integer("count", in: 1...Int64(ScheduleDesk.previewMax))
        let from = try query.text("from")
        try query.finish()
        let row = try await self.row(context)
        return .json(try self.desk.previewDocument(row, count: Int(count ?? 10), from: from))
    }

    @Sendable
    func runs(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("schedule_runs", &query, request)
        try query.finish()
        let page = try await self.store.runs(
            ofSchedule: try await self.row(context).id,
            before: try window.number(),
            limit: window.limit
        )
        return window.answer(
            "runs",
            page.rows.map(ScheduleDocument.json),
            next: page.next.map { [String($0)] }
        )
    }

    private func row(_ context: GatewayContext) async throws -> ScheduleRow {
        try await self.store.schedule(try context.parameter("schedule"))
    }

    private func document(_ row: ScheduleRow, _ request: Request) -> Response {
        guard case .object(var members) = self.desk.document(row) else { return .empty() }
        members["version"] = .integer(1)
        let json = JSONValue.object(members)
        let tag = EntityTag(revision: row.revision, json)
        guard request.method == .get || request.method == .head else {
            return .json(json, fields: [.eTag: tag.field])
        }
        return .document(json, tag, for: request)
    }
}
