// `PATCH /v1/runs/{id}`: what can be changed of a run that is in the queue.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// Changes a queued run's priority.
    @Sendable
    func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        var body = try JSONBody(try await request.json())
        if body.value("priority") == nil {
            body.note("priority", "say the run's new priority", hint: "higher goes first")
        }
        let priority = LaneBody.priority(&body)
        try body.finish()
        let id = try await self.run(context, as: request).id
        try await self.store.setPriority(id, to: priority ?? 0)
        let row = try await self.store.run(id)
        guard case .object(var members) = RunDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        let json = JSONValue.object(members)
        return .json(json, fields: [.eTag: Self.tag(row, json).field])
    }
}
