// Whether a value fits a JSON Schema of the 2020-12 dialect.

/// A validator for JSON Schema 2020-12.
///
/// All validation keywords of the dialect are checked, and `$ref` within the document (`#`,
/// `#/json/pointer`, `#anchor`). `format`, `title` and the other annotations are not assertions.
/// A keyword that is none of these and does not start with `x-` is an error: a check that is not
/// understood never passes silently.
public struct JSONSchema {
    /// A schema that cannot be applied.
    public struct SchemaError: Error, Equatable {
        /// One sentence with the place in the schema.
        public var message: String
    }

    /// What does not fit, with the JSON pointer of the place in the value.
    public struct Violation: Equatable {
        /// Where in the value; empty for the value itself.
        public var pointer: String
        /// What is wrong there.
        public var message: String

        /// Both in one sentence's end.
        public var text: String {
            self.pointer.isEmpty ? self.message : "\(self.pointer) \(self.message)"
        }
    }

    /// Nesting of schemas and references while validating.
    static let depthMax = 128
    /// Schemas applied in all, which bounds recursion that multiplies.
    static let stepsMax = 1_000_000

    let root: JSONValue
    var anchors: [String: JSONValue] = [:]
    var patterns = PatternCache()
    private var steps = 0

    /// Reads the schema and refuses keywords that it does not know, wherever they stand.
    ///
    /// - Throws: ``SchemaError`` with the place in the schema.
    public init(_ root: JSONValue) throws(SchemaError) {
        self.root = root
        try self.check(root, at: "#", depth: 0)
    }

    /// The first thing in `value` that does not fit; `nil` when all does.
    ///
    /// - Throws: ``SchemaError`` when the schema cannot be applied.
    public mutating func validate(_ value: JSONValue) throws(SchemaError) -> Violation? {
        self.steps = 0
        return try self.apply(self.root, to: value, at: "", depth: 0)
    }

    /// Applies one schema.
    mutating func apply(
        _ schema: JSONValue,
        to value: JSONValue,
        at pointer: String,
        depth: Int
    ) throws(SchemaError) -> Violation? {
        self.steps += 1
        guard depth < Self.depthMax, self.steps < Self.stepsMax else {
            throw SchemaError(message: "the schema is nested too deeply or refers to itself")
        }
        switch schema {
        case .bool(true): return nil
        case .bool(false): return Violation(pointer: pointer, message: "nothing is allowed here")
        case .object(let keywords):
            let place = Place(keywords: keywords, pointer: pointer, depth: depth)
            if let found = try self.general(value, place) { return found }
            switch value {
            case .string(let text): if let found = try self.string(text, place) { return found }
            case .integer, .number: if let found = try self.number(value, place) { return found }
            case .array(let items): if let found = try self.array(items, place) { return found }
            case .object(let members):
                if let found = try self.object(members, place) { return found }
            case .null, .bool: break
            }
            return try self.combined(value, place)
        default:
            throw SchemaError(message: "a schema must be an object or a boolean")
        }
    }

    /// Whether a schema fits, when only that matters.
    mutating func fits(
        _ schema: JSONValue,
        _ value: JSONValue,
        _ place: Place
    ) throws(SchemaError) -> Bool {
        try self.apply(schema, to: value, at: place.pointer, depth: place.depth + 1) == nil
    }

    /// One schema's keywords, and where in the value it is applied.
    struct Place {
        var keywords: [String: JSONValue]
        var pointer: String
        var depth: Int

        subscript(keyword: String) -> JSONValue? { self.keywords[keyword] }

        func violation(_ message: String) -> Violation {
            Violation(pointer: self.pointer, message: message)
        }

        func pointer(to key: String) -> String {
            self.pointer + "/" + JSONPointer.escaped(key)
        }
    }

    // MARK: Reading the schema

    private static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "$vocabulary", "$anchor", "title", "description", "default",
        "deprecated", "readOnly", "writeOnly", "examples", "format", "contentEncoding",
        "contentMediaType", "contentSchema",
    ]
    private static let single: Set<String> = [
        "additionalProperties", "items", "contains", "propertyNames", "not", "if", "then", "else",
    ]
    private static let lists: Set<String> = ["prefixItems", "allOf", "anyOf", "oneOf"]
    private static let maps: Set<String> = [
        "properties", "patternProperties", "dependentSchemas", "$defs",
    ]
    private static let numbers: Set<String> = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    ]
    private static let counts: Set<String> = [
        "minItems", "maxItems", "minContains", "maxContains", "minLength", "maxLength",
        "minProperties", "maxProperties",
    ]

    private mutating func check(
        _ schema: JSONValue,
        at place: String,
        depth: Int
    ) throws(SchemaError) {
        if case .bool = schema { return }
        guard case .object(let keywords) = schema, depth < Self.depthMax else {
            throw SchemaError(message: "\(place): a schema must be an object or a boolean")
        }
        if let anchor = keywords["$anchor"]?.stringValue { self.anchors[anchor] = schema }
        for (keyword, value) in keywords.sorted(by: { $0.key < $1.key }) {
            let below = "\(place)/\(keyword)"
            switch keyword {
            case _ where Self.annotations.contains(keyword) || keyword.hasPrefix("x-"): break
            case _ where Self.single.contains(keyword):
                try self.check(value, at: below, depth: depth + 1)
            case _ where Self.lists.contains(keyword):
                guard case .array(let items) = value, !items.isEmpty else {
                    throw SchemaError(message: "\(below) must be a list of schemas")
                }
                for item in items { try self.check(item, at: below, depth: depth + 1) }
            case _ where Self.maps.contains(keyword):
                guard case .object(let members) = value else {
                    throw SchemaError(message: "\(below) must hold schemas by name")
                }
                for (name, member) in members {
                    if keyword == "patternProperties" { try self.patterns.compile(name) }
                    try self.check(member, at: "\(below)/\(name)", depth: depth + 1)
                }
            default: try self.checkAssertion(keyword, value, at: below)
            }
        }
    }

    private mutating func checkAssertion(
        _ keyword: String,
        _ value: JSONValue,
        at place: String
    ) throws(SchemaError) {
        let isValid: Bool
        switch keyword {
        case "type":
            let names = value.arrayValue ?? [value]
            isValid = !names.isEmpty && names.allSatisfy { Self.isTypeName($0.stringValue) }
        case "enum": isValid = value.arrayValue != nil
        case "const": isValid = true
        case "required": isValid = value.isListOfStrings
        case "uniqueItems": isValid = value.boolValue != nil
        case "dependentRequired":
            isValid = value.objectValue?.values.allSatisfy(\.isListOfStrings) ?? false
        case "pattern":
            isValid = value.stringValue != nil
            try self.patterns.compile(value.stringValue ?? "")
        case "$ref":
            isValid = value.stringValue?.hasPrefix("#") ?? false
        case _ where Self.numbers.contains(keyword):
            isValid = value.double.map { keyword != "multipleOf" || $0 > 0 } ?? false
        case _ where Self.counts.contains(keyword):
            isValid = value.double.map { $0 >= 0 && $0 == $0.rounded() } ?? false
        default:
            throw SchemaError(
                message: "\(place): unknown keyword '\(keyword)'; own ones start with x-"
            )
        }
        guard isValid else { throw SchemaError(message: "\(place) has an invalid value") }
    }

    private static func isTypeName(_ name: String?) -> Bool {
        ["null", "boolean", "integer", "number", "string", "array", "object"].contains(name ?? "")
    }
}

extension JSONValue {
    /// The number, as a double.
    var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    fileprivate var isListOfStrings: Bool {
        self.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false
    }
}
