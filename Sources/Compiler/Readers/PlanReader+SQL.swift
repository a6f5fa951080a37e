// What SQL actions may say: where, which statement, and which values are bound.

internal import PulserIR

extension PlanReader {
    mutating func sql(_ entry: SourceEntry, context: ExpressionContext) -> ActionReading? {
        let keys = ["dsn", "query", "file", "params", "transaction"]
        let fields = self.fields(of: entry.value, "sql", keys, Self.unsupportedStepKeys)
        guard let fields else { return nil }
        let database = self.database(fields["dsn"], of: entry.value, context: context)
        var action = SQLAction(database: database ?? .scratch)
        action.file = self.textTemplate(fields["file"], in: context.at("a file"))
        self.readQuery(fields, into: &action, context: context)
        switch (fields["query"], fields["file"]) {
        case (nil, nil):
            self.missing("query", at: entry.value.mark, hint: "give 'query' or 'file'")
        case (.some, .some(let file)):
            self.log.error("'query' and 'file' exclude each other", at: file.mark)
        default: break
        }
        action.transaction = self.boolean(fields["transaction"]) ?? true
        guard database != nil else { return nil }
        let reads = action.query.map { SQLText($0).readsOnly } ?? false
        return ActionReading(action: .sql(action), effects: reads ? .none : .destructive)
    }

    /// Query and parameters, which must name the same things.
    mutating func readQuery(
        _ fields: Fields,
        into action: inout SQLAction,
        context: ExpressionContext
    ) {
        let sink = context.at("an SQL parameter")
        action.parameters = self.templates(fields["params"], in: sink)
        guard let query = fields["query"] else { return }
        guard let text = query.value.text else {
            self.mismatch(query, "text")
            return
        }
        action.query = text
        if let brace = text.range(of: "{{") {
            self.log.error(
                "an SQL text cannot hold expressions",
                at: self.file.mark(in: query.value, at: brace),
                hint: "write :name in the query and give the value under 'params'"
            )
            return
        }
        let found = SQLText(text)
        if found.statements.isEmpty {
            self.log.error("the query is empty", at: query.value.mark)
        }
        for parameter in found.parameters where action.parameters[parameter.name] == nil {
            self.log.error(
                "the query reads ':\(parameter.name)', but 'params' does not give it",
                at: self.file.mark(in: query.value, at: parameter.range.lowerBound),
                hint: Suggestion.closest(to: parameter.name, among: action.parameters.keys)
                    .map { "did you mean ':\($0)'?" } ?? "add it under 'params'"
            )
        }
        let names = Set(found.parameters.map(\.name))
        for entry in self.entries(fields["params"]) where !names.contains(entry.key) {
            self.log.error(
                "the query does not read the parameter '\(entry.key)'",
                at: entry.mark,
                hint: Suggestion.closest(to: entry.key, among: names)
                    .map { "did you mean '\($0)'?" } ?? "write :\(entry.key) in the query"
            )
        }
    }

    mutating func database(
        _ entry: SourceEntry?,
        of node: SourceNode,
        context: ExpressionContext
    ) -> SQLAction.Database? {
        let hint = "the name of a declared secret, 'scratch', or an expression"
        guard let entry else {
            self.missing("dsn", at: node.mark, hint: hint)
            return nil
        }
        guard let text = entry.value.text else {
            self.mismatch(entry, "text", hint: hint)
            return nil
        }
        if text == "scratch" { return .scratch }
        if text.contains("{{") {
            let sink = context.at("a DSN", takesSecrets: true)
            return self.textTemplate(entry.value, in: sink).map { .expression($0) }
        }
        if self.declarations.secrets[text] != nil {
            self.namedSecrets.insert(text)
            return .secret(text)
        }
        guard Self.isName(text) else {
            self.log.error("'dsn' cannot be a literal address", at: entry.value.mark, hint: hint)
            return nil
        }
        let known = self.plan.secrets + ["scratch"]
        self.log.error(
            "'\(text)' is not a declared secret",
            at: entry.value.mark,
            hint: Suggestion.closest(to: text, among: known).map { "did you mean '\($0)'?" }
                ?? "add it to 'secrets', or use 'scratch'"
        )
        return nil
    }
}

extension String {
    /// The byte offset of the first `part`, if there is one.
    fileprivate func range(of part: String) -> Int? {
        let text = Array(self.utf8)
        let wanted = Array(part.utf8)
        guard text.count >= wanted.count else { return nil }
        return (0...(text.count - wanted.count)).first { text[$0...].starts(with: wanted) }
    }
}
