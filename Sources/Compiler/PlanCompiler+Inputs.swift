// Which inputs a run gets: what was given, of the declared types, with defaults filled in.

public import PulserIR

/// Inputs that do not fit a plan.
public struct InputError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Everything that is wrong, one sentence each, with a hint where one is known.
    public var problems: [String]

    /// The problems, one per line.
    public var description: String { self.problems.joined(separator: "\n") }

    /// Makes an error.
    public init(problems: [String]) { self.problems = problems }
}

extension PlanCompiler {
    /// Reads `name=value` texts by the declared types: integers, numbers and `true`/`false` as
    /// such, lists and objects as JSON, texts as they are.
    ///
    /// - Throws: ``InputError`` naming every input that is unknown, missing or of another type.
    public static func bind(
        inputs given: [String: String],
        to plan: Plan
    ) throws(InputError) -> JSONValue {
        var values: [String: JSONValue] = [:]
        var problems: [String] = []
        for (name, text) in given.sorted(by: { $0.key < $1.key }) {
            guard let type = plan.inputs[name]?.type else {
                values[name] = .string(text)  // Reported as unknown below.
                continue
            }
            if let value = Self.value(of: text, as: type) {
                values[name] = value
            } else {
                problems.append("input '\(name)' must be of type \(type.rawValue)")
                values[name] = .null
            }
        }
        return try Self.bind(values, to: plan, problems: problems)
    }

    /// Checks the members of a JSON object against the declared inputs.
    ///
    /// - Throws: ``InputError`` naming every input that is unknown, missing or of another type.
    public static func bind(inputs given: JSONValue, to plan: Plan) throws(InputError) -> JSONValue
    {
        guard let values = given.objectValue else {
            throw InputError(problems: ["inputs must be an object, not \(given.typeName)"])
        }
        return try Self.bind(values, to: plan, problems: [])
    }

    private static func bind(
        _ given: [String: JSONValue],
        to plan: Plan,
        problems known: [String]
    ) throws(InputError) -> JSONValue {
        var problems = known
        var result: [String: JSONValue] = [:]
        for name in given.keys.sorted() where plan.inputs[name] == nil {
            let hint = Suggestion.hint(for: name, among: plan.inputs.keys) ?? "the plan takes none"
            problems.append("unknown input '\(name.prefix(80))'; hint: \(hint)")
        }
        for (name, declaration) in plan.inputs.sorted(by: { $0.key < $1.key }) {
            let start = "input '\(name)' must be"
            if known.contains(where: { $0.hasPrefix(start) }) { continue }
            guard let value = given[name] ?? declaration.fallback else {
                problems.append(
                    "input '\(name)' is missing; hint: give a value of type "
                        + declaration.type.rawValue
                )
                continue
            }
            if !declaration.type.accepts(value) {
                problems.append(
                    "\(start) of type \(declaration.type.rawValue), not \(value.typeName)"
                )
            } else if let allowed = declaration.allowed,
                !allowed.contains(where: { $0.isEqual(to: value) })
            {
                let words = allowed.map { $0.stringValue ?? $0.canonicalText }
                problems.append("\(start) one of \(words.joined(separator: ", "))")
            }
            result[name] = value
        }
        let object = JSONValue.object(result)
        if problems.isEmpty, object.canonicalBytes.count > Limits.inputsBytesMax {
            problems.append("the inputs are larger than \(Limits.inputsBytesMax) bytes")
        }
        guard problems.isEmpty else { throw InputError(problems: problems) }
        return object
    }

    private static func value(of text: String, as type: InputDeclaration.Kind) -> JSONValue? {
        switch type {
        case .string: return .string(text)
        case .boolean: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        case .integer: return Int64(text).map { .integer($0) }
        case .number:
            if let integer = Int64(text) { return .integer(integer) }
            guard let number = Double(text), number.isFinite else { return nil }
            return .number(number)
        case .array, .object:
            guard let value = try? JSONValue(parsing: text), type.accepts(value) else { return nil }
            return value
        }
    }
}
