// What can be done to a run: cancel, retry, pause, resume.

import Compiler
import HTTPTypes
import Hummingbird
import PulserIR
import Store

extension RunsResource {
    /// Bytes of a reason.
    static let reasonBytesMax = 1_024
    /// Bytes of a person's name.
    static let nameBytesMax = 100

    func answer(_ id: RunID, _ more: [String: JSONValue] = [:]) async throws -> Response {
        let row = try await self.store.run(id)
        guard case .object(var members) = RunDocument.json(row) else { return .empty() }
        members["version"] = .integer(1)
        members.merge(more) { $1 }
        return .json(.object(members), status: .accepted)
    }

    static func reason(_ body: inout JSONBody) -> String? {
        let reason = body.text("reason")
        if let reason, reason.utf8.count > Self.reasonBytesMax {
            body.note("reason", "a reason has at most \(Self.reasonBytesMax) bytes")
        }
        return reason
    }

    /// Asks for a run's end; the answer comes before it has ended.
    @Sendable
    func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var reason = "cancelled by \(context.principal.name)"
        if var body = try await request.optionalBody() {
            reason = Self.reason(&body) ?? reason
            try body.finish()
        }
        let id = try await self.run(context, as: request).id
        _ = try await self.store.requestCancel(id, reason: reason)
        return try await self.answer(id)
    }

    /// Queues a run again: from what did not succeed, or from a step, with other inputs if given.
    @Sendable
    func retry(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var from: String?
        var inputs: [String: JSONValue]?
        var order = JSONValue.null
        if var body = try await request.optionalBody() {
            order = body.json
            from = body.text("from")
            inputs = body.object("inputs")
            try body.finish()
        }
        let key = try request.idempotencyKey(context, order)
        // Before anything is looked at: the retry itself made the run another one.
        if let made = try await self.store.replayed(key) { return try await self.answer(made) }
        let row = try await self.run(context, as: request)
        var edit: (@Sendable (Plan, [String: JSONValue]) throws -> JSONValue)?
        if let given = inputs, !given.isEmpty {
            let uploads = self.uploads
            edit = { plan, old in
                try RunInputs(uploads: uploads).bind(old.merging(given) { $1 }, to: plan)
            }
        }
        let steps: [String]
        do {
            let person = context.principal.person.name
            steps = try await self.desk.retry(row, from: from, by: person, key: key, edit: edit)
        } catch let error as DeskError {
            // The same request may have been faster.
            guard let made = try await self.store.replayed(key) else { throw error }
            return try await self.answer(made)
        }
        return try await self.answer(
            row.id,
            ["steps": .array(steps.map { .string($0) })]
        )
    }

    /// The answer to a retry that was asked for before.
    func answer(_ made: MadeRow) async throws -> Response {
        let steps = (try? JSONValue(parsing: made.detail)) ?? .array([])
        var answer = try await self.answer(RunID(made.id), ["steps": steps])
        answer.tell(made)
        return answer
    }

    /// Who wants a pause: whose token it was is not for the request to say.
    static func person(_ body: inout JSONBody, _ context: GatewayContext) -> String {
        guard let name = body.text("by") else { return context.principal.name }
        if name.utf8.count > Self.nameBytesMax { body.note("by", "that is no name") }
        return "\(name) (\(context.principal.name))"
    }

    @Sendable
    func pause(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var person = context.principal.name
        if var body = try await request.optionalBody() {
            person = Self.person(&body, context)
            try body.finish()
        }
        let id = try await self.run(context, as: request).id
        _ = try await self.store.requestPause(id, by: person)
        return try await self.answer(id)
    }

    @Sendable
    func resume(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await request.noBody()
        let id = try await self.run(context, as: request).id
        _ = try await self.store.requestResume(id)
        return try await self.answer(id)
    }
}

extension Request {
    /// Takes no body, or an empty object.
    func noBody() async throws {
        if var body = try await self.optionalBody() { try body.finish() }
    }
}

/// How JSON becomes a run's inputs.
struct RunInputs: Sendable {
    /// `nil` where nobody uploads anything.
    let uploads: UploadFolder?

    /// What a value of an uploaded file begins with.
    static let uploadMark = "upload:"

    /// Binds values to a plan's declared inputs.
    ///
    /// A text for an input of another type is read as the command line reads it. An input of format
    /// `path` is an absolute path on the node, or `upload:sha256:…`.
    ///
    /// - Throws: `InputError` with everything that does not fit.
    func bind(_ given: [String: JSONValue], to plan: Plan) throws(InputError) -> JSONValue {
        var values = given
        var problems: [String] = []
        for (name, declaration) in plan.inputs {
            guard case .string(let text)? = values[name] else { continue }
            if declaration.type != .string {
                if let value = try? JSONValue(parsing: text), Self.fits(value, declaration.type) {
                    values[name] = value
                }
            } else if declaration.format == .path {
                if let path = self.path(text) {
                    values[name] = .string(path)
                } else {
                    problems.append(
                        "input '\(name)' must be an absolute path on the node, or "
                            + "upload:sha256:… of a file uploaded there"
                    )
                }
            }
        }
        guard problems.isEmpty else { throw InputError(problems: problems.sorted()) }
        return try PlanCompiler.bind(inputs: .object(values), to: plan)
    }

    private static func fits(_ value: JSONValue, _ type: InputDeclaration.Kind) -> Bool {
        switch (type, value) {
        case (.integer, .integer), (.number, .integer), (.number, .number), (.boolean, .bool),
            (.array, .array), (.object, .object):
            true
        default: false
        }
    }

    private func path(_ text: String) -> String? {
        if text.hasPrefix("/") { return text }
        guard text.hasPrefix(Self.uploadMark),
            let digest = Digest(String(text.dropFirst(Self.uploadMark.count)))
        else { return nil }
        return self.uploads?.use(digest)
    }
}
