// What a value of a plan file is that may hold expressions.

/// A JSON value whose texts may hold `{{ }}`.
///
/// A text that is exactly one `{{ }}` yields the expression's value with its type; otherwise values
/// are embedded as text. Results are never expanded again.
public struct Template: Sendable {
    /// The value as it was written.
    public let source: JSONValue
    /// What it means.
    public let form: Form

    /// What a template is made of.
    public indirect enum Form: Sendable, Hashable {
        /// No expression anywhere inside.
        case literal(JSONValue)
        /// Exactly one expression.
        case expression(Expression)
        /// Text with expressions inside.
        case text([Segment])
        /// A list with expressions inside.
        case array([Template])
        /// An object with expressions in its values; keys are always literal.
        case object([String: Template])
    }

    /// A piece of text.
    public enum Segment: Sendable, Hashable {
        /// Text as it is.
        case text(String)
        /// A value to embed.
        case expression(Expression)
    }

    private init(source: JSONValue, form: Form) {
        self.source = source
        self.form = form
    }

    /// Parses the expressions in the texts of `source`.
    ///
    /// - Throws: ``ExpressionError`` whose offset counts bytes of the text that holds it.
    public init(parsing source: JSONValue) throws(ExpressionError) {
        self.source = source
        switch source {
        case .null, .bool, .integer, .number: self.form = .literal(source)
        case .string(let text): self.form = try Self.parse(text)
        case .array(let items):
            var parts: [Template] = []
            for item in items { parts.append(try Template(parsing: item)) }
            self.form = parts.allSatisfy(\.isLiteral) ? .literal(source) : .array(parts)
        case .object(let members):
            var parts: [String: Template] = [:]
            for (key, value) in members { parts[key] = try Template(parsing: value) }
            self.form = parts.values.allSatisfy(\.isLiteral) ? .literal(source) : .object(parts)
        }
    }

    /// A template that yields `value` whatever its texts hold; `{{` in them is escaped.
    public static func literal(_ value: JSONValue) -> Template {
        Template(source: Self.escaped(value), form: .literal(value))
    }

    /// Whether nothing has to be evaluated.
    public var isLiteral: Bool { if case .literal = self.form { true } else { false } }

    /// All expressions, in the order of texts and lists, objects by sorted keys.
    public var expressions: [Expression] {
        switch self.form {
        case .literal: []
        case .expression(let expression): [expression]
        case .text(let segments):
            segments.compactMap { if case .expression(let inner) = $0 { inner } else { nil } }
        case .array(let items): items.flatMap(\.expressions)
        case .object(let members):
            members.sorted { $0.key < $1.key }.flatMap(\.value.expressions)
        }
    }

    /// The value in `scope`.
    ///
    /// - Throws: ``ExpressionError`` of the expression that failed, or for null, a list or an
    ///   object embedded in text; its offset counts bytes of that expression's source.
    public func render(in scope: EvaluationScope) throws(ExpressionError) -> Evaluated {
        switch self.form {
        case .literal(let value): return Evaluated(value)
        case .expression(let expression): return try expression.evaluate(in: scope)
        case .text(let segments): return try Self.render(segments, in: scope)
        case .array(let items):
            var values: [JSONValue] = []
            var isTainted = false
            for item in items {
                let part = try item.render(in: scope)
                values.append(part.value)
                isTainted = isTainted || part.isTainted
            }
            return Evaluated(.array(values), isTainted: isTainted)
        case .object(let members):
            var values: [String: JSONValue] = [:]
            var isTainted = false
            for (key, member) in members {
                let part = try member.render(in: scope)
                values[key] = part.value
                isTainted = isTainted || part.isTainted
            }
            return Evaluated(.object(values), isTainted: isTainted)
        }
    }

    private static func render(
        _ segments: [Segment],
        in scope: EvaluationScope
    ) throws(ExpressionError) -> Evaluated {
        var text = ""
        var isTainted = false
        for segment in segments {
            switch segment {
            case .text(let piece): text += piece
            case .expression(let expression):
                let part = try expression.evaluate(in: scope)
                guard let piece = part.value.embeddedText else {
                    throw ExpressionError(
                        message: "\(part.value.typeName) cannot be embedded in text",
                        offset: expression.node.offset,
                        hint: part.value == .null ? "use default(…, 'text')" : "use toJSON(…)"
                    )
                }
                text += piece
                isTainted = isTainted || part.isTainted
            }
            guard text.utf8.count <= Limits.expressionResultBytesMax else {
                throw ExpressionError.tooLarge(at: 0)
            }
        }
        return Evaluated(.string(text), isTainted: isTainted)
    }

    private static func parse(_ text: String) throws(ExpressionError) -> Form {
        let pieces = try TemplateScanner.pieces(of: text)
        if pieces.isEmpty { return .literal(.string(text)) }
        var segments: [Segment] = []
        for piece in pieces {
            switch piece {
            case .text(let text): segments.append(.text(text))
            case .expression(let source, let offset):
                do {
                    segments.append(.expression(try Expression(parsing: source)))
                } catch {
                    throw error.shifted(by: offset)
                }
            }
        }
        if segments.count == 1 {
            switch segments[0] {
            case .expression(let expression): return .expression(expression)
            case .text: return .literal(.string(text))
            }
        }
        return .text(segments)
    }

    private static func escaped(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .integer, .number: value
        case .string(let text): .string(TemplateScanner.escaped(text))
        case .array(let items): .array(items.map(Self.escaped))
        case .object(let members): .object(members.mapValues(Self.escaped))
        }
    }
}

extension Template: Hashable {
    /// Compares what was written.
    public static func == (left: Template, right: Template) -> Bool { left.source == right.source }

    /// Hashes what was written.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.source) }
}

extension Template: Codable {
    /// Reads the value and parses its expressions.
    public init(from decoder: any Decoder) throws {
        let source = try JSONValue(from: decoder)
        do {
            try self.init(parsing: source)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: error.description)
            )
        }
    }

    /// Writes the value as it was written.
    public func encode(to encoder: any Encoder) throws { try self.source.encode(to: encoder) }
}
