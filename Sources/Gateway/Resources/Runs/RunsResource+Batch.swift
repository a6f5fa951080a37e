// `POST /v1/runs/batch`: many runs of one request, all of them or none, once per key.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// A run of a batch, as it is asked for.
    static let batched = Schema.object(
        OperationCatalog.plan.merging([
            "inputs": Schema.inputs, "session": Schema.text, "lane": Schema.text,
            "priority": Schema.integer, "key": Schema.text,
            "delay_ms": Schema.integer(0...Self.delayMillisecondsMax),
            "due_at": Schema.moment, "idempotency_key": Schema.text,
        ]) { $1 },
        optional: Set(OperationCatalog.plan.keys).union([
            "inputs", "session", "lane", "priority", "key", "delay_ms", "due_at",
            "idempotency_key",
        ])
    )
    /// What became of one.
    static let queued = Schema.object(["id": Schema.text, "made": Schema.bool])

    @Sendable
    func createBatch(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let json = try await request.json(upTo: Self.bodyBytesMax)
        var body = try JSONBody(json)
        let runs = body.array("runs") ?? []
        try body.finish()
        let batch = try RunBatch(runs)
        let started = try await self.desk.start(
            batch,
            startedBy: context.principal.person.name,
            RunInputs(uploads: self.uploads),
            key: try request.idempotencyKey(context, json)
        )
        let isReplay = started.allSatisfy(\.isReplay)
        return .json(
            .object(["version": .integer(1), "runs": .array(RunBatch.json(started))]),
            status: started.contains { $0.outcome == .made } ? .created : .ok,
            fields: isReplay ? [.idempotencyReplayed: "true"] : [:]
        )
    }
}
