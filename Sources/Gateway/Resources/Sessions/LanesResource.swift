// `/v1/sessions/{session}/lanes`: ordered streams of runs, whose width and priority change live.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct LanesResource: Sendable {
    let store: Store

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("lanes", &query, request)
        let children = try query.bool("children") ?? false
        try query.finish()
        let session = try await self.store.session(try context.parameter("id"))
        let page = try await self.store.lanePage(
            session: session.id,
            after: try window.number(),
            includingChildren: children,
            limit: window.limit
        )
        let counts = try await self.store.laneCounts(page.rows.map(\.id))
        return window.answer(
            "lanes",
            page.rows.map { SessionDocument.json($0, counts: counts[$0.id] ?? [:]) },
            next: page.next.map { [String($0)] }
        )
    }

    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let json = try await request.json()
        var body = try JSONBody(json)
        let wanted = try LaneBody(&body)
        let key = try request.idempotencyKey(context, json)
        let session = try await self.store.session(try context.parameter("id"))
        let made: MadeRow
        if let earlier = try await self.store.replayed(key) {
            made = earlier
        } else {
            do throws(StoreError) {
                made = try await self.store.createLane(wanted.lane, session: session.id, key: key)
            } catch {
                guard error.code == .conflict else { throw error }
                // The key, used for something else at this very moment, has its own answer.
                _ = try await self.store.replayed(key)
                throw try await self.obstacle(wanted.name, session.name)
            }
        }
        var answer = try await self.document(session.id, String(made.id), request)
        answer.tell(made)
        answer.headers[.location] = "/v1/sessions/\(session.name)/lanes/\(made.id)"
        return answer
    }

    /// Why a lane cannot be made: the session takes no more, or somebody was faster.
    private func obstacle(_ name: String, _ session: String) async throws -> Problem {
        let session = try await self.store.session(session)
        guard session.status == "active" else {
            return Problem(
                .conflict,
                "session '\(session.name)' is \(session.status)",
                next: "use a session that is active"
            )
        }
        let known = try await self.store.lane(session: session.id, name)
        return Problem(
            .conflict,
            "session '\(session.name)' has a lane '\(name)' already",
            next: "change it: PATCH /v1/sessions/\(session.name)/lanes/\(known.id)"
        )
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let session = try await self.store.session(try context.parameter("id"))
        return try await self.document(session.id, try context.parameter("lane"), request)
    }

    @Sendable
    func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let expected = try request.expectedEdits()
        let settings = try await request.json()
        let session = try await self.store.session(try context.parameter("id"))
        let lane = try await self.store.lane(session: session.id, try context.parameter("lane"))
        if let expected, !expected.contains(Self.edit(lane)) { throw Problem.edited }
        let desk = LaneDesk(self.store)
        _ = try await desk.change(lane, settings, isExpected: expected != nil)
        return try await self.document(session.id, String(lane.id), request)
    }

    func document(
        _ session: Int64,
        _ text: String,
        _ request: Request
    ) async throws -> Response {
        let lane = try await self.store.lane(session: session, text)
        let counts = try await self.store.laneCounts([lane.id])
        let json = SessionDocument.json(lane, counts: counts[lane.id] ?? [:])
        return .document(json, EntityTag(edited: Self.edit(lane), json), for: request)
    }

    /// All that an editor can change.
    private static func edit(_ lane: LaneRow) -> String {
        let rules = JSONValue.object(LimitDocument.members(lane.rules))
        let digest = Digest(of: rules.canonicalBytes).description.suffix(16)
        return "\(lane.width)p\(lane.priority)\(lane.worker == .room ? "" : "x")r\(digest)"
    }
}
