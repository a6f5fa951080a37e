// `POST /v1/runs/{id}/snooze`: a queued run, or the next attempt of one that failed, begins later.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// Puts a run off that waits for its time, for a time or until a moment.
    @Sendable
    func snooze(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var body = try JSONBody(try await request.json())
        var time = body.integer("for_ms")
        if let until = body.text("until") {
            if time != nil { body.note("until", "say for_ms or until, not both") }
            do throws(Problem) {
                let moment = try RunFilterReader.time("until", until) ?? 0
                time = max(0, moment - RunClock.milliseconds())
            } catch {
                body.note("until", error.detail, hint: error.next)
            }
        } else if time == nil {
            body.note("for_ms", "say for how long: for_ms, or until when: until")
        }
        if let time, !(0...Self.delayMillisecondsMax).contains(time) {
            body.note(
                "for_ms",
                "a run is put off by 0 to \(Self.delayMillisecondsMax) milliseconds"
            )
        }
        try body.finish()
        let id = try await self.run(context, as: request).id
        let due = try await self.store.snooze(id, for: time ?? 0)
        let row = try await self.store.run(id)
        guard case .object(var members) = RunDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        members["due_at"] = .string(Timestamp.text(milliseconds: due))
        return .json(.object(members), status: .accepted)
    }
}
