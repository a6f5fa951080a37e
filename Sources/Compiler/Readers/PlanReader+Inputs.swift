// What a declared input may say.

internal import PulserIR

extension PlanReader {
    mutating func readInputs(_ entry: SourceEntry?) {
        for input in self.entries(entry) {
            guard Self.isName(input.key) else {
                self.log.error(
                    "'\(input.key.prefix(80))' cannot be an input's name",
                    at: input.mark,
                    hint: "a letter or '_', then letters, digits, '-', '_'; at most 64"
                )
                continue
            }
            self.declarations.inputs[input.key] = input.mark
            // A broken declaration is still one: its uses are no further errors.
            self.plan.inputs[input.key] =
                self.declaration(input) ?? InputDeclaration(type: .object)
        }
    }

    private mutating func declaration(_ entry: SourceEntry) -> InputDeclaration? {
        let keys = ["type", "format", "title", "enum", "default"]
        let what = "input '\(entry.key)'"
        guard let fields = self.fields(of: entry.value, what, keys) else { return nil }
        guard let typeEntry = fields["type"] else {
            let known = InputDeclaration.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            self.missing("type", at: entry.value.mark, hint: "one of \(known)")
            return nil
        }
        guard let type = self.choice(typeEntry, InputDeclaration.Kind.self) else { return nil }
        var declaration = InputDeclaration(type: type, title: self.literalText(fields["title"]))
        if let field = fields["format"] {
            declaration.format = self.choice(field, InputDeclaration.Format.self)
            if type != .string {
                self.log.error(
                    "only an input of type string has a format",
                    at: field.mark,
                    hint: "remove 'format', or use type: string"
                )
            }
        }
        if let field = fields["enum"] {
            var allowed: [JSONValue] = []
            for item in self.items(field) where self.check(item, type, "an allowed value") {
                if allowed.contains(where: { $0.isEqual(to: item.json) }) {
                    self.log.error("this value is listed twice", at: item.mark)
                }
                allowed.append(item.json)
            }
            if case .list(let items) = field.value.content, items.isEmpty {
                self.log.error("'enum' allows no value at all", at: field.value.mark)
            }
            declaration.allowed = allowed
        }
        if let field = fields["default"], self.check(field.value, type, "the default") {
            let value = field.value.json
            if let allowed = declaration.allowed,
                !allowed.contains(where: { $0.isEqual(to: value) })
            {
                self.log.error(
                    "the default is not one of 'enum'",
                    at: field.value.mark,
                    hint: "allowed: \(allowed.map(\.canonicalText).joined(separator: ", "))"
                )
            }
            declaration.fallback = value
        }
        return declaration
    }

    private mutating func check(
        _ node: SourceNode,
        _ type: InputDeclaration.Kind,
        _ what: String
    ) -> Bool {
        if let text = node.text, text.contains("{{") {
            self.log.error("\(what) cannot hold expressions", at: node.mark)
            return false
        }
        guard type.accepts(node.json) else {
            self.log.error(
                "\(what) must be of type \(type.rawValue), not \(node.typeName)",
                at: node.mark,
                hint: type == .string ? "put it in quotes" : nil
            )
            return false
        }
        return true
    }
}
