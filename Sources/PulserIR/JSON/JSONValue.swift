// What a value is everywhere in the product: JSON with integers kept apart from fractions.

internal import FoundationEssentials

/// A JSON value.
///
/// Integers that fit 64 bits stay exact; everything else numeric is a `Double`. Objects have no
/// order: the canonical writer sorts their keys.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue {
    /// The name of this value's type as expressions and diagnostics print it.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The member `key` of an object; `nil` for other values and absent keys.
    public subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The element at `index` of an array; `nil` for other values and beyond its ends.
    public subscript(index: Int) -> JSONValue? {
        if case .array(let items) = self, items.indices.contains(index) {
            items[index]
        } else {
            nil
        }
    }

    /// The text of a string, otherwise `nil`.
    public var stringValue: String? { if case .string(let text) = self { text } else { nil } }

    /// The truth of a boolean, otherwise `nil`.
    public var boolValue: Bool? { if case .bool(let truth) = self { truth } else { nil } }

    /// The value of an integer, otherwise `nil`.
    public var integerValue: Int64? { if case .integer(let number) = self { number } else { nil } }

    /// The members of an object, otherwise `nil`.
    public var objectValue: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The elements of an array, otherwise `nil`.
    public var arrayValue: [JSONValue]? {
        if case .array(let items) = self { items } else { nil }
    }

    /// Whether both values are the same JSON value; `1` and `1.0` are.
    public func isEqual(to other: JSONValue) -> Bool {
        switch (self, other) {
        case (.integer(let left), .number(let right)): Double(left) == right
        case (.number(let left), .integer(let right)): left == Double(right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isEqual(to: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { key, value in right[key]?.isEqual(to: value) ?? false }
        default: self == other
        }
    }
}

extension JSONValue: Codable {
    /// Decodes any JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Encodes this value as itself.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue {
    /// Parses JSON text.
    ///
    /// - Throws: ``JSONError`` when the text is not one JSON value.
    public init(parsing text: some Collection<UInt8>) throws(JSONError) {
        guard !Self.nests(deeperThan: Limits.jsonDepthMax, in: text) else {
            throw JSONError(message: "nested deeper than \(Limits.jsonDepthMax) levels")
        }
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: Data(text))
        } catch {
            throw JSONError(message: "not valid JSON")
        }
    }

    /// Parses JSON text.
    ///
    /// - Throws: ``JSONError`` when the text is not one JSON value.
    public init(parsing text: String) throws(JSONError) {
        if text == "{}" {
            self = .object([:])  // By far the commonest text of the hot path.
        } else {
            try self.init(parsing: Array(text.utf8))
        }
    }

    /// The JSON form of any encodable value.
    ///
    /// - Throws: ``JSONError`` when the value cannot be written as JSON.
    public init(encoding value: some Encodable) throws(JSONError) {
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
        } catch {
            throw JSONError(message: "cannot be written as JSON")
        }
    }

    /// Reads a typed value out of this JSON.
    ///
    /// - Throws: ``JSONError`` naming the key that does not fit.
    public func decode<Value: Decodable>(_ type: Value.Type) throws(JSONError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(self.canonicalBytes))
        } catch let error as DecodingError {
            throw JSONError(message: "\(error)")
        } catch {
            throw JSONError(message: "does not fit \(type)")
        }
    }
}

/// A text that is not JSON, or JSON of another shape than asked for.
public struct JSONError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, for people.
    public var message: String

    /// What is wrong, for people.
    public var description: String { self.message }

    /// Makes an error.
    public init(message: String) { self.message = message }
}
