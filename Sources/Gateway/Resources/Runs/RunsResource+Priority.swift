// `PATCH /v1/runs/{id}`: what can be changed of a run that is in the queue, its priority, lane and place.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// Where in its queue a run can be put without naming another one.
    private static let places: [String: QueuePlace] = ["first": .first, "last": .last]

    /// Changes a queued run's priority, its lane and its place there.
    @Sendable
    func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        var body = try JSONBody(try await request.json())
        let names = ["priority", "lane", "before", "place"]
        if names.allSatisfy({ body.value($0) == nil }) {
            body.note("priority", "say the run's new priority", hint: "higher goes first")
        }
        let priority = body.value("priority") == nil ? nil : LaneBody.priority(&body)
        let lane = body.text("lane")
        let before = body.text("before")
        var place: QueuePlace?
        if let name = body.text("place") {
            place = Self.places[name]
            if place == nil { body.note("place", "'place' is first or last") }
            if before != nil { body.note("before", "say 'before' or 'place', not both") }
        }
        try body.finish()
        // Before the run is compared with what the caller saw, so that it counts for the move too.
        let isCompared = try request.expectedEdits() != nil
        let seen: SeenVersion?
        if isCompared {
            seen = try await self.store.version(of: try await self.run(context).id)
        } else {
            seen = nil
        }
        let id = try await self.run(context, as: request).id
        if let before { place = .before(try await self.other(before, than: id)) }
        if let priority, lane == nil, place == nil {
            try await self.store.setPriority(id, to: priority)
        } else {
            let wish = QueueMove(lane: lane, place: place, priority: priority)
            guard try await self.store.move(id, wish, ifStill: seen) else { throw Problem.edited }
        }
        let row = try await self.store.run(id)
        guard case .object(var members) = RunDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        let json = JSONValue.object(members)
        return .json(json, fields: [.eTag: Self.tag(row, json).field])
    }

    private func other(_ text: String, than id: RunID) async throws -> RunID {
        let other = try await self.store.resolveRun(text)
        guard other != id else {
            throw Problem(.conflict, "a run cannot come before itself")
        }
        return other
    }
}
