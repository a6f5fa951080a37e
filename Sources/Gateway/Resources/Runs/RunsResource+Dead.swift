// `/v1/dead`: runs that failed for good, until somebody has them run again or puts them aside.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    @Sendable
    func deadList(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.list(request, parent: nil, isDead: true)
    }

    /// A run of the list, or one that was put aside.
    @Sendable
    func deadGet(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let row = try await self.run(context)
        guard row.isDeadStatus, row.parent == nil else {
            throw Problem(
                .notFound,
                "run \(row.id) is no dead letter: it is \(row.status.rawValue)"
                    + (row.parent.map { ", a child of run \($0)" } ?? ""),
                next: "GET /v1/runs/\(row.id)"
            )
        }
        let json = try await self.dead(row)
        return .document(json, Self.tag(row, json), for: request)
    }

    /// Has a run of the list run again, from what did not succeed or from a step.
    @Sendable
    func redrive(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.retry(request, context)
    }

    /// Puts a run aside: nothing is to be done about it.
    @Sendable
    func discard(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var note = ""
        if var body = try await request.optionalBody() {
            note = body.text("note") ?? ""
            if note.utf8.count > Self.reasonBytesMax {
                body.note("note", "a note has at most \(Self.reasonBytesMax) bytes")
            }
            try body.finish()
        }
        let row = try await self.run(context, as: request)
        try await self.store.discard(row, by: context.principal.person.name, note: note)
        return .json(try await self.dead(row))
    }

    private func dead(_ row: RunRow) async throws -> JSONValue {
        try await DeadDocument.json(row, self.store)
    }
}
