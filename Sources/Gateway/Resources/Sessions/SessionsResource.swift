// `/v1/sessions`: named groups of lanes, edited by people who may do so at once.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct SessionsResource: Sendable {
    /// Bytes of an intent.
    static let intentBytesMax = 16 << 10
    /// Bytes of a context.
    static let contextBytesMax = 256 << 10
    /// Lanes one request makes.
    static let lanesMax = 100

    private static let statuses = ["active", "completed", "cancelled", "archived"]

    let store: Store

    @Sendable
    func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("sessions", &query, request)
        let text = try query.text("text")
        let statuses = query.list("status")
        try query.finish()
        for status in statuses where !Self.statuses.contains(status) {
            throw Query.problem(
                "status",
                "'\(status.prefix(64))' is no status of a session",
                next: Suggestion.hint(for: status, among: Self.statuses)
            )
        }
        let page = try await self.store.sessionPage(
            statuses: statuses,
            text: text,
            before: try window.number(),
            limit: window.limit
        )
        let open = try await self.store.openRuns(sessions: page.rows.map(\.id))
        return window.answer(
            "sessions",
            page.rows.map { SessionDocument.json($0, openRuns: open[$0.id] ?? 0) },
            next: page.next.map { [String($0)] }
        )
    }

    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let json = try await request.json()
        var body = try JSONBody(json)
        let name = body.text("name") ?? ""
        if !ResourceName.isSession(name) {
            body.note(
                "name",
                "a session's name is letters, digits, '_', '.', '-', at most 64, and not a number"
            )
        }
        let intent = Self.intent(&body)
        let details = Self.context(&body)
        let lanes = Self.lanes(&body)
        try body.finish()
        let key = try request.idempotencyKey(context, json)
        let made: MadeRow
        if let earlier = try await self.store.replayed(key) {
            made = earlier
        } else {
            made = try await self.store.createSession(
                name: name,
                intent: intent ?? "",
                context: details ?? "{}",
                lanes: lanes.map(\.lane),
                key: key
            )
        }
        var answer = try await self.document(name, request)
        answer.tell(made)
        answer.headers[.location] = "/v1/sessions/\(name)"
        return answer
    }

    @Sendable
    func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        return try await self.document(try context.parameter("id"), request)
    }

    /// A session with its lanes and what their latest runs came to.
    func document(_ text: String, _ request: Request) async throws -> Response {
        let session = try await self.store.session(text)
        let lanes = try await self.store.lanePage(
            session: session.id,
            after: nil,
            includingChildren: false,
            limit: ListWindow.limitMax
        )
        let counts = try await self.store.laneCounts(lanes.rows.map(\.id))
        let open = try await self.store.openCounts(session: session.id)
        let total = open.values.reduce(0, +)
        guard case .object(var members) = SessionDocument.json(session, openRuns: total) else {
            return .empty()
        }
        members["version"] = .integer(1)
        members["runs"] = SessionDocument.json(open)
        members["lane_list"] = .array(
            lanes.rows.map { SessionDocument.json($0, counts: counts[$0.id] ?? [:]) }
        )
        let json = JSONValue.object(members)
        return .document(json, EntityTag(revision: session.revision, json), for: request)
    }

    @Sendable
    func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var body = try JSONBody(try await request.json())
        let intent = Self.intent(&body)
        let details = Self.context(&body)
        try body.finish()
        let session = try await self.store.session(try context.parameter("id"))
        let expected = try request.expectedRevision(of: session.revision)
        _ = try await Problem.editing { () async throws(StoreError) in
            try await self.store.updateSession(
                session.id,
                intent: intent,
                context: details,
                revision: expected
            )
        }
        return try await self.document(session.name, request)
    }

    @Sendable
    func complete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.end(.completed, request, context)
    }

    @Sendable
    func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.end(.cancelled, request, context)
    }

    @Sendable
    func archive(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.end(.archived, request, context)
    }

    private func end(
        _ end: SessionEnd,
        _ request: Request,
        _ context: GatewayContext
    ) async throws -> Response {
        var reason = "the session was cancelled by \(context.principal.name)"
        if var body = try await request.optionalBody() {
            reason = RunsResource.reason(&body) ?? reason
            try body.finish()
        }
        let why = reason
        let session = try await self.store.session(try context.parameter("id"))
        let expected = try request.expectedRevision(of: session.revision)
        _ = try await Problem.editing { () async throws(StoreError) in
            try await self.store.endSession(
                name: session.name,
                as: end,
                reason: why,
                revision: expected
            )
        }
        return try await self.document(session.name, request)
    }

    private static func intent(_ body: inout JSONBody) -> String? {
        let intent = body.text("intent")
        if let intent, intent.utf8.count > Self.intentBytesMax {
            body.note("intent", "an intent has at most \(Self.intentBytesMax) bytes")
        }
        return intent
    }

    private static func context(_ body: inout JSONBody) -> String? {
        let text = body.object("context").map { JSONValue.object($0).canonicalText }
        if let text, text.utf8.count > Self.contextBytesMax {
            body.note("context", "a context has at most \(Self.contextBytesMax) bytes")
        }
        return text
    }

    private static func lanes(_ body: inout JSONBody) -> [LaneBody] {
        let values = body.array("lanes") ?? []
        if values.count > Self.lanesMax {
            body.note("lanes", "at most \(Self.lanesMax) lanes are made with a session")
            return []
        }
        var lanes: [LaneBody] = []
        for (place, value) in values.enumerated() {
            do throws(Problem) {
                var inner = try JSONBody(value)
                lanes.append(try LaneBody(&inner))
            } catch {
                for finding in error.errors {
                    body.note("lanes/\(place)/\(finding.field ?? "")", finding.message)
                }
                if error.errors.isEmpty { body.note("lanes/\(place)", error.detail) }
            }
        }
        if Set(lanes.map(\.name)).count != lanes.count {
            body.note("lanes", "a lane is named twice")
        }
        return lanes
    }
}

/// A lane as a request describes it.
struct LaneBody: Sendable {
    var name: String
    var width: Int
    var priority: Int
    var worker: LaneWorker

    /// Reads it to its end.
    init(_ body: inout JSONBody) throws(Problem) {
        self.name = body.text("name") ?? ""
        if !ResourceName.isLane(self.name) {
            body.note("name", "a lane's name is a text of 1 to 64 bytes without '/'")
        }
        self.width = Self.width(&body) ?? 1
        self.priority = Self.priority(&body) ?? 0
        self.worker = Self.worker(&body) ?? .room
        try body.finish()
    }

    /// What is made of it.
    var lane: NewLane {
        NewLane(
            name: self.name,
            width: self.width,
            priority: self.priority,
            worker: self.worker
        )
    }

    static func worker(_ body: inout JSONBody) -> LaneWorker? {
        guard let text = body.text("worker") else { return nil }
        let worker = LaneWorker(rawValue: text)
        if worker == nil {
            body.note("worker", "'worker' must be room (the nodes) or external (programs outside)")
        }
        return worker
    }

    static func width(_ body: inout JSONBody) -> Int? {
        guard let number = body.integer("width") else { return nil }
        if !(1...Int64(Store.widthMax)).contains(number) {
            body.note("width", "a lane's width is from 1 to \(Store.widthMax)")
        }
        return Int(clamping: number)
    }

    static func priority(_ body: inout JSONBody) -> Int? {
        guard let number = body.integer("priority") else { return nil }
        if !(-1_000_000...1_000_000).contains(number) {
            body.note("priority", "a priority is from -1,000,000 to 1,000,000")
        }
        return Int(clamping: number)
    }
}

extension Request {
    /// The body as an object; `nil` when there is none.
    func optionalBody() async throws -> JSONBody? {
        let bytes = try await self.bytes()
        guard bytes.readableBytes > 0 else { return nil }
        let type = self.mediaType
        guard type.isEmpty || type == "application/json" || type.hasSuffix("+json") else {
            throw Problem(
                .unsupportedMediaType,
                "the body is not application/json",
                next: "send JSON with content-type: application/json, or no body"
            )
        }
        do {
            return try JSONBody(try JSONValue(parsing: Array(bytes.readableBytesView)))
        } catch let error as JSONError {
            throw Problem(
                .invalidJSON,
                "the body is \(error.message)",
                next: "send one JSON object"
            )
        }
    }
}
