// How an expression's text becomes a tree: recursive descent over its bytes, no look-back.

/// Parses one expression.
///
/// Recursion goes only through brackets, calls and `!`, and is counted, so that no text can use
/// more of the stack than ``Limits/expressionDepthMax`` levels.
struct ExpressionParser {
    private var scanner: ExpressionScanner
    private var depth = 0

    private init(_ source: String) { self.scanner = ExpressionScanner(source) }

    /// Parses the whole of `source`.
    static func parse(_ source: String) throws(ExpressionError) -> ExpressionNode {
        guard source.utf8.count <= Limits.expressionBytesMax else {
            throw ExpressionError(
                message: "expression is longer than \(Limits.expressionBytesMax) bytes",
                offset: Limits.expressionBytesMax,
                hint: "compute a part of it in an earlier step's outputs"
            )
        }
        var parser = ExpressionParser(source)
        parser.scanner.skipSpace()
        if parser.scanner.isAtEnd {
            throw ExpressionError(message: "empty expression", offset: 0)
        }
        let node = try parser.parseOr()
        if !parser.scanner.isAtEnd { throw parser.scanner.unexpected() }
        return node
    }

    private mutating func parseOr() throws(ExpressionError) -> ExpressionNode {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Limits.expressionDepthMax else {
            throw ExpressionError(
                message: "expression is nested deeper than \(Limits.expressionDepthMax) levels",
                offset: self.scanner.position
            )
        }
        var operands = [try self.parseAnd()]
        while self.scanner.take("||") { operands.append(try self.parseAnd()) }
        return operands.count == 1 ? operands[0] : .or(operands)
    }

    private mutating func parseAnd() throws(ExpressionError) -> ExpressionNode {
        var operands = [try self.parseComparison()]
        while self.scanner.take("&&") { operands.append(try self.parseComparison()) }
        return operands.count == 1 ? operands[0] : .and(operands)
    }

    private mutating func parseComparison() throws(ExpressionError) -> ExpressionNode {
        let left = try self.parseUnary()
        let place = self.scanner.position
        guard let comparison = self.takeComparison() else { return left }
        let right = try self.parseUnary()
        let next = self.scanner.position
        if self.takeComparison() != nil {
            throw ExpressionError(
                message: "comparisons cannot be chained",
                offset: next,
                hint: "join two comparisons with '&&', or use brackets"
            )
        }
        return .comparison(comparison, left, right, at: place)
    }

    private mutating func takeComparison() -> ExpressionNode.Comparison? {
        for comparison in [ExpressionNode.Comparison.equal, .notEqual, .lessOrEqual]
            + [.greaterOrEqual, .less, .greater]
        where self.scanner.take(comparison.rawValue) {
            return comparison
        }
        return nil
    }

    private mutating func parseUnary() throws(ExpressionError) -> ExpressionNode {
        var places: [Int] = []
        var place = self.scanner.position
        while self.scanner.take("!") {
            places.append(place)
            place = self.scanner.position
        }
        guard self.depth + places.count <= Limits.expressionDepthMax else {
            throw ExpressionError(
                message: "expression is nested deeper than \(Limits.expressionDepthMax) levels",
                offset: places.last ?? place
            )
        }
        var node = try self.parsePostfix()
        for place in places.reversed() { node = .not(node, at: place) }
        return node
    }

    private mutating func parsePostfix() throws(ExpressionError) -> ExpressionNode {
        let base = try self.parsePrimary()
        var accessors: [ExpressionNode.Accessor] = []
        while true {
            let place = self.scanner.position
            if self.scanner.take(".") {
                let at = self.scanner.position
                guard let name = self.scanner.takeName() else {
                    throw ExpressionError(
                        message: "expected a name after '.'",
                        offset: at,
                        hint: self.scanner.isAtDigit ? "elements are read as [0]" : nil
                    )
                }
                accessors.append(.member(name, at: at))
            } else if self.scanner.take("[") {
                let index = try self.parseOr()
                try self.expect("]", opened: "[", at: place)
                accessors.append(.index(index, at: place))
            } else {
                break
            }
        }
        return accessors.isEmpty ? base : .path(base, accessors)
    }

    private mutating func parsePrimary() throws(ExpressionError) -> ExpressionNode {
        let place = self.scanner.position
        if self.scanner.take("(") {
            let inner = try self.parseOr()
            try self.expect(")", opened: "(", at: place)
            return inner
        }
        if let text = try self.scanner.takeText() { return .literal(.string(text), at: place) }
        if let number = try self.scanner.takeNumber() { return .literal(number, at: place) }
        guard let name = self.scanner.takeName() else { throw self.scanner.unexpected() }
        switch name {
        case "true": return .literal(.bool(true), at: place)
        case "false": return .literal(.bool(false), at: place)
        case "null": return .literal(.null, at: place)
        default: break
        }
        let open = self.scanner.position
        if self.scanner.take("(") { return try self.parseCall(of: name, at: place, open: open) }
        if let root = ExpressionRoot(rawValue: name) { return .root(root, at: place) }
        throw Self.unknownName(name, at: place)
    }

    private mutating func parseCall(
        of name: String,
        at place: Int,
        open: Int
    ) throws(ExpressionError) -> ExpressionNode {
        guard let function = ExpressionFunction(rawValue: name) else {
            let known = ExpressionFunction.allCases.map(\.rawValue)
            throw ExpressionError(
                message: "unknown function '\(name)'",
                offset: place,
                hint: Suggestion.hint(for: name, among: known)
            )
        }
        var arguments: [ExpressionNode] = []
        if !self.scanner.take(")") {
            repeat { arguments.append(try self.parseOr()) } while self.scanner.take(",")
            try self.expect(")", opened: "(", at: open)
        }
        guard function.arity.contains(arguments.count) else {
            let least = function.arity.lowerBound
            let most = function.arity.upperBound
            let wanted = least == most ? "\(least)" : "\(least) to \(most)"
            throw ExpressionError(
                message: "\(name) takes \(wanted) argument\(wanted == "1" ? "" : "s"),"
                    + " not \(arguments.count)",
                offset: place,
                hint: "write \(function.signature)"
            )
        }
        return .call(function, arguments, at: place)
    }

    private mutating func expect(
        _ closing: String,
        opened: String,
        at place: Int
    ) throws(ExpressionError) {
        if self.scanner.take(closing) { return }
        if self.scanner.isAtEnd {
            throw ExpressionError(message: "'\(opened)' is never closed", offset: place)
        }
        throw self.scanner.unexpected()
    }

    private static func unknownName(_ name: String, at place: Int) -> ExpressionError {
        let words = ["and": "&&", "or": "||", "not": "!", "True": "true", "False": "false"]
        let hint: String?
        if let word = words[name] {
            hint = "write '\(word)'"
        } else if let function = ExpressionFunction(rawValue: name) {
            hint = "call it: \(function.signature)"
        } else {
            let known = ExpressionRoot.allCases.map(\.rawValue)
            hint =
                Suggestion.closest(to: name, among: known).map { "did you mean '\($0)'?" }
                ?? "text goes in single quotes; names begin with \(known.joined(separator: ", "))"
        }
        return ExpressionError(message: "unknown name '\(name)'", offset: place, hint: hint)
    }
}
