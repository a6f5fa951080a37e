// Which action a step names, and what shell, http and system actions may say.

internal import PulserIR

/// An action with what it does to the world unless the step says otherwise.
struct ActionReading {
    var action: Action
    var effects: Effects
}

extension PlanReader {
    static let actionKeys = ["shell", "http", "sql", "system"]

    /// What can be done for each item of a list.
    static let itemActionKeys = ["shell", "http", "sql", "run"]

    static let unsupportedStepKeys = [
        "mcp": "MCP tools",
        "skill": "skills",
        "approval": "approvals outside 'system'",
        "sandbox": "sandbox settings",
        "wait": "waits outside 'system'",
    ]

    /// The one action that `fields` name, of those that `keys` allow.
    mutating func action(
        in fields: Fields,
        of node: SourceNode,
        context: ExpressionContext,
        among keys: [String] = Self.actionKeys
    ) -> ActionReading? {
        let named = keys.compactMap { fields[$0] }.sorted { $0.mark < $1.mark }
        guard let entry = named.first else {
            if !self.namesAnotherAction(node, among: keys) {
                let all = keys.joined(separator: ", ")
                self.log.error("no action here", at: node.mark, hint: "name one of \(all)")
            }
            return nil
        }
        if named.count > 1 {
            self.log.error(
                "a second action '\(named[1].key)' beside '\(entry.key)'",
                at: named[1].mark,
                hint: "a step has exactly one; make another step and let it need this one"
            )
        }
        switch entry.key {
        case "shell": return self.shell(entry, context: context)
        case "http": return self.http(entry, context: context)
        case "sql": return self.sql(entry, context: context)
        case "run": return self.childRun(entry, context: context)
        default: return self.system(entry, context: context)
        }
    }

    /// Whether the missing action was reported under another name: one that this version does not
    /// support, or a mistyped one.
    private func namesAnotherAction(_ node: SourceNode, among keys: [String]) -> Bool {
        guard case .map(let entries) = node.content else { return false }
        return entries.contains { entry in
            ["mcp", "skill", "system", "wait"].contains(entry.key)
                || Suggestion.closest(to: entry.key, among: keys) != nil
        }
    }

    // MARK: Shell

    private mutating func shell(
        _ entry: SourceEntry,
        context: ExpressionContext
    ) -> ActionReading? {
        let keys = ["argv", "env", "cwd", "stdin", "background"]
        let fields = self.fields(of: entry.value, "shell", keys, Self.unsupportedStepKeys)
        guard let fields, var action = self.program(fields, of: entry.value, context: context)
        else { return nil }
        action.stdin = self.textTemplate(fields["stdin"], in: context.at("standard input"))
        action.background = self.boolean(fields["background"]) ?? false
        return ActionReading(
            action: .shell(action),
            effects: action.background ? .idempotent : .destructive
        )
    }

    /// The parts of a program that actions and verifiers share.
    mutating func program(
        _ fields: Fields,
        of node: SourceNode,
        context: ExpressionContext
    ) -> ShellAction? {
        guard let argv = fields["argv"] else {
            self.missing("argv", at: node.mark, hint: "argv: [program, argument, …]")
            return nil
        }
        if case .text = argv.value.content {
            self.mismatch(argv, "a list", hint: "there is no shell: write [program, argument, …]")
            return nil
        }
        let items = self.items(argv)
        if case .list = argv.value.content, items.isEmpty {
            self.log.error("'argv' names no program", at: argv.value.mark)
        }
        var action = ShellAction(argv: [])
        for item in items {
            let template = self.argument(item, in: context.at("an argument"))
            action.argv.append(template ?? .literal(.string("")))
        }
        let sink = context.at("an environment variable", takesSecrets: true)
        action.environment = self.templates(fields["env"], in: sink, areTexts: true)
        for entry in self.entries(fields["env"])
        where entry.key.isEmpty || entry.key.contains("=") {
            self.log.error("this cannot be a variable's name", at: entry.mark)
        }
        action.directory = self.textTemplate(fields["cwd"], in: context.at("a directory"))
        return action
    }

    /// An argument; numbers and truths written bare become the text they were written as.
    private mutating func argument(
        _ node: SourceNode,
        in context: ExpressionContext
    ) -> Template? {
        switch node.content {
        case .integer, .bool: .literal(.string(node.json.canonicalText))
        default: self.textTemplate(node, in: context)
        }
    }

    // MARK: HTTP

    private mutating func http(_ entry: SourceEntry, context: ExpressionContext) -> ActionReading? {
        let keys = ["method", "url", "headers", "json", "body", "redirects"]
        let fields = self.fields(of: entry.value, "http", keys, Self.unsupportedStepKeys)
        guard let fields, var action = self.request(fields, of: entry.value, context: context)
        else { return nil }
        if let json = self.template(fields["json"], in: context.at("a request's body")) {
            action.body = .json(json)
        }
        if let text = self.textTemplate(fields["body"], in: context.at("a request's body")) {
            action.body = .raw(text)
            if let json = fields["json"] {
                self.log.error("'json' and 'body' exclude each other", at: json.mark)
            }
        }
        if let value = self.integer(fields["redirects"], in: 0...20) { action.redirectsMax = value }
        let reads = action.method == "GET" || action.method == "HEAD"
        return ActionReading(action: .http(action), effects: reads ? .none : .destructive)
    }

    /// The parts of a request that actions and verifiers share.
    mutating func request(
        _ fields: Fields,
        of node: SourceNode,
        context: ExpressionContext
    ) -> HTTPAction? {
        guard let url = fields["url"] else {
            self.missing("url", at: node.mark, hint: "url: \"http://host/path\"")
            return nil
        }
        guard let template = self.textTemplate(url, in: context.at("a URL")) else { return nil }
        if let text = url.value.text, !text.hasPrefix("{{"),
            !text.hasPrefix("http://"), !text.hasPrefix("https://")
        {
            self.log.error(
                "a URL begins with http:// or https://",
                at: url.value.mark
            )
        }
        var action = HTTPAction(url: template)
        if let method = fields["method"], let text = self.literalText(method) {
            action.method = text
            if text.isEmpty || !text.utf8.allSatisfy({ (0x41...0x5A).contains($0) || $0 == 0x2D }) {
                self.log.error(
                    "'\(text.prefix(40))' is not an HTTP method",
                    at: method.value.mark,
                    hint: "methods are upper case, as in POST"
                )
            }
        }
        let sink = context.at("a header", takesSecrets: true)
        action.headers = self.templates(fields["headers"], in: sink, areTexts: true)
        for entry in self.entries(fields["headers"]) { self.checkHeader(entry) }
        return action
    }

    mutating func checkHeader(_ entry: SourceEntry) {
        let marks = Set("!#$%&'*+-.^_`|~".utf8)
        let isToken =
            !entry.key.isEmpty
            && entry.key.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20)
                    || marks.contains($0)
            }
        if !isToken {
            self.log.error("'\(entry.key.prefix(40))' is not a header's name", at: entry.mark)
        }
        if let text = entry.value.text, text.contains(where: { $0.isNewline }) {
            self.log.error("a header's value is one line", at: entry.value.mark)
        }
    }

    // MARK: System

    private mutating func system(
        _ entry: SourceEntry,
        context: ExpressionContext
    ) -> ActionReading? {
        let keys = ["sleep", "fan_out", "run", "wait_signal", "approval"]
        let unsupported = Self.unsupportedStepKeys.filter { $0.key != "wait" }
        guard let fields = self.fields(of: entry.value, "system", keys, unsupported) else {
            return nil
        }
        let named = keys.compactMap { fields[$0] }.sorted { $0.mark < $1.mark }
        guard let action = named.first else {
            if case .map(let entries) = entry.value.content, entries.isEmpty {
                self.log.error(
                    "no action here",
                    at: entry.value.mark,
                    hint: "sleep, fan_out, run, wait_signal or approval"
                )
            }
            return nil
        }
        if named.count > 1 {
            self.log.error("a second action '\(named[1].key)'", at: named[1].mark)
        }
        switch action.key {
        case "sleep":
            guard let value = self.duration(action, allowsZero: true) else { return nil }
            return ActionReading(action: .sleep(milliseconds: value), effects: .none)
        case "fan_out": return self.fanOut(action, context: context)
        case "wait_signal": return self.waitSignal(action, context: context)
        case "approval": return self.approval(action, context: context)
        default: return self.childRun(action, context: context)
        }
    }
}
