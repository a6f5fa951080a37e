// What each keyword asks of a value.

extension JSONSchema {
    /// Keywords for every type.
    mutating func general(_ value: JSONValue, _ place: Place) throws(SchemaError) -> Violation? {
        if let type = place["type"] {
            let names = (type.arrayValue ?? [type]).compactMap(\.stringValue)
            guard names.contains(where: { Self.has(value, $0) }) else {
                return place.violation(
                    "is \(value.typeName), not \(names.joined(separator: " or "))"
                )
            }
        }
        if let allowed = place["enum"]?.arrayValue, !allowed.contains(where: value.isEqual) {
            return place.violation("is none of the allowed values")
        }
        if let constant = place["const"], !value.isEqual(to: constant) {
            return place.violation("is not the constant")
        }
        return nil
    }

    /// `1.0` is an integer too.
    private static func has(_ value: JSONValue, _ type: String) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .integer: type == "integer" || type == "number"
        case .number(let number):
            type == "number" || (type == "integer" && number == number.rounded())
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    /// Lengths count code points.
    mutating func string(_ text: String, _ place: Place) throws(SchemaError) -> Violation? {
        let length = Double(text.unicodeScalars.count)
        if let limit = place["minLength"]?.double, length < limit {
            return place.violation("is shorter than minLength")
        }
        if let limit = place["maxLength"]?.double, length > limit {
            return place.violation("is longer than maxLength")
        }
        if let pattern = place["pattern"]?.stringValue, try !self.patterns.matches(pattern, text) {
            return place.violation("does not match the pattern")
        }
        return nil
    }

    mutating func number(_ value: JSONValue, _ place: Place) throws(SchemaError) -> Violation? {
        if let limit = place["minimum"], Self.isLess(value, limit) {
            return place.violation("is less than minimum")
        }
        if let limit = place["maximum"], Self.isLess(limit, value) {
            return place.violation("is greater than maximum")
        }
        if let limit = place["exclusiveMinimum"], !Self.isLess(limit, value) {
            return place.violation("is not greater than exclusiveMinimum")
        }
        if let limit = place["exclusiveMaximum"], !Self.isLess(value, limit) {
            return place.violation("is not less than exclusiveMaximum")
        }
        if let divisor = place["multipleOf"], !Self.isMultiple(value, of: divisor) {
            return place.violation("is no multiple of multipleOf")
        }
        return nil
    }

    /// Integers are compared exactly.
    private static func isLess(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if case .integer(let left) = left, case .integer(let right) = right { return left < right }
        return (left.double ?? .nan) < (right.double ?? .nan)
    }

    /// `0.3` counts as a multiple of `0.1`: a quotient within rounding of a whole number does.
    private static func isMultiple(_ value: JSONValue, of divisor: JSONValue) -> Bool {
        if case .integer(let value) = value, case .integer(let divisor) = divisor {
            return value % divisor == 0
        }
        let quotient = (value.double ?? .nan) / (divisor.double ?? .nan)
        guard quotient.isFinite else { return false }
        return (quotient - quotient.rounded()).magnitude <= quotient.ulp.magnitude * 4
    }

    mutating func array(_ items: [JSONValue], _ place: Place) throws(SchemaError) -> Violation? {
        let count = Double(items.count)
        if let limit = place["minItems"]?.double, count < limit {
            return place.violation("has fewer items than minItems")
        }
        if let limit = place["maxItems"]?.double, count > limit {
            return place.violation("has more items than maxItems")
        }
        if place["uniqueItems"] == .bool(true), !Self.areUnique(items) {
            return place.violation("has two equal items")
        }
        let prefix = place["prefixItems"]?.arrayValue ?? []
        for (index, item) in items.enumerated() {
            let schema = index < prefix.count ? prefix[index] : place["items"] ?? .bool(true)
            let pointer = "\(place.pointer)/\(index)"
            if let found = try self.apply(schema, to: item, at: pointer, depth: place.depth + 1) {
                return found
            }
        }
        guard let contained = place["contains"] else { return nil }
        var hits = 0
        for item in items where try self.fits(contained, item, place) { hits += 1 }
        if Double(hits) < place["minContains"]?.double ?? 1 {
            return place.violation("contains too few items of the wanted kind")
        }
        if let limit = place["maxContains"]?.double, Double(hits) > limit {
            return place.violation("contains too many items of the wanted kind")
        }
        return nil
    }

    /// By canonical text, in which `1` and `1.0` are the same.
    private static func areUnique(_ items: [JSONValue]) -> Bool {
        var seen: Set<String> = []
        return items.allSatisfy { seen.insert($0.canonicalText).inserted }
    }

    mutating func object(
        _ members: [String: JSONValue],
        _ place: Place
    ) throws(SchemaError) -> Violation? {
        if let found = Self.counted(members, place) { return found }
        let properties = place["properties"]?.objectValue ?? [:]
        let patterns = place["patternProperties"]?.objectValue ?? [:]
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if let schema = place["propertyNames"], try !self.fits(schema, .string(name), place) {
                return place.violation("has a property whose name is not allowed: '\(name)'")
            }
            var schemas: [JSONValue] = []
            if let schema = properties[name] { schemas.append(schema) }
            for (pattern, schema) in patterns where try self.patterns.matches(pattern, name) {
                schemas.append(schema)
            }
            if schemas.isEmpty, let schema = place["additionalProperties"] {
                if schema == .bool(false) {
                    return place.violation("has the unexpected property '\(name)'")
                }
                schemas.append(schema)
            }
            let pointer = place.pointer(to: name)
            for schema in schemas {
                if let found = try self.apply(
                    schema,
                    to: value,
                    at: pointer,
                    depth: place.depth + 1
                ) {
                    return found
                }
            }
        }
        return nil
    }

    private static func counted(_ members: [String: JSONValue], _ place: Place) -> Violation? {
        let count = Double(members.count)
        if let limit = place["minProperties"]?.double, count < limit {
            return place.violation("has fewer properties than minProperties")
        }
        if let limit = place["maxProperties"]?.double, count > limit {
            return place.violation("has more properties than maxProperties")
        }
        for name in place["required"]?.arrayValue ?? [] {
            if let name = name.stringValue, members[name] == nil {
                return place.violation("lacks the property '\(name)'")
            }
        }
        for (name, needed) in place["dependentRequired"]?.objectValue ?? [:]
        where members[name] != nil {
            for other in needed.arrayValue ?? [] {
                if let other = other.stringValue, members[other] == nil {
                    return place.violation("has '\(name)' without '\(other)'")
                }
            }
        }
        return nil
    }

    /// Keywords that apply further schemas to the same value.
    mutating func combined(_ value: JSONValue, _ place: Place) throws(SchemaError) -> Violation? {
        var further = place["allOf"]?.arrayValue ?? []
        if let reference = place["$ref"]?.stringValue {
            further.append(try self.resolve(reference))
        }
        if case .object(let members) = value {
            for (name, schema) in place["dependentSchemas"]?.objectValue ?? [:]
            where members[name] != nil { further.append(schema) }
        }
        if let condition = place["if"] {
            let branch = try self.fits(condition, value, place) ? place["then"] : place["else"]
            if let branch { further.append(branch) }
        }
        for schema in further {
            if let found = try self.apply(
                schema,
                to: value,
                at: place.pointer,
                depth: place.depth + 1
            ) {
                return found
            }
        }
        if let schemas = place["anyOf"]?.arrayValue {
            var isFitting = false
            for schema in schemas where !isFitting {
                isFitting = try self.fits(schema, value, place)
            }
            if !isFitting { return place.violation("fits none of anyOf") }
        }
        if let schemas = place["oneOf"]?.arrayValue {
            var hits = 0
            for schema in schemas where try self.fits(schema, value, place) { hits += 1 }
            if hits != 1 { return place.violation("fits \(hits) of oneOf, not exactly one") }
        }
        if let schema = place["not"], try self.fits(schema, value, place) {
            return place.violation("fits what it must not")
        }
        return nil
    }

    private func resolve(_ reference: String) throws(SchemaError) -> JSONValue {
        let fragment = String(reference.dropFirst())
        if fragment.isEmpty { return self.root }
        if fragment.hasPrefix("/") {
            if let schema = JSONPointer.value(at: fragment, in: self.root) { return schema }
        } else if let schema = self.anchors[fragment] {
            return schema
        }
        throw SchemaError(message: "$ref '\(reference)' leads nowhere in this schema")
    }
}
