// Which JSON value a plain YAML scalar is: the core schema of YAML 1.2.

/// Resolves plain scalars. `yes`, `no`, `on`, `off` and dates stay text.
enum ScalarResolver {
    /// A scalar that looks like a number JSON does not have.
    struct Unrepresentable: Error {
        var message: String
    }

    /// The value of a plain scalar.
    static func resolve(_ text: String) throws(Unrepresentable) -> SourceNode.Content {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, self.startsNumber(first) else { return .text(text) }
        return try self.number(text) ?? .text(text)
    }

    private static func number(_ text: String) throws(Unrepresentable) -> SourceNode.Content? {
        let bytes = Array(text.utf8)
        let lower = text.lowercased()
        if [".inf", "+.inf", "-.inf", ".nan"].contains(lower) {
            throw Unrepresentable(message: "'\(text)' is not a number JSON can hold")
        }
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            guard !digits.isEmpty, digits.allSatisfy(\.isHexDigit) else { return nil }
            guard radix == 16 || digits.allSatisfy({ "01234567".contains($0) }) else { return nil }
            guard let value = Int64(digits, radix: radix) else { throw self.tooLarge }
            return .integer(value)
        }
        let start = bytes[0] == 0x2B || bytes[0] == 0x2D ? 1 : 0
        var index = start
        let whole = self.skipDigits(bytes, &index)
        if index == bytes.count, whole > 0 {
            guard let value = Int64(text) else { throw self.tooLarge }
            return .integer(value)
        }
        var fraction = 0
        if index < bytes.count, bytes[index] == 0x2E {
            index += 1
            fraction = self.skipDigits(bytes, &index)
        }
        guard whole + fraction > 0 else { return nil }
        if index < bytes.count, bytes[index] | 0x20 == 0x65 {
            index += 1
            if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
            guard self.skipDigits(bytes, &index) > 0 else { return nil }
        }
        guard index == bytes.count else { return nil }
        var readable = String(decoding: bytes[start...], as: UTF8.self)
        if readable.hasPrefix(".") { readable = "0" + readable }
        guard let magnitude = Double(readable), magnitude.isFinite else { throw self.tooLarge }
        let value = bytes[0] == 0x2D ? -magnitude : magnitude
        // A whole number is an integer however it was written, as in canonical JSON.
        if value == value.rounded(), value.magnitude <= 9_007_199_254_740_992 {
            return .integer(Int64(value))
        }
        return .number(value)
    }

    private static let tooLarge = Unrepresentable(message: "the number is too large for 64 bits")

    private static func startsNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || byte == 0x2B || byte == 0x2D || byte == 0x2E
    }

    private static func skipDigits(_ bytes: [UInt8], _ index: inout Int) -> Int {
        let start = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        return index - start
    }
}
