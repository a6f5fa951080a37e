// What an expression's tree is worth in a scope: no coercion, no clock, no randomness.

/// Evaluates trees; pure.
struct ExpressionEvaluator {
    let scope: EvaluationScope

    /// The value of `node`.
    func evaluate(_ node: ExpressionNode) throws(ExpressionError) -> Evaluated {
        switch node {
        case .literal(let value, _): return Evaluated(value)
        case .root(let root, let at): return try self.read(root, at: at)
        case .path(let base, let accessors): return try self.follow(base, accessors)
        case .call(let function, let arguments, let at):
            return try self.call(function, arguments, at: at)
        case .not(let operand, let at):
            let (truth, isTainted) = try self.truth(operand, for: "!", at: at)
            return Evaluated(.bool(!truth), isTainted: isTainted)
        case .and(let operands): return try self.chain(operands, endsAt: false, for: "&&")
        case .or(let operands): return try self.chain(operands, endsAt: true, for: "||")
        case .comparison(let comparison, let left, let right, let at):
            let first = try self.evaluate(left)
            let second = try self.evaluate(right)
            let truth = try Self.compare(first.value, comparison, second.value, at: at)
            return Evaluated(.bool(truth), isTainted: first.isTainted || second.isTainted)
        }
    }

    // MARK: Operators

    private func chain(
        _ operands: [ExpressionNode],
        endsAt end: Bool,
        for name: String
    ) throws(ExpressionError) -> Evaluated {
        var isTainted = false
        for operand in operands {
            let (truth, taint) = try self.truth(operand, for: name, at: operand.offset)
            isTainted = isTainted || taint
            if truth == end { return Evaluated(.bool(end), isTainted: isTainted) }
        }
        return Evaluated(.bool(!end), isTainted: isTainted)
    }

    private func truth(
        _ node: ExpressionNode,
        for name: String,
        at offset: Int
    ) throws(ExpressionError) -> (Bool, isTainted: Bool) {
        let operand = try self.evaluate(node)
        guard case .bool(let truth) = operand.value else {
            throw ExpressionError(
                message: "'\(name)' takes booleans, not \(operand.value.typeName)",
                offset: offset,
                hint: "compare the value, as in 'x != null'"
            )
        }
        return (truth, operand.isTainted)
    }

    private static func compare(
        _ left: JSONValue,
        _ comparison: ExpressionNode.Comparison,
        _ right: JSONValue,
        at offset: Int
    ) throws(ExpressionError) -> Bool {
        if comparison == .equal || comparison == .notEqual {
            let comparable =
                left == .null || right == .null || left.typeName == right.typeName
                || (left.numberValue != nil && right.numberValue != nil)
            guard comparable else {
                throw Self.incomparable(left, comparison, right, at: offset)
            }
            return left.isEqual(to: right) == (comparison == .equal)
        }
        let (isLess, isEqual): (Bool, Bool)
        switch (left, right) {
        case (.integer(let first), .integer(let second)):
            (isLess, isEqual) = (first < second, first == second)
        case (.string(let first), .string(let second)):
            isLess = first.utf8.lexicographicallyPrecedes(second.utf8)
            isEqual = first.utf8.elementsEqual(second.utf8)
        default:
            guard let first = left.numberValue, let second = right.numberValue else {
                throw Self.incomparable(left, comparison, right, at: offset)
            }
            (isLess, isEqual) = (first < second, first == second)
        }
        return switch comparison {
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .greaterOrEqual: !isLess
        case .equal: isEqual
        case .notEqual: !isEqual
        }
    }

    private static func incomparable(
        _ left: JSONValue,
        _ comparison: ExpressionNode.Comparison,
        _ right: JSONValue,
        at offset: Int
    ) -> ExpressionError {
        ExpressionError(
            message: "'\(comparison.rawValue)' cannot compare \(left.typeName)"
                + " with \(right.typeName)",
            offset: offset,
            hint: "values are never converted; both sides must have one type"
        )
    }

    // MARK: Reading

    private func read(_ root: ExpressionRoot, at offset: Int) throws(ExpressionError) -> Evaluated {
        switch root {
        case .inputs: return Evaluated(.object(self.scope.inputs))
        case .steps: return Evaluated(.object(self.scope.steps.mapValues(Self.value(of:))))
        case .outputs: return Evaluated(.object(self.scope.outputs))
        case .run: return Evaluated(self.scope.run)
        case .secrets:
            return Evaluated(.object(self.scope.secrets.mapValues { .string($0) }), isTainted: true)
        case .env: return Evaluated(.object(self.scope.environment.mapValues { .string($0) }))
        case .result:
            if let result = self.scope.result { return Evaluated(result) }
            throw .absent("there is no 'result' before the step has run", offset: offset)
        case .item:
            if let item = self.scope.item { return Evaluated(item) }
            throw .absent("there is no 'item' outside a fan_out", offset: offset)
        }
    }

    private static func value(of step: EvaluationScope.StepView) -> JSONValue {
        .object([
            "status": .string(step.status),
            "outputs": .object(step.outputs),
            "result": step.result,
        ])
    }

    private func follow(
        _ base: ExpressionNode,
        _ accessors: [ExpressionNode.Accessor]
    ) throws(ExpressionError) -> Evaluated {
        var rest = accessors[...]
        var name = "the value"
        var current: Evaluated
        switch base {
        case .root(.steps, _):
            // One step is looked up alone: building all of them would cost each read.
            name = "steps"
            guard let first = rest.popFirst() else { return try self.evaluate(base) }
            let (key, offset, isTainted) = try self.key(first)
            guard case .string(let id) = key, let step = self.scope.steps[id] else {
                throw Self.absent(key, in: name, known: self.scope.steps.keys, isTainted, offset)
            }
            name = "step '\(id)'"
            current = Evaluated(Self.value(of: step), isTainted: isTainted)
        case .root(let root, _):
            name = root.rawValue
            current = try self.evaluate(base)
        default: current = try self.evaluate(base)
        }
        for accessor in rest {
            let (key, offset, isTainted) = try self.key(accessor)
            let tainted = current.isTainted || isTainted
            let part = try Self.part(of: current.value, key, name: name, tainted, offset)
            current = Evaluated(part, isTainted: tainted)
            if case .string(let text) = key, !isTainted { name = "'\(text)'" }
        }
        return current
    }

    private func key(
        _ accessor: ExpressionNode.Accessor
    ) throws(ExpressionError) -> (JSONValue, Int, isTainted: Bool) {
        switch accessor {
        case .member(let name, let at): return (.string(name), at, false)
        case .index(let node, let at):
            let index = try self.evaluate(node)
            return (index.value, at, index.isTainted)
        }
    }

    private static func part(
        of value: JSONValue,
        _ key: JSONValue,
        name: String,
        _ isTainted: Bool,
        _ offset: Int
    ) throws(ExpressionError) -> JSONValue {
        switch (value, key) {
        case (.object(let members), .string(let text)):
            if let member = members[text] { return member }
            throw Self.absent(key, in: name, known: members.keys, isTainted, offset)
        case (.array(let items), .integer(let index)):
            if let place = Int(exactly: index), items.indices.contains(place) {
                return items[place]
            }
            throw .absent(
                isTainted
                    ? "no such element" : "\(name) has \(items.count) elements, no [\(index)]",
                offset: offset,
                hint: "use default(…, fallback) for a read that may find nothing"
            )
        case (.null, _):
            throw .absent(
                "\(name) is null and has no members",
                offset: offset,
                hint: "use default(…, fallback) for a read that may find nothing"
            )
        case (.array, _), (.object, _):
            throw ExpressionError(
                message: "an \(value.typeName) has no \(key.typeName) index",
                offset: offset,
                hint: "lists take [0], objects take .name or ['name']"
            )
        default:
            throw ExpressionError(
                message: "\(name) is a \(value.typeName) and has no members",
                offset: offset,
                hint: value.stringValue == nil ? nil : "parse JSON text with fromJSON(…)"
            )
        }
    }

    private static func absent(
        _ key: JSONValue,
        in name: String,
        known: some Collection<String>,
        _ isTainted: Bool,
        _ offset: Int
    ) -> ExpressionError {
        guard case .string(let text) = key, !isTainted || name == "secrets" else {
            return .absent("no such member in \(name)", offset: offset)
        }
        return .absent(
            "unknown name '\(text.prefix(64))' in \(name)",
            offset: offset,
            hint: Suggestion.hint(for: text, among: known)
                ?? "use default(…, fallback) for a read that may find nothing"
        )
    }
}
