// The shape of a parsed expression.

/// One node of an expression's tree.
///
/// Chains of `&&`, of `||` and of member reads are flat lists, so that the tree is never deeper
/// than ``Limits/expressionDepthMax`` levels of brackets. `at` is the byte offset in the source.
public indirect enum ExpressionNode: Sendable, Hashable {
    /// A literal value.
    case literal(JSONValue, at: Int)
    /// One of the roots.
    case root(ExpressionRoot, at: Int)
    /// A value and the members read out of it.
    case path(ExpressionNode, [Accessor])
    /// A function call.
    case call(ExpressionFunction, [ExpressionNode], at: Int)
    /// `!value`.
    case not(ExpressionNode, at: Int)
    /// `a && b && …`, at least two operands.
    case and([ExpressionNode])
    /// `a || b || …`, at least two operands.
    case or([ExpressionNode])
    /// A comparison; `at` is the operator's place.
    case comparison(Comparison, ExpressionNode, ExpressionNode, at: Int)

    /// One step from a value to a part of it.
    public enum Accessor: Sendable, Hashable {
        /// `.name`.
        case member(String, at: Int)
        /// `[expression]`.
        case index(ExpressionNode, at: Int)
    }

    /// The comparison operators.
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// Where the node begins in the source, in bytes; for an operator chain where its first
    /// operand begins.
    public var offset: Int {
        switch self {
        case .literal(_, let at), .root(_, let at), .call(_, _, let at), .not(_, let at): at
        case .path(let base, _): base.offset
        case .and(let operands), .or(let operands): operands.first?.offset ?? 0
        case .comparison(_, let left, _, _): left.offset
        }
    }
}

/// What an expression's paths can begin with.
public enum ExpressionRoot: String, Sendable, Hashable, CaseIterable {
    /// The run's inputs.
    case inputs
    /// Other steps: `steps.<id>.outputs`, `.result`, `.status`.
    case steps
    /// The step's own outputs, for its verifiers.
    case outputs
    /// What the step's tool gave.
    case result
    /// Facts about the run.
    case run
    /// Declared secrets.
    case secrets
    /// Allow-listed environment variables of the node.
    case env
    /// The item of a fan-out.
    case item
}

/// The functions that expressions can call.
public enum ExpressionFunction: String, Sendable, Hashable, CaseIterable {
    case contains
    case startsWith
    case endsWith
    case format
    case join
    case toJSON
    case fromJSON
    case length
    case `default`
    case sha256
    case success
    case failure
    case always

    /// How many arguments the function takes.
    public var arity: ClosedRange<Int> {
        switch self {
        case .contains, .startsWith, .endsWith, .default: 2...2
        case .format: 1...64
        case .join: 1...2
        case .toJSON, .fromJSON, .length, .sha256: 1...1
        case .success, .failure, .always: 0...0
        }
    }

    /// How the function is called, for hints.
    public var signature: String {
        switch self {
        case .contains: "contains(text or list, part)"
        case .startsWith: "startsWith(text, prefix)"
        case .endsWith: "endsWith(text, suffix)"
        case .format: "format('{0} …', value, …)"
        case .join: "join(list, separator)"
        case .toJSON: "toJSON(value)"
        case .fromJSON: "fromJSON(text)"
        case .length: "length(text, list or object)"
        case .default: "default(value, fallback)"
        case .sha256: "sha256(text)"
        case .success: "success()"
        case .failure: "failure()"
        case .always: "always()"
        }
    }
}
