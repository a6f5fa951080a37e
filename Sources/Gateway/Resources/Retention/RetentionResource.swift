// `/v1/retention`: for how long what is done is kept.

import HTTPTypes
import Hummingbird
import Logging
import PulserIR
import Store

struct RetentionResource: Sendable {
    let store: Store
    let logger: Logger

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        return Self.answer(try await self.desk.document(), request)
    }

    @Sendable
    func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        var body = try JSONBody(try await request.json())
        let runs = Self.retention("runs", &body)
        let events = Self.retention("events", &body)
        let isDry = body.bool("dry_run") ?? false
        try body.finish()
        let now = try await self.store.retention().revision
        let expected = try request.expectedRevision(of: now)
        let document = try await Problem.editing { () async throws(StoreError) in
            try await self.desk.change(
                runs: runs,
                events: events,
                isDry: isDry,
                revision: expected
            )
        }
        if !isDry {
            self.logger.notice(
                "retention changed",
                metadata: [
                    "by": "\(context.principal.name)",
                    "runs": "\(runs?.description ?? "as it was")",
                    "events": "\(events?.description ?? "as it was")",
                ]
            )
        }
        return Self.answer(document, request)
    }

    private var desk: RetentionDesk { RetentionDesk(store: self.store) }

    private static func retention(_ name: String, _ body: inout JSONBody) -> Retention? {
        guard let text = body.text(name) else { return nil }
        let retention = Retention(text)
        if retention == nil {
            body.note(name, "'\(name)' must be whole days, as 30d, or forever")
        }
        return retention
    }

    private static func answer(_ json: JSONValue, _ request: Request) -> Response {
        let revision = json["revision"]?.integerValue ?? 0
        return .document(json, EntityTag(revision: revision, json), for: request)
    }
}
