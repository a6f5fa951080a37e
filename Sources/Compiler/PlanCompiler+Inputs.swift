// How inputs that are given as texts or as JSON fit the ones that a plan declares.

public import PulserIR

extension PlanCompiler {
    /// Reads `name=value` texts by the declared types: integers, numbers and `true`/`false` as
    /// such, lists and objects as JSON, texts as they are.
    ///
    /// - Throws: `InputError` naming every input that is unknown, missing or of another type.
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
        return try plan.bound(values, problems: problems)
    }

    /// Checks the members of a JSON object against the declared inputs.
    ///
    /// - Throws: `InputError` naming every input that is unknown, missing or of another type.
    public static func bind(inputs given: JSONValue, to plan: Plan) throws(InputError) -> JSONValue
    {
        guard let values = given.objectValue else {
            throw InputError(problems: ["inputs must be an object, not \(given.typeName)"])
        }
        return try plan.bound(values)
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
