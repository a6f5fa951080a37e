// Which inputs a run gets: what was given, of the declared types, with defaults filled in.

/// Inputs that do not fit a plan.
public struct InputError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Everything that is wrong, one sentence each, with a hint where one is known.
    public var problems: [String]

    /// The problems, one per line.
    public var description: String { self.problems.joined(separator: "\n") }

    /// Makes an error.
    public init(problems: [String]) { self.problems = problems }
}

extension Plan {
    /// Checks values against the declared inputs and fills in defaults.
    ///
    /// - Parameters:
    ///   - given: The values.
    ///   - known: What was found wrong with them before.
    /// - Returns: Every declared input, a JSON object.
    /// - Throws: ``InputError`` naming every input that is unknown, missing or of another type.
    public func bound(
        _ given: [String: JSONValue],
        problems known: [String] = []
    ) throws(InputError) -> JSONValue {
        var problems = known
        var result: [String: JSONValue] = [:]
        for name in given.keys.sorted() where self.inputs[name] == nil {
            let hint = Suggestion.hint(for: name, among: self.inputs.keys) ?? "the plan takes none"
            problems.append("unknown input '\(name.prefix(80))'; hint: \(hint)")
        }
        for (name, declaration) in self.inputs.sorted(by: { $0.key < $1.key }) {
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
}

extension InputDeclaration.Kind {
    /// Whether a value is of this type; an integer is a number too.
    public func accepts(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.string, .string), (.integer, .integer), (.boolean, .bool), (.array, .array),
            (.object, .object), (.number, .integer), (.number, .number):
            true
        default: false
        }
    }
}
