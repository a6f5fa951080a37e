// `/v1/templates`: names that stand for plans.

import Compiler
import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct TemplatesResource: Sendable {
    /// Bytes of a title.
    static let titleBytesMax = 256

    let store: Store

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("templates", &query, request)
        try query.finish()
        let page = try await self.store.templates(after: window.cursor.first, limit: window.limit)
        return window.answer(
            "templates",
            page.rows.map(TemplateDocument.json),
            next: page.hasMore ? page.rows.last.map { [$0.name] } : nil
        )
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let row = try await self.store.template(try context.parameter("template"))
        return Self.document(row, request)
    }

    @Sendable
    func versions(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("versions", &query, request)
        try query.finish()
        let name = try context.parameter("template")
        let page = try await self.store.templateVersions(
            name,
            before: try window.number(),
            limit: window.limit
        )
        // One that was deleted still has its versions.
        if page.rows.isEmpty, window.cursor.isEmpty { _ = try await self.store.template(name) }
        return window.answer(
            "versions",
            page.rows.map(TemplateDocument.json),
            next: page.next.map { [String($0)] }
        )
    }

    /// A version as it was written.
    @Sendable
    func source(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let revision = try query.integer("revision", in: 1...Int64.max)
        try query.finish()
        let name = try context.parameter("template")
        let (row, files) = try await self.store.templateSource(name, revision: revision)
        let json = TemplateDocument.json(row, files)
        return .document(json, EntityTag(revision: row.revision, json), for: request)
    }

    /// Has a name stand for a plan given inline or by digest; `if-none-match: *` only makes it.
    @Sendable
    func put(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let name = try context.parameter("template")
        guard ResourceName.isPlain(name) else {
            throw Query.problem(
                "template",
                "a template's name is letters, digits, '_', '.', '-', at most 64"
            )
        }
        var body = try JSONBody(try await request.json(upTo: RunsResource.bodyBytesMax))
        let source = PlanSource(&body)
        let title = body.text("title") ?? ""
        if title.utf8.count > Self.titleBytesMax {
            body.note("title", "a title has at most \(Self.titleBytesMax) bytes")
        }
        try body.finish()
        let known = try await self.revision(name)
        let isNew = request.headers[.ifNoneMatch] == "*"
        if isNew, known != nil { throw Self.taken(name) }
        let revision = isNew ? 0 : try request.expectedRevision(of: known)
        let digest: Digest
        var rows: [PlanRow] = []
        var written: TemplateFiles?
        switch source.kind {
        case .files(let files):
            let compiled = try files.compile()
            digest = compiled.digest
            rows = compiled.rows
            written = TemplateFiles(main: files.main, texts: files.texts)
        case .digest(let given): digest = given
        case .template(let other): digest = try await self.store.template(other).plan
        }
        let plans = rows
        let files = written
        let row: TemplateRow
        do throws(StoreError) {
            row = try await self.store.putTemplate(
                name,
                plan: digest,
                plans: plans,
                files: files,
                title: title,
                revision: revision
            )
        } catch {
            guard error.code == .stale else { throw error }
            throw isNew ? Self.taken(name) : Problem.edited
        }
        var answer = Self.document(row, request)
        if known == nil { answer.status = .created }
        answer.headers[.location] = "/v1/templates/\(name)"
        return answer
    }

    @Sendable
    func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let name = try context.parameter("template")
        let expected = try request.expectedRevision(of: try await self.revision(name))
        try await Problem.editing { () async throws(StoreError) in
            try await self.store.deleteTemplate(name, revision: expected)
        }
        return .empty()
    }

    /// It was to be made, and is there.
    private static func taken(_ name: String) -> Problem {
        Problem(
            .preconditionFailed,
            "there is a template '\(name)' already",
            next: "GET /v1/templates/\(name), and change it with its etag as if-match"
        )
    }

    /// The template's revision; `nil` when there is none.
    private func revision(_ name: String) async throws(StoreError) -> Int64? {
        do {
            return try await self.store.template(name).revision
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private static func document(_ row: TemplateRow, _ request: Request) -> Response {
        guard case .object(var members) = TemplateDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        let json = JSONValue.object(members)
        let isPut = request.method == .put
        let tag = EntityTag(revision: row.revision, json)
        guard isPut else { return .document(json, tag, for: request) }
        return .json(json, fields: [.eTag: tag.field])
    }
}
