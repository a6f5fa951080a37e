// `/v1/limits`: rates that lanes share.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct LimitsResource: Sendable {
    let store: Store

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("limits", &query, request)
        try query.finish()
        let page = try await self.store.limits(after: window.cursor.first, limit: window.limit)
        return window.answer(
            "limits",
            page.limits.map(LimitDocument.json),
            next: page.next.map { [$0] }
        )
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let limit = try await self.store.limit(try context.parameter("limit"))
        return Self.document(limit, request)
    }

    /// Makes or changes a limit; sent twice it is the same. `if-none-match: *` only makes it.
    @Sendable
    func put(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var body = try JSONBody(try await request.json())
        let name = try context.parameter("limit")
        if name.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/) == nil {
            body.note("limit", "a limit's name is letters, digits, '_', '.', '-', at most 64")
        }
        let text = body.text("rate") ?? ""
        let rate = Rate(text)
        if rate == nil {
            body.note("rate", "'\(text.prefix(64))' is no rate", hint: "write \(Rate.form)")
        }
        try body.finish()
        guard let rate else { return .empty() }
        let isNew = request.headers[.ifNoneMatch] == "*"
        let limit: NamedLimit
        do throws(StoreError) {
            limit = try await self.store.setLimit(name, rate, isNew: isNew)
        } catch {
            guard error.code == .conflict else { throw error }
            throw Problem(
                .preconditionFailed,
                error.message,
                next: "change it without if-none-match, or choose another name"
            )
        }
        return Self.document(limit, request)
    }

    @Sendable
    func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        do {
            try await self.store.deleteLimit(try context.parameter("limit"))
        } catch let error as StoreError where error.code == .conflict {
            throw Problem(
                .conflict,
                error.message,
                next: "take it from their limits: PATCH /v1/sessions/{id}/lanes/{lane}"
            )
        }
        return Response(status: .noContent)
    }

    private static func document(_ limit: NamedLimit, _ request: Request) -> Response {
        guard case .object(var members) = LimitDocument.json(limit) else { return .empty() }
        members["version"] = .integer(1)
        return .json(.object(members))
    }
}
