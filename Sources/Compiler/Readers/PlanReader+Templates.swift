// How values with expressions are read, and where each expression is noted.

internal import PulserIR

extension PlanReader {
    /// A template of any shape.
    mutating func template(_ node: SourceNode, in context: ExpressionContext) -> Template? {
        guard self.note(node, in: context) else { return nil }
        // Every text was parsed just now, so this cannot fail.
        return try? Template(parsing: node.json)
    }

    /// A template of any shape; `nil` when absent.
    mutating func template(_ entry: SourceEntry?, in context: ExpressionContext) -> Template? {
        guard let entry else { return nil }
        return self.template(entry.value, in: context)
    }

    /// A template that was written as text.
    mutating func textTemplate(_ node: SourceNode, in context: ExpressionContext) -> Template? {
        switch node.content {
        case .text: return self.template(node, in: context)
        case .integer, .number, .bool:
            self.log.error(
                "\(context.place) must be text, not \(node.typeName)",
                at: node.mark,
                hint: "put it in quotes"
            )
        default:
            self.log.error("\(context.place) must be text, not \(node.typeName)", at: node.mark)
        }
        return nil
    }

    /// A template that was written as text; `nil` when absent.
    mutating func textTemplate(_ entry: SourceEntry?, in context: ExpressionContext) -> Template? {
        guard let entry else { return nil }
        return self.textTemplate(entry.value, in: context)
    }

    /// A map of names to templates of any shape.
    mutating func templates(
        _ entry: SourceEntry?,
        in context: ExpressionContext,
        areTexts: Bool = false
    ) -> [String: Template] {
        var result: [String: Template] = [:]
        for item in self.entries(entry) {
            self.refuseExpression(inKey: item)
            let template =
                areTexts
                ? self.textTemplate(item.value, in: context)
                : self.template(item.value, in: context)
            result[item.key] = template ?? .literal(.null)
        }
        return result
    }

    /// A map of output names to templates.
    mutating func outputs(
        _ entry: SourceEntry?,
        in context: ExpressionContext
    ) -> [String: Template] {
        for item in self.entries(entry) where !Self.isName(item.key) {
            self.log.error(
                "'\(item.key.prefix(80))' cannot be an output's name",
                at: item.mark,
                hint: "a letter or '_', then letters, digits, '-', '_'; at most 64"
            )
        }
        return self.templates(entry, in: context)
    }

    /// A condition: one expression, with braces around it or without.
    mutating func condition(_ entry: SourceEntry?, in context: ExpressionContext) -> Expression? {
        guard let entry else { return nil }
        if case .bool(let value) = entry.value.content {
            return try? Expression(parsing: value ? "true" : "false")
        }
        guard let text = entry.value.text else {
            self.mismatch(entry, "an expression")
            return nil
        }
        do throws(ExpressionError) {
            let pieces = try TemplateScanner.pieces(of: text)
            if pieces.count == 1, case .expression(let source, let offset) = pieces[0] {
                return try self.noteCondition(source, at: offset, of: entry.value, in: context)
            }
            if pieces.contains(where: { if case .expression = $0 { true } else { false } }) {
                self.log.error(
                    "'\(entry.key)' must be one expression, with nothing around its braces",
                    at: entry.value.mark,
                    hint: "combine conditions inside the braces with && and ||"
                )
                return nil
            }
            return try self.noteCondition(text, at: 0, of: entry.value, in: context)
        } catch {
            self.report(error, in: entry.value)
            return nil
        }
    }

    private mutating func noteCondition(
        _ source: String,
        at offset: Int,
        of node: SourceNode,
        in context: ExpressionContext
    ) throws(ExpressionError) -> Expression {
        let expression: Expression
        do {
            expression = try Expression(parsing: source)
        } catch {
            var moved = error
            moved.offset += offset
            throw moved
        }
        var site = ExpressionSite(
            expression: expression,
            node: node,
            offset: offset + Self.leadingSpaces(of: source),
            context: context
        )
        site.isCondition = true
        self.sites.append(site)
        return expression
    }

    /// Notes every expression under `node`; whether all could be parsed.
    private mutating func note(_ node: SourceNode, in context: ExpressionContext) -> Bool {
        switch node.content {
        case .null, .bool, .integer, .number: return true
        case .text(let text): return self.note(text, of: node, in: context)
        case .list(let items):
            var isSound = true
            for item in items where !self.note(item, in: context) { isSound = false }
            return isSound
        case .map(let entries):
            var isSound = true
            for entry in entries {
                self.refuseExpression(inKey: entry)
                if !self.note(entry.value, in: context) { isSound = false }
            }
            return isSound
        }
    }

    private mutating func note(
        _ text: String,
        of node: SourceNode,
        in context: ExpressionContext
    ) -> Bool {
        do throws(ExpressionError) {
            let pieces = try TemplateScanner.pieces(of: text)
            for case .expression(let source, let offset) in pieces {
                let expression: Expression
                do {
                    expression = try Expression(parsing: source)
                } catch {
                    var moved = error
                    moved.offset += offset
                    throw moved
                }
                self.sites.append(
                    ExpressionSite(
                        expression: expression,
                        node: node,
                        offset: offset + Self.leadingSpaces(of: source),
                        context: context,
                        isEmbedded: pieces.count > 1
                    )
                )
            }
            return true
        } catch {
            self.report(error, in: node)
            return false
        }
    }

    private mutating func report(_ error: ExpressionError, in node: SourceNode) {
        let mark = self.file.mark(in: node, at: error.offset)
        self.log.error(error.message, at: mark, hint: error.hint)
    }

    private mutating func refuseExpression(inKey entry: SourceEntry) {
        guard entry.key.contains("{{") else { return }
        self.log.error("keys cannot hold expressions", at: entry.mark)
    }

    private static func leadingSpaces(of source: String) -> Int {
        source.utf8.prefix { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }.count
    }
}
