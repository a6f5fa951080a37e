// How large a value is, and what text it makes inside other text.

extension JSONValue {
    /// An integer or a number as a number, otherwise `nil`.
    package var numberValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The text of a scalar inside other text; `nil` for null, lists and objects.
    package var embeddedText: String? {
        switch self {
        case .string(let text): text
        case .bool, .integer, .number: self.canonicalText
        case .null, .array, .object: nil
        }
    }

    /// Whether the canonical form is not larger than `limit`, counted without writing it. Escapes
    /// inside texts are not counted.
    package func fits(bytes limit: Int) -> Bool { self.remainder(of: limit) >= 0 }

    /// What is left of `budget` after this value; negative, at once, when it does not fit.
    private func remainder(of budget: Int) -> Int {
        switch self {
        case .null, .bool: return budget - 4
        case .integer, .number: return budget - 8
        case .string(let text): return budget - text.utf8.count - 2
        case .array(let items):
            var left = budget - 2
            for item in items where left >= 0 { left = item.remainder(of: left - 1) }
            return left
        case .object(let members):
            var left = budget - 2
            for (key, value) in members where left >= 0 {
                left = value.remainder(of: left - key.utf8.count - 4)
            }
            return left
        }
    }

    /// Whether JSON text opens more than `limit` lists and objects inside each other.
    static func nests(deeperThan limit: Int, in text: some Collection<UInt8>) -> Bool {
        var depth = 0
        var isText = false
        var isEscaped = false
        for byte in text {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            if depth > limit { return true }
        }
        return false
    }
}
