// `/v1/runs/{id}/steps/{step}/skip`: a person says that the step was done by hand.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// Notes that a step was done by hand; the run goes on with what is left.
    @Sendable
    func skip(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let order = try await request.json()
        var body = try JSONBody(order)
        let note = body.text("note") ?? ""
        if !(1...RunDesk.noteBytesMax).contains(note.utf8.count) {
            body.note("note", "say in 1 to \(RunDesk.noteBytesMax) bytes what was done by hand")
        }
        try body.finish()
        let key = try request.idempotencyKey(context, order)
        // Before anything is looked at: the request itself made the run another one.
        if let made = try await self.store.replayed(key) { return try await self.answer(made) }
        let row = try await self.run(context, as: request)
        let step = try context.parameter("step")
        let steps: [String]
        do {
            let person = context.principal.person.name
            steps = try await self.desk.skip(row, step: step, note: note, by: person, key: key)
        } catch let error as DeskError {
            // The same request may have been faster.
            guard let made = try await self.store.replayed(key) else { throw error }
            return try await self.answer(made)
        }
        return try await self.answer(row.id, ["steps": .array(steps.map { .string($0) })])
    }
}
