// Which types an expression's parts have, as far as that is known before it runs.

internal import PulserIR

/// Infers types from literals, functions and declared inputs, and notes what cannot work.
struct TypeCheck {
    /// A type, named as in errors of running expressions.
    enum Kind: String {
        case null
        case boolean
        case number
        case string
        case array
        case object
    }

    /// Something that fails whatever the values are.
    struct Problem {
        var message: String
        var offset: Int
        var hint: String?
    }

    private let inputs: [String: InputDeclaration]
    private(set) var problems: [Problem] = []

    init(inputs: [String: InputDeclaration]) { self.inputs = inputs }

    /// The type of `node`; `nil` when only running tells.
    mutating func type(of node: ExpressionNode) -> Kind? {
        switch node {
        case .literal(let value, _): return Self.kind(of: value)
        case .root(let root, _):
            switch root {
            case .inputs, .steps, .outputs, .run, .secrets, .env: return .object
            case .result, .item: return nil
            }
        case .path(let base, let accessors): return self.type(ofPath: base, accessors)
        case .call(let function, let arguments, _):
            return self.type(of: function, arguments)
        case .not(let operand, let at):
            self.expectBoolean(operand, of: "!", at: at)
            return .boolean
        case .and(let operands):
            for operand in operands { self.expectBoolean(operand, of: "&&", at: operand.offset) }
            return .boolean
        case .or(let operands):
            for operand in operands { self.expectBoolean(operand, of: "||", at: operand.offset) }
            return .boolean
        case .comparison(let comparison, let left, let right, let at):
            self.check(comparison, self.type(of: left), self.type(of: right), at: at)
            return .boolean
        }
    }

    private mutating func check(
        _ comparison: ExpressionNode.Comparison,
        _ left: Kind?,
        _ right: Kind?,
        at offset: Int
    ) {
        let isEquality = comparison == .equal || comparison == .notEqual
        if !isEquality, let odd = [left, right].compactMap(\.self).first(where: { !$0.isOrdered }) {
            self.problems.append(
                Problem(
                    message: "'\(comparison.rawValue)' cannot order \(odd.rawValue)",
                    offset: offset,
                    hint: "numbers and texts have an order"
                )
            )
            return
        }
        guard let left, let right, left != right else { return }
        if isEquality, left == .null || right == .null { return }
        self.problems.append(
            Problem(
                message: "'\(comparison.rawValue)' cannot compare \(left.rawValue)"
                    + " with \(right.rawValue)",
                offset: offset,
                hint: "values are never converted; both sides must have one type"
            )
        )
    }

    private mutating func expectBoolean(
        _ node: ExpressionNode,
        of operation: String,
        at offset: Int
    ) {
        guard let type = self.type(of: node), type != .boolean else { return }
        self.problems.append(
            Problem(
                message: "'\(operation)' takes booleans, not \(type.rawValue)",
                offset: offset,
                hint: "compare the value, as in 'x != null'"
            )
        )
    }

    private mutating func type(
        of function: ExpressionFunction,
        _ arguments: [ExpressionNode]
    ) -> Kind? {
        let types = arguments.map { self.type(of: $0) }
        let takesText: ClosedRange<Int>?
        switch function {
        case .startsWith, .endsWith: takesText = 0...1
        case .fromJSON, .sha256, .format: takesText = 0...0
        case .join: takesText = arguments.count > 1 ? 1...1 : nil
        default: takesText = nil
        }
        if let takesText {
            for index in takesText {
                guard let type = types[index], type != .string else { continue }
                self.problems.append(
                    Problem(
                        message: "\(function.rawValue) takes text, not \(type.rawValue)",
                        offset: arguments[index].offset,
                        hint: "write \(function.signature)"
                    )
                )
            }
        }
        switch function {
        case .contains, .startsWith, .endsWith, .success, .failure, .always: return .boolean
        case .format, .join, .toJSON, .sha256: return .string
        case .length: return .number
        case .fromJSON: return nil
        case .default: return types[0] == types[1] ? types[0] : nil
        }
    }

    private mutating func type(
        ofPath base: ExpressionNode,
        _ accessors: [ExpressionNode.Accessor]
    ) -> Kind? {
        for case .index(let index, _) in accessors { _ = self.type(of: index) }
        guard case .root(let root, _) = base else {
            _ = self.type(of: base)
            return nil
        }
        let names = accessors.map { accessor -> String? in
            switch accessor {
            case .member(let name, _), .index(.literal(.string(let name), _), _): name
            case .index: nil
            }
        }
        switch root {
        case .secrets, .env: return names.count == 1 ? .string : nil
        case .inputs:
            guard names.count == 1, let name = names[0] else { return nil }
            return self.inputs[name].map { Self.kind(of: $0.type) }
        case .steps:
            if names.count == 2, names[1] == "status" { return .string }
            return names.count == 2 && names[1] == "outputs" ? .object : nil
        case .run:
            guard names.count == 1, let name = names[0] else { return nil }
            if name == "attempt" { return .number }
            return ["id", "workspace", "session", "lane", "plan"].contains(name) ? .string : nil
        case .outputs, .result, .item: return nil
        }
    }

    private static func kind(of value: JSONValue) -> Kind {
        switch value {
        case .null: .null
        case .bool: .boolean
        case .integer, .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    private static func kind(of type: InputDeclaration.Kind) -> Kind {
        switch type {
        case .string: .string
        case .integer, .number: .number
        case .boolean: .boolean
        case .array: .array
        case .object: .object
        }
    }
}

extension TypeCheck.Kind {
    /// Whether `<` and its like apply.
    var isOrdered: Bool { self == .number || self == .string }
}
