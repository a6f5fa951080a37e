// `/v1/bulk`: an action on all runs that fit a filter: counted first, then made, watched, stopped.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunQuery {
    /// Takes out what an action can do nothing to; no status is left when that is everything.
    mutating func narrow(to action: BulkAction) {
        // Every action that works on open runs works on all of them, so on those that are paused.
        let takesPaused = action.statuses.contains(.queued)
        let wanted = self.statuses.isEmpty ? action.statuses : self.statuses
        self.statuses = wanted.filter(action.statuses.contains)
        if self.paused == .too, !takesPaused { self.paused = .any }
        if self.paused == .too, action == .resume || self.statuses.isEmpty {
            self.paused = .only
            self.statuses = action.statuses
        }
        if action == .resume { self.paused = .only }
        if action == .discard { self.isDead = true }
    }
}

struct BulkResource: Sendable {
    /// Runs that a preview shows.
    static let sampleMax = 10

    let store: Store
    let worker: BulkWorker

    private struct Wish {
        var action: BulkAction
        var query: RunQuery
        var filter: String
        var expected: Int64?
        var reason: String
    }

    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let isPreview = try query.bool("preview") ?? false
        try query.finish()
        let order = try await request.json()
        let wish = try await self.wish(order, context)
        if isPreview { return try await self.preview(wish) }
        let key = try request.idempotencyKey(context, order)
        if let earlier = try await self.store.replayed(key) {
            return try await self.answer(earlier)
        }
        let made: BulkSelection
        do throws(StoreError) {
            made = try await self.store.makeBulk(
                wish.action,
                wish.query,
                filter: wish.filter,
                expected: wish.expected,
                reason: wish.reason,
                actor: context.principal.name,
                key: key
            )
        } catch {
            // The same request at the same time.
            guard error.code == .conflict, let earlier = try await self.store.replayed(key) else {
                throw error
            }
            return try await self.answer(earlier)
        }
        guard let id = made.id else {
            guard made.count.isExact else {
                throw Problem(
                    .conflict,
                    "more than \(Store.bulkRunsMax) runs fit, or too many had to be looked at",
                    next: "narrow the filter by time, lane or status"
                )
            }
            throw Problem(
                .conflict,
                "\(made.count.count) runs fit now, not \(wish.expected ?? 0)",
                next: "look at them again with ?preview=true"
            )
        }
        self.worker.wake()
        let json = try await self.document(id)
        return .json(
            json.json,
            status: .accepted,
            fields: [.location: "/v1/bulk/\(id)", .eTag: json.tag.field]
        )
    }

    /// The answer to an action that was asked for before.
    private func answer(_ made: MadeRow) async throws -> Response {
        let json = try await self.document(made.id)
        var answer = Response.json(
            json.json,
            fields: [.location: "/v1/bulk/\(made.id)", .eTag: json.tag.field]
        )
        answer.tell(made)
        return answer
    }

    private func preview(_ wish: Wish) async throws -> Response {
        async let count = self.store.runCount(wish.query, isForBulk: true)
        let page = try await self.store.runPage(wish.query, before: nil, limit: Self.sampleMax)
        return .json(
            .object([
                "version": .integer(1), "action": .string(wish.action.rawValue),
                "count": RunsResource.json(try await count),
                "sample": .array(page.rows.map(RunDocument.json)),
            ])
        )
    }

    private func wish(_ order: JSONValue, _ context: GatewayContext) async throws -> Wish {
        var body = try JSONBody(order)
        let word = body.text("action") ?? ""
        let action = BulkAction(rawValue: word)
        if action == nil {
            let known = BulkAction.allCases.map(\.rawValue)
            body.note(
                "action",
                "'action' is one of \(known.joined(separator: ", "))",
                hint: Suggestion.closest(to: word, among: known).map { "did you mean '\($0)'?" }
            )
        }
        let filter = body.object("filter")
        if filter == nil { body.note("filter", "say which runs; {} means all") }
        let expected = body.integer("expected_count")
        let reason = RunsResource.reason(&body)
        var lists: [String: [String]] = [:]
        for (name, value) in filter ?? [:] {
            guard RunFilterReader.names.contains(name) else {
                body.note(
                    "filter/\(name.prefix(64))",
                    "'\(name.prefix(64))' is no filter",
                    hint: Suggestion.hint(for: name, among: RunFilterReader.names)
                )
                continue
            }
            let values = value.arrayValue ?? [value]
            let texts = values.compactMap(\.stringValue)
            if texts.count != values.count {
                body.note("filter/\(name)", "'\(name)' is a text or a list of texts")
            } else if texts.allSatisfy(\.isEmpty) {
                // Nothing of something is not everything.
                body.note(
                    "filter/\(name)",
                    "'\(name)' is empty, which no run fits",
                    hint: "leave it out where every \(name) is meant"
                )
            }
            lists[name] = texts
        }
        try body.finish()
        guard let action else { throw Problem(.invalidBody, "there is no action") }
        let given = lists
        var query = try await RunFilterReader(store: self.store).read { given[$0] ?? [] }
        query.narrow(to: action)
        if query.statuses.isEmpty {
            throw Problem(
                .invalidBody,
                "\(action.rawValue) does nothing to runs of that status",
                next: "it works on \(action.statuses.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return Wish(
            action: action,
            query: query,
            filter: BulkDocument.brief(.object(filter ?? [:])).canonicalText,
            expected: expected,
            reason: reason
                ?? (action == .cancel
                    ? "cancelled with others by \(context.principal.name)" : "")
        )
    }

    private func document(_ id: Int64) async throws -> (json: JSONValue, tag: EntityTag) {
        let row = try await self.store.bulk(id)
        guard case .object(var members) = BulkDocument.json(row) else {
            return (.null, EntityTag(.null))
        }
        members["version"] = .integer(1)
        let json = JSONValue.object(members)
        return (json, EntityTag(revision: row.revision, json))
    }

    private func id(_ context: GatewayContext) throws(Problem) -> Int64 {
        let text = try context.parameter("bulk")
        guard let id = Int64(text), id > 0 else {
            throw Problem(.notFound, "there is no bulk action '\(text.prefix(64))'")
        }
        return id
    }

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("bulk", &query, request)
        try query.finish()
        let page = try await self.store.bulkPage(before: try window.number(), limit: window.limit)
        return window.answer(
            "bulk",
            page.rows.map { BulkDocument.json($0) },
            next: page.next.map { [String($0)] }
        )
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let document = try await self.document(try self.id(context))
        return .document(document.json, document.tag, for: request)
    }

    /// What came of each run.
    @Sendable
    func items(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("bulk_runs", &query, request)
        let state = try query.choice("state", BulkItem.State.self)
        try query.finish()
        let id = try self.id(context)
        _ = try await self.store.bulk(id)
        let page = try await self.store.bulkItems(
            id,
            state: state,
            after: try window.number(),
            limit: window.limit
        )
        return window.answer(
            "runs",
            page.rows.map { BulkDocument.json($0) },
            next: page.next.map { [String($0)] }
        )
    }

    /// Stops it; what is done stays done.
    @Sendable
    func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await request.noBody()
        let id = try self.id(context)
        let expected = try request.expectedRevision(of: try await self.store.bulk(id).revision)
        try await Problem.editing { () async throws(StoreError) in
            try await self.store.cancelBulk(id, revision: expected)
        }
        let document = try await self.document(id)
        return .json(document.json, fields: [.eTag: document.tag.field])
    }
}
