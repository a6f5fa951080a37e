// What an expression is: its text, parsed once, named by that text.

/// A parsed expression of the plan language, written inside `{{ }}` in plan files.
///
/// Two expressions are equal when their texts are; the tree follows from the text.
public struct Expression: Sendable {
    /// The text between the braces, without the white space around it.
    public let source: String
    /// The parsed tree.
    public let node: ExpressionNode

    /// Parses an expression (the text between the braces).
    ///
    /// - Throws: ``ExpressionError`` whose offset counts bytes of `source` as given.
    public init(parsing source: String) throws(ExpressionError) {
        let (trimmed, leading) = Self.trimmed(source)
        self.source = trimmed
        do {
            self.node = try ExpressionParser.parse(trimmed)
        } catch {
            throw error.shifted(by: leading)
        }
    }

    /// The value of this expression.
    ///
    /// - Throws: ``ExpressionError`` for an absent name, types that do not fit, or a value above
    ///   ``Limits/expressionResultBytesMax``.
    public func evaluate(in scope: EvaluationScope) throws(ExpressionError) -> Evaluated {
        let evaluated = try ExpressionEvaluator(scope: scope).evaluate(self.node)
        guard evaluated.value.fits(bytes: Limits.expressionResultBytesMax) else {
            throw ExpressionError.tooLarge(at: self.node.offset)
        }
        return evaluated
    }

    /// Everything the expression reads, in the order of the text.
    public var references: [ExpressionReference] { ExpressionReference.all(in: self.node) }

    /// `source` without white space around it, and how many bytes of it stood in front.
    static func trimmed(_ source: String) -> (text: String, leading: Int) {
        let spaces: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        let bytes = Array(source.utf8)
        guard let first = bytes.firstIndex(where: { !spaces.contains($0) }),
            let last = bytes.lastIndex(where: { !spaces.contains($0) })
        else { return ("", 0) }
        return (String(decoding: bytes[first...last], as: UTF8.self), first)
    }
}

extension Expression: Hashable {
    /// Compares the texts.
    public static func == (left: Expression, right: Expression) -> Bool {
        left.source.utf8.elementsEqual(right.source.utf8)
    }

    /// Hashes the text.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.source)
    }
}

extension Expression: Codable {
    /// Reads and parses the text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let source = try container.decode(String.self)
        do {
            try self.init(parsing: source)
        } catch {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: error.description
            )
        }
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.source)
    }
}

extension ExpressionError {
    static func tooLarge(at offset: Int) -> ExpressionError {
        ExpressionError(
            message: "the expression's value is larger than "
                + "\(Limits.expressionResultBytesMax) bytes",
            offset: offset,
            hint: "keep large data in a file or an artifact"
        )
    }
}
