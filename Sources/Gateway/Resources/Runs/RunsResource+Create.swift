// `POST /v1/runs`: a plan given inline, by digest or by template becomes a run, once per key.

import Compiler
import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// The longest delay: a year.
    static let delayMillisecondsMax: Int64 = 31_536_000_000
    /// Bytes of a request that brings plans.
    static let bodyBytesMax = 8 << 20

    struct Place {
        var session: String
        var lane: String
        var priority: Int
        var delay: Int64
        var key: String
    }

    @Sendable
    func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let json = try await request.json(upTo: Self.bodyBytesMax)
        var body = try JSONBody(json)
        let source = PlanSource(&body)
        let inputs = body.object("inputs") ?? [:]
        let place = Self.place(&body)
        let deadline = DeadlineBody.read(&body)
        let unique = UniqueBody.read(&body, delay: place.delay)
        try body.finish()
        let key = try request.idempotencyKey(context, json)
        // Before anything is looked at: the template may be gone by now, the run is there.
        if let key, let id = try await self.desk.replay(key) {
            return try await self.answer(id, .replayed)
        }
        let plan = try await source.find(in: self.store)
        let bound = try RunInputs(uploads: self.uploads).bind(inputs, to: plan.plan)
        var order = RunOrder(
            plan: plan.digest,
            plans: plan.rows,
            inputs: bound,
            session: place.session,
            lane: place.lane,
            priority: place.priority,
            delayMilliseconds: place.delay,
            template: source.template
        )
        order.key = place.key
        order.startedBy = context.principal.person.name
        order.unique = unique
        order.deadline = deadline
        let started = try await self.desk.start(order, key: key)
        return try await self.answer(started.id, started.outcome)
    }

    private func answer(_ id: RunID, _ outcome: StartOutcome) async throws -> Response {
        let row = try await self.store.run(id)
        guard case .object(var members) = RunDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        if row.unique != nil { members["unique_outcome"] = .string(outcome.rawValue) }
        let json = JSONValue.object(members)
        var fields: HTTPFields = [.location: "/v1/runs/\(id)"]
        fields[.eTag] = Self.tag(row, json).field
        if outcome == .replayed { fields[.idempotencyReplayed] = "true" }
        return .json(json, status: outcome == .made ? .created : .ok, fields: fields)
    }

    static func place(_ body: inout JSONBody) -> Place {
        let session = body.text("session") ?? Store.defaultSession
        let lane = body.text("lane") ?? "A"
        if !ResourceName.isPlain(session) { body.note("session", "this cannot name a session") }
        if !ResourceName.isLane(lane) {
            body.note("lane", "a lane's name is a text of 1 to 64 bytes without '/'")
        }
        return Place(
            session: session,
            lane: lane,
            priority: LaneBody.priority(&body) ?? 0,
            delay: Self.wait(&body),
            key: Self.key(&body) ?? ""
        )
    }

    /// How long a run waits: a time, or until a moment; one that has passed is now.
    private static func wait(_ body: inout JSONBody) -> Int64 {
        let delay = Self.delay(&body)
        guard let text = body.text("due_at") else { return delay ?? 0 }
        if delay != nil { body.note("due_at", "say delay_ms or due_at, not both") }
        do throws(Problem) {
            let moment = try RunFilterReader.time("due_at", text) ?? 0
            return Self.bounded(max(0, moment - RunClock.milliseconds()), "due_at", &body)
        } catch {
            body.note("due_at", error.detail, hint: error.next)
            return 0
        }
    }

    static func delay(_ body: inout JSONBody) -> Int64? {
        body.integer("delay_ms").map { Self.bounded($0, "delay_ms", &body) }
    }

    private static func bounded(_ delay: Int64, _ name: String, _ body: inout JSONBody) -> Int64 {
        if !(0...Self.delayMillisecondsMax).contains(delay) {
            let most = "\(Self.delayMillisecondsMax) milliseconds"
            body.note(name, "a run waits for 0 to \(most) before it is due")
        }
        return delay
    }

    static func key(_ body: inout JSONBody) -> String? {
        guard let key = body.text("key") else { return nil }
        if key.utf8.count > NewRun.keyBytesMax || key.utf8.contains(0) {
            body.note("key", "a key is a text of at most \(NewRun.keyBytesMax) bytes without NUL")
        }
        return key
    }
}
