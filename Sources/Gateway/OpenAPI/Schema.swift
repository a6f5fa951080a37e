// Builds JSON Schemas (draft 2020-12, as OpenAPI 3.1 takes them).

public import PulserIR

/// Forms of JSON values.
public enum Schema {
    /// A text.
    public static let text: JSONValue = .object(["type": "string"])
    /// A whole number.
    public static let integer: JSONValue = .object(["type": "integer"])
    /// Any number.
    public static let number: JSONValue = .object(["type": "number"])
    /// A truth value.
    public static let bool: JSONValue = .object(["type": "boolean"])
    /// Anything.
    public static let any: JSONValue = .object([:])
    /// A moment: RFC 3339.
    public static let moment: JSONValue = .object(["type": "string", "format": "date-time"])

    /// A whole number inside a range.
    public static func integer(_ range: ClosedRange<Int64>) -> JSONValue {
        .object([
            "type": "integer",
            "minimum": .integer(range.lowerBound),
            "maximum": .integer(range.upperBound),
        ])
    }

    /// One of some texts.
    public static func choice(_ values: [String]) -> JSONValue {
        .object(["type": "string", "enum": .array(values.map { .string($0) })])
    }

    /// A list.
    public static func list(_ items: JSONValue) -> JSONValue {
        .object(["type": "array", "items": items])
    }

    /// A value or null.
    public static func optional(_ schema: JSONValue) -> JSONValue {
        .object(["anyOf": .array([schema, .object(["type": "null"])])])
    }

    /// A form with a name, listed in ``SchemaCatalog``.
    public static func named(_ name: String) -> JSONValue {
        .object(["$ref": .string("#/components/schemas/\(name)")])
    }

    /// An object whose members are all there, beside those named as optional.
    ///
    /// - Parameters:
    ///   - members: Their forms.
    ///   - optional: Names of members that may be absent.
    ///   - isOpen: Whether there may be others.
    /// - Returns: The form.
    public static func object(
        _ members: [String: JSONValue],
        optional: Set<String> = [],
        isOpen: Bool = false
    ) -> JSONValue {
        let required = members.keys.filter { !optional.contains($0) }.sorted()
        var schema: [String: JSONValue] = ["type": "object", "properties": .object(members)]
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        if !isOpen { schema["additionalProperties"] = .bool(false) }
        return .object(schema)
    }
}
