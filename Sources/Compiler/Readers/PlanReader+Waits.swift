// What a step that waits for a signal or for people may say.

internal import PulserIR

extension PlanReader {
    // MARK: Signals

    mutating func waitSignal(
        _ entry: SourceEntry,
        context: ExpressionContext
    ) -> ActionReading? {
        let sink = context.at("a signal's name")
        // A name alone is the whole of it.
        if case .text = entry.value.content {
            guard let name = self.signalName(entry, in: sink) else { return nil }
            return ActionReading(action: .wait(.signal(SignalWait(name: name))), effects: .none)
        }
        let keys = ["name", "timeout", "on_timeout", "default", "schema"]
        guard let fields = self.fields(of: entry.value, "wait_signal", keys) else { return nil }
        guard let named = fields["name"] else {
            self.missing("name", at: entry.value.mark, hint: "which signal it waits for")
            return nil
        }
        guard let name = self.signalName(named, in: sink) else { return nil }
        var wait = SignalWait(name: name)
        wait.timeoutMilliseconds = self.duration(fields["timeout"])
        wait.onTimeout = self.choice(fields["on_timeout"], SignalWait.Expiry.self) ?? .fail
        self.expectTimeout(fields)
        if let fallback = fields["default"] {
            wait.fallback = self.literalValue(fallback)
            if wait.onTimeout != .continue {
                self.log.error(
                    "a 'default' is of no use when the step fails",
                    at: fallback.mark,
                    hint: "add on_timeout: continue"
                )
            }
        }
        wait.schema = self.schema(fields["schema"])
        if let schema = wait.schema, let entry = fields["default"] ?? fields["on_timeout"],
            wait.onTimeout == .continue
        {
            self.expect(wait.fallback, fits: schema, at: entry.value.mark)
        }
        return ActionReading(action: .wait(.signal(wait)), effects: .none)
    }

    private mutating func signalName(
        _ entry: SourceEntry,
        in context: ExpressionContext
    ) -> Template? {
        if let text = entry.value.text, text.isEmpty || text.utf8.count > Limits.signalNameBytesMax
        {
            self.log.error(
                "a signal's name has 1 to \(Limits.signalNameBytesMax) bytes",
                at: entry.value.mark
            )
            return nil
        }
        return self.textTemplate(entry, in: context)
    }

    // MARK: Approvals

    private static let approvalKeys = [
        "count", "groups", "users", "self_approval", "timeout", "on_timeout", "on_reject",
        "message", "form",
    ]

    mutating func approval(_ entry: SourceEntry, context: ExpressionContext) -> ActionReading? {
        let fields = self.fields(of: entry.value, "approval", Self.approvalKeys)
        guard let fields else { return nil }
        var wait = ApprovalWait()
        wait.count = self.integer(fields["count"], in: 1...Limits.approversMax) ?? 1
        wait.groups = self.names(fields["groups"], "a group's name")
        wait.users = self.names(fields["users"], "a person's name")
        wait.allowsSelf = self.boolean(fields["self_approval"]) ?? true
        wait.timeoutMilliseconds = self.duration(fields["timeout"])
        wait.onTimeout = self.choice(fields["on_timeout"], ApprovalWait.Expiry.self) ?? .fail
        self.expectTimeout(fields)
        wait.onReject = self.choice(fields["on_reject"], ApprovalWait.Rejection.self) ?? .fail
        wait.message = self.textTemplate(fields["message"], in: context.at("a message"))
        wait.form = self.schema(fields["form"])
        if let form = wait.form, form["type"] != .string("object") {
            self.log.error(
                "a form is a schema of an object",
                at: (fields["form"] ?? entry).value.mark,
                hint: "type: object, with a property for each field"
            )
        }
        for name in wait.formNames where !Self.isName(name) {
            self.log.error(
                "'\(name.prefix(80))' cannot be an output's name",
                at: (fields["form"] ?? entry).value.mark,
                hint: "a form's properties are outputs of the step"
            )
        }
        if wait.groups.isEmpty, !wait.users.isEmpty, wait.users.count < wait.count {
            self.log.error(
                "\(wait.count) people must approve, and \(wait.users.count) may",
                at: (fields["count"] ?? entry).value.mark,
                hint: "name more users, or groups"
            )
        }
        return ActionReading(action: .wait(.approval(wait)), effects: .none)
    }

    /// A list of names of people or groups, each once.
    private mutating func names(_ entry: SourceEntry?, _ what: String) -> [String] {
        var names: [String] = []
        let items = self.items(entry)
        if let entry, case .list = entry.value.content, items.isEmpty {
            self.log.error(
                "'\(entry.key)' names nobody",
                at: entry.value.mark,
                hint: "leave it out, and anybody who may change runs may decide"
            )
        }
        for item in items {
            guard let text = item.text, (1...100).contains(text.utf8.count),
                !text.contains("{{")
            else {
                self.log.error("\(what) is a text of 1 to 100 bytes", at: item.mark)
                continue
            }
            if names.contains(text) {
                self.log.error("'\(text)' is named twice", at: item.mark)
            } else {
                names.append(text)
            }
        }
        return names.sorted()
    }

    // MARK: Both

    /// What follows a timeout means something only when there is one.
    private mutating func expectTimeout(_ fields: Fields) {
        guard let entry = fields["on_timeout"], fields["timeout"] == nil else { return }
        self.log.error(
            "'on_timeout' needs a 'timeout'",
            at: entry.mark,
            hint: "without one it waits as long as the run's time lasts"
        )
    }

    /// A step that waits says itself how long.
    mutating func refuseTimeout(_ entry: SourceEntry?, of action: Action) {
        guard let entry, case .wait(let wait) = action else { return }
        self.log.error(
            "a step that waits has no 'timeout' of its own",
            at: entry.mark,
            hint: "put it into '\(wait.kind)'"
        )
    }

    /// A wait that the run does not outlast never comes to what its plan says.
    mutating func compareToRun(_ action: Action, at mark: SourceMark) {
        let length: Int64?
        switch action {
        case .sleep(let milliseconds): length = milliseconds
        case .wait(let wait): length = wait.timeoutMilliseconds
        case .shell, .http, .sql, .fanOut, .run: length = nil
        }
        guard let length, length >= self.plan.timeoutMilliseconds else { return }
        let hint = "give the plan a longer 'timeout'; without one it is 24h"
        self.log.warn("the run's time is over before this step's", at: mark, hint: hint)
    }

    /// A JSON Schema that can be applied, without expressions.
    private mutating func schema(_ entry: SourceEntry?) -> JSONValue? {
        guard let entry else { return nil }
        guard case .map = entry.value.content else {
            self.mismatch(entry, "a map", hint: "a JSON Schema as a map")
            return nil
        }
        let schema = self.literalValue(entry)
        do {
            _ = try JSONSchema(schema)
            return schema
        } catch {
            self.log.error(
                "'\(entry.key)' is no JSON Schema: \(error.message)",
                at: entry.value.mark
            )
            return nil
        }
    }

    private mutating func expect(
        _ value: JSONValue,
        fits schema: JSONValue,
        at mark: SourceMark
    ) {
        do {
            var validator = try JSONSchema(schema)
            guard let violation = try validator.validate(value) else { return }
            self.log.error("the default does not fit the schema: \(violation.text)", at: mark)
        } catch {
            self.log.error("the schema cannot be applied: \(error.message)", at: mark)
        }
    }

    /// A value of any shape without expressions.
    private mutating func literalValue(_ entry: SourceEntry) -> JSONValue {
        let json = entry.value.json
        if json.canonicalText.contains("{{") {
            self.log.error("'\(entry.key)' cannot hold expressions", at: entry.value.mark)
        }
        return json
    }
}
