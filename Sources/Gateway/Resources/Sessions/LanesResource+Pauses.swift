// Pauses of sessions, of lanes and of keys of a lane.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

/// What a request says about a pause.
private struct PauseBody {
    var person: String
    var reason: String?
    var key: String?

    init(_ request: Request, _ context: GatewayContext, isKeyed: Bool) async throws {
        self.person = context.principal.name
        guard var body = try await request.optionalBody() else { return }
        self.person = RunsResource.person(&body, context)
        self.reason = RunsResource.reason(&body)
        if isKeyed { self.key = Self.key(&body) }
        try body.finish()
    }

    /// A run's key; the empty one is none.
    static func key(_ body: inout JSONBody) -> String? {
        let key = body.text("key")
        if let key, !(1...Store.keyBytesMax).contains(key.utf8.count) {
            body.note("key", "a key is a text of 1 to \(Store.keyBytesMax) bytes")
        }
        return key
    }
}

extension SessionsResource {
    @Sendable
    func pause(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let wanted = try await PauseBody(request, context, isKeyed: false)
        let session = try await self.store.session(try context.parameter("id"))
        try await self.store.pauseSession(session.id, by: wanted.person, reason: wanted.reason)
        return try await self.document(session.name, request)
    }

    @Sendable
    func resume(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await request.noBody()
        let session = try await self.store.session(try context.parameter("id"))
        try await self.store.resumeSession(session.id)
        return try await self.document(session.name, request)
    }
}

extension LanesResource {
    @Sendable
    func pause(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let wanted = try await PauseBody(request, context, isKeyed: true)
        let session = try await self.store.session(try context.parameter("id"))
        let lane = try await self.store.lane(session: session.id, try context.parameter("lane"))
        try await self.store.pauseLane(
            lane.id,
            key: wanted.key,
            by: wanted.person,
            reason: wanted.reason
        )
        return try await self.document(session.id, String(lane.id), request)
    }

    @Sendable
    func resume(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var key: String?
        if var body = try await request.optionalBody() {
            key = PauseBody.key(&body)
            try body.finish()
        }
        let session = try await self.store.session(try context.parameter("id"))
        let lane = try await self.store.lane(session: session.id, try context.parameter("lane"))
        try await self.store.resumeLane(lane.id, key: key)
        return try await self.document(session.id, String(lane.id), request)
    }

    @Sendable
    func pausedKeys(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("paused_keys", &query, request)
        try query.finish()
        let session = try await self.store.session(try context.parameter("id"))
        let lane = try await self.store.lane(session: session.id, try context.parameter("lane"))
        let page = try await self.store.pausedKeys(
            lane: lane.id,
            after: window.cursor.first,
            limit: window.limit
        )
        return window.answer(
            "paused_keys",
            page.keys.map { SessionDocument.json($0) },
            next: page.next.map { [$0] }
        )
    }
}
