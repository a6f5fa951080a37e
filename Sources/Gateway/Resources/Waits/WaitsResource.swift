// `/v1/runs/{id}/signals`, `/v1/approvals`, and people's decisions about steps.

import HTTPTypes
import Hummingbird
import PulserIR
import Store

struct WaitsResource: Sendable {
    let runs: RunsResource
    let desk: WaitDesk

    init(_ runs: RunsResource) {
        self.runs = runs
        self.desk = WaitDesk(runs.store)
    }

    // MARK: Signals

    @Sendable
    func send(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Query(request).finish()
        let json = try await request.json()
        var body = try JSONBody(json)
        let name = body.text("name")
        let payload = body.value("payload") ?? .null
        if name == nil { body.note("name", "'name' must be a text") }
        try body.finish()
        let key = try request.idempotencyKey(context, json)
        let run = try await self.runs.run(context)
        let sent = try await self.desk.send(
            run,
            name: name ?? "",
            payload: payload,
            // Keys of one tenant are not those of another.
            key: key.map { "\($0.tenant)/\($0.key)" },
            by: context.principal.person
        )
        guard case .object(var members) = WaitDocument.json(sent.row, of: run.id) else {
            return .empty()
        }
        members["version"] = .integer(1)
        var fields: HTTPFields = [:]
        if sent.isReplay { fields[.idempotencyReplayed] = "true" }
        return .json(.object(members), status: sent.isReplay ? .ok : .created, fields: fields)
    }

    @Sendable
    func signals(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("signals", &query, request)
        try query.finish()
        let run = try await self.runs.run(context).id
        let rows = try await self.desk.store.signals(
            run,
            after: try window.number() ?? 0,
            limit: window.limit + 1
        )
        let page = rows.prefix(window.limit)
        let last = rows.count > window.limit ? page.last : nil
        return window.answer(
            "signals",
            page.map { WaitDocument.json($0, of: run) },
            next: last.map { [String($0.sequence)] }
        )
    }

    // MARK: Approvals

    /// What waits for whoever asks; with `all` what waits for anybody.
    @Sendable
    func approvals(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var query = try Query(request)
        let window = try ListWindow("approvals", parts: 2, &query, request)
        let isForAll = try query.bool("all") ?? false
        let named = try query.text("run")
        try query.finish()
        var run: RunID?
        if let named { run = try await self.desk.store.resolveRun(named) }
        var place: (askedMicroseconds: Int64, run: RunID)?
        if let asked = try window.number() {
            guard let number = window.cursor.last.flatMap({ Int64($0) }) else {
                throw Query.problem("cursor", "the cursor is not one that this list gave")
            }
            place = (asked, RunID(number))
        }
        let rows = try await self.desk.store.openApprovals(
            after: place,
            run: run,
            limit: window.limit + 1
        )
        let page = rows.prefix(window.limit)
        let last = rows.count > window.limit ? page.last : nil
        let person = context.principal.person
        let mine = page.filter { isForAll || WaitDocument.refusal($0, person) == nil }
        return window.answer(
            "approvals",
            mine.map { WaitDocument.json($0, for: person) },
            next: last.map { [String($0.askedMicroseconds), String($0.run.number)] }
        )
    }

    @Sendable
    func approve(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.decide(request, context, isApproval: true)
    }

    @Sendable
    func reject(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await self.decide(request, context, isApproval: false)
    }

    private func decide(
        _ request: Request,
        _ context: GatewayContext,
        isApproval: Bool
    ) async throws -> Response {
        try Query(request).finish()
        var form: [String: JSONValue]?
        var comment = ""
        if var body = try await request.optionalBody() {
            if isApproval { form = body.object("form") }
            comment = body.text("comment") ?? ""
            try body.finish()
        }
        let step = try context.parameter("step")
        let run = try await self.runs.run(context)
        let person = context.principal.person
        let receipt = try await self.desk.decide(
            run,
            step: step,
            isApproval: isApproval,
            form: form.map { .object($0) },
            comment: comment,
            by: person
        )
        return .json(
            WaitDocument.json(
                receipt,
                run: run.id,
                step: step,
                isApproval: isApproval,
                by: person
            )
        )
    }
}
