// What verifiers and preconditions may say.

internal import PulserIR

extension PlanReader {
    private static let checkKeys: [String: [String]] = [
        "http": ["url", "method", "headers", "status", "header", "match", "json"],
        "shell": ["argv", "env", "cwd", "exit", "match"],
        "sql": ["dsn", "query", "params", "expect", "rows"],
        "json_schema": ["value", "schema"],
        "checksum": ["file", "expect", "record"],
        "custom": ["assert"],
    ]

    /// The verifiers of a list. `action` is what ran before them; `nil` for preconditions.
    mutating func verifiers(
        _ entry: SourceEntry?,
        after action: Action?,
        context: ExpressionContext,
        ids: inout Set<String>
    ) -> [Verifier] {
        var verifiers: [Verifier] = []
        for item in self.items(entry) {
            guard let verifier = self.verifier(item, after: action, context: context, ids: &ids)
            else { continue }
            verifiers.append(verifier)
        }
        return verifiers
    }

    private mutating func verifier(
        _ node: SourceNode,
        after action: Action?,
        context: ExpressionContext,
        ids: inout Set<String>
    ) -> Verifier? {
        guard let kind = self.kind(of: node) else { return nil }
        let keys = ["id", "kind", "required", "timeout", "retry"] + (Self.checkKeys[kind] ?? [])
        guard let fields = self.fields(of: node, "a verifier of kind \(kind)", keys) else {
            return nil
        }
        var id = ""
        if let entry = fields["id"] {
            id = self.name(entry.value, "a verifier's id") ?? ""
            if id == "default" {
                self.log.error("'default' names the tool's own check", at: entry.value.mark)
            } else if !id.isEmpty, !ids.insert(id).inserted {
                self.log.error("a second verifier with the id '\(id)'", at: entry.value.mark)
            }
        } else {
            self.missing("id", at: node.mark, hint: "every verifier has an id of its own")
        }
        let reading = CheckReading(node: node, fields: fields, action: action, context: context)
        guard let check = self.check(kind, reading) else { return nil }
        return Verifier(
            id: id,
            check: check,
            required: self.boolean(fields["required"]) ?? true,
            timeoutMilliseconds: self.duration(fields["timeout"]) ?? 30_000,
            retry: self.retry(fields["retry"])
        )
    }

    private mutating func kind(of node: SourceNode) -> String? {
        guard case .map(let entries) = node.content else {
            self.log.error("a verifier must be a map, not \(node.typeName)", at: node.mark)
            return nil
        }
        let known = Self.checkKeys.keys.sorted()
        guard let entry = entries.first(where: { $0.key == "kind" }) else {
            self.missing("kind", at: node.mark, hint: "one of \(known.joined(separator: ", "))")
            return nil
        }
        if entry.value.text == "ci_gate" {
            self.log.error(
                "ci_gate verifiers are not supported by this version",
                at: entry.value.mark
            )
            return nil
        }
        guard let kind = entry.value.text, known.contains(kind) else {
            let shown = entry.value.text.map { "'\($0.prefix(40))'" } ?? entry.value.typeName
            self.log.error(
                "unknown kind of verifier \(shown)",
                at: entry.value.mark,
                hint: Suggestion.hint(for: entry.value.text ?? "?", among: known)
            )
            return nil
        }
        return kind
    }

    private struct CheckReading {
        var node: SourceNode
        var fields: Fields
        var action: Action?
        var context: ExpressionContext
    }

    private mutating func check(_ kind: String, _ reading: CheckReading) -> Verifier.Check? {
        switch kind {
        case "http": self.httpCheck(reading)
        case "shell": self.shellCheck(reading)
        case "sql": self.sqlCheck(reading)
        case "json_schema": self.schemaCheck(reading)
        case "checksum": self.checksumCheck(reading)
        default: self.customCheck(reading)
        }
    }

    /// A check of the step's own result, which must be of the same kind.
    private mutating func checksOwnResult(
        _ kind: String,
        without key: String,
        _ reading: CheckReading
    ) {
        guard reading.action?.kind != kind else { return }
        self.log.error(
            "'\(key)' is missing: there is no \(kind) result here to check",
            at: reading.node.mark,
            hint: "only behind a step's own \(kind) action '\(key)' can be left out"
        )
    }

    private mutating func httpCheck(_ reading: CheckReading) -> Verifier.Check? {
        let fields = reading.fields
        let context = reading.context
        var check = HTTPCheck()
        if fields["url"] != nil {
            check.request = self.request(fields, of: reading.node, context: context)
        } else {
            self.checksOwnResult("http", without: "url", reading)
            for key in ["method", "headers"] {
                guard let entry = fields[key] else { continue }
                self.log.error("'\(key)' without 'url'", at: entry.mark)
            }
        }
        if let status = fields["status"] { check.statuses = self.statuses(status) }
        let place = context.at("an expected header")
        check.headers = self.templates(fields["header"], in: place, areTexts: true)
        check.bodyMatch = self.pattern(fields["match"])
        check.pointers = self.templates(fields["json"], in: context.at("an expected value"))
        for entry in self.entries(fields["json"])
        where !entry.key.isEmpty && !entry.key.hasPrefix("/") {
            self.log.error(
                "'\(entry.key.prefix(40))' is not a JSON pointer",
                at: entry.mark,
                hint: "pointers begin with '/', as in /items/0/name"
            )
        }
        return .http(check)
    }

    private mutating func statuses(_ entry: SourceEntry) -> [Int] {
        let items: [SourceNode] =
            if case .list(let list) = entry.value.content { list } else { [entry.value] }
        var statuses: [Int] = []
        for item in items {
            guard case .integer(let value) = item.content, (100...599).contains(value) else {
                self.log.error("a status is an integer from 100 to 599", at: item.mark)
                continue
            }
            statuses.append(Int(value))
        }
        return statuses
    }

    private mutating func shellCheck(_ reading: CheckReading) -> Verifier.Check? {
        let fields = reading.fields
        var check = ShellCheck()
        if fields["argv"] != nil {
            check.program = self.program(fields, of: reading.node, context: reading.context)
        } else {
            self.checksOwnResult("shell", without: "argv", reading)
            for key in ["env", "cwd"] {
                guard let entry = fields[key] else { continue }
                self.log.error("'\(key)' without 'argv'", at: entry.mark)
            }
        }
        if let value = self.integer(fields["exit"], in: 0...255) { check.exit = value }
        check.stdoutMatch = self.pattern(fields["match"])
        return .shell(check)
    }

    private mutating func sqlCheck(_ reading: CheckReading) -> Verifier.Check? {
        let fields = reading.fields
        let context = reading.context
        var check = SQLCheck()
        if let query = fields["query"] {
            guard let database = self.database(fields["dsn"], of: reading.node, context: context)
            else { return nil }
            var action = SQLAction(database: database)
            self.readQuery(fields, into: &action, context: context)
            if let text = action.query, !SQLText(text).readsOnly {
                self.log.error(
                    "a verifier's query only reads",
                    at: query.value.mark,
                    hint: "begin it with SELECT"
                )
            }
            check.query = action
        } else {
            self.checksOwnResult("sql", without: "query", reading)
            for key in ["dsn", "params"] {
                guard let entry = fields[key] else { continue }
                self.log.error("'\(key)' without 'query'", at: entry.mark)
            }
        }
        check.expect = self.templates(fields["expect"], in: context.at("an expected value"))
        check.rowCount = self.integer(fields["rows"], in: 0...Limits.sqlRowsMax)
        if fields["expect"] == nil, fields["rows"] == nil {
            self.log.error(
                "this verifier expects nothing",
                at: reading.node.mark,
                hint: "give 'expect: {column: value}' or 'rows: 1'"
            )
        }
        return .sql(check)
    }

    private mutating func schemaCheck(_ reading: CheckReading) -> Verifier.Check? {
        let context = reading.context.at("the value")
        guard let entry = reading.fields["value"] else {
            self.missing("value", at: reading.node.mark, hint: "value: \"{{ result.json }}\"")
            return nil
        }
        guard let schema = reading.fields["schema"] else {
            self.missing("schema", at: reading.node.mark, hint: "a JSON Schema as a map")
            return nil
        }
        guard case .map = schema.value.content else {
            self.mismatch(schema, "a map")
            return nil
        }
        guard let value = self.template(entry, in: context) else { return nil }
        return .jsonSchema(value: value, schema: schema.value.json)
    }

    private mutating func checksumCheck(_ reading: CheckReading) -> Verifier.Check? {
        guard let file = reading.fields["file"] else {
            self.missing("file", at: reading.node.mark, hint: "a path under the workspace")
            return nil
        }
        var check = ChecksumCheck(file: .literal(.string("")))
        if let template = self.textTemplate(file, in: reading.context.at("a file")) {
            check.file = template
        }
        let expect = reading.fields["expect"]
        check.expect = self.textTemplate(expect, in: reading.context.at("a digest"))
        if let expect, let text = expect.value.text, !text.contains("{{"), Digest(text) == nil {
            self.log.error(
                "not a SHA-256 digest",
                at: expect.value.mark,
                hint: "64 hexadecimal digits, with 'sha256:' before them or not"
            )
        }
        switch (expect, reading.fields["record"]) {
        case (nil, nil):
            self.missing("expect", at: reading.node.mark, hint: "or 'record: sha256'")
        case (.some, .some(let record)):
            self.log.error("'expect' and 'record' exclude each other", at: record.mark)
        case (nil, .some(let record)) where record.value.text != "sha256":
            self.log.error("'record' can only be sha256", at: record.value.mark)
        default: break
        }
        return .checksum(check)
    }

    private mutating func customCheck(_ reading: CheckReading) -> Verifier.Check? {
        guard let entry = reading.fields["assert"] else {
            let hint = "assert: \"{{ outputs.n > 0 }}\""
            self.missing("assert", at: reading.node.mark, hint: hint)
            return nil
        }
        let context = reading.context.at("an assertion")
        return self.condition(entry, in: context).map { .custom(assert: $0) }
    }
}
