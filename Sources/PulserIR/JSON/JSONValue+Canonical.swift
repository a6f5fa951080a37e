// The one byte form of a JSON value: RFC 8785 (JSON Canonicalization Scheme).

extension JSONValue {
    /// The RFC 8785 bytes of this value: keys sorted by UTF-16 units, no white space, numbers as
    /// ECMAScript prints them.
    public var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        self.writeCanonical(to: &bytes)
        return bytes
    }

    /// The RFC 8785 text of this value.
    public var canonicalText: String { String(decoding: self.canonicalBytes, as: UTF8.self) }

    /// Appends the RFC 8785 bytes of this value to `bytes`.
    public func writeCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): Self.writeInteger(value, to: &bytes)
        case .number(let value): bytes.append(contentsOf: Self.canonicalNumber(value).utf8)
        case .string(let value): Self.writeString(value, to: &bytes)
        case .array(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                item.writeCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            Self.writeObject(members, to: &bytes)
        }
    }

    /// Appends a number's digits, without a text in between.
    static func writeInteger(_ number: Int64, to bytes: inout [UInt8]) {
        guard number >= 0 else { return bytes.append(contentsOf: String(number).utf8) }
        var scale: Int64 = 1
        while number / scale >= 10 { scale *= 10 }
        while scale > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / scale % 10))
            scale /= 10
        }
    }

    private static func writeObject(_ members: [String: JSONValue], to bytes: inout [UInt8]) {
        func write(_ key: String, _ value: JSONValue) {
            Self.writeString(key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            value.writeCanonical(to: &bytes)
        }
        bytes.append(UInt8(ascii: "{"))
        if members.count == 1, let member = members.first {
            // Very many are, and need no order.
            write(member.key, member.value)
        } else if !members.isEmpty {
            let sorted = members.sorted { Self.isBefore($0.key, $1.key) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(member.key, member.value)
            }
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Whether a key comes before another one by UTF-16 units. Bytes of UTF-8 have the same order
    /// but for what is written with surrogates: that comes before U+E000, and its bytes after.
    private static func isBefore(_ left: String, _ right: String) -> Bool {
        var (left, right) = (left, right)
        let order: Bool? = left.withUTF8 { left in
            right.withUTF8 { right in
                for (first, second) in zip(left, right) where first != second {
                    return max(first, second) < 0xEE ? first < second : nil
                }
                return left.count < right.count
            }
        }
        return order ?? left.utf16.lexicographicallyPrecedes(right.utf16)
    }

    /// Appends `text` as a JSON string, escaped as RFC 8785 section 3.2.2.2 asks.
    public static func writeString(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        let isPlain = text.withUTF8 { units in
            // Nearly every text: taken over as a whole.
            let isPlain = units.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }
            if isPlain { bytes.append(contentsOf: units) }
            return isPlain
        }
        if !isPlain { Self.writeEscaped(text, to: &bytes) }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func writeEscaped(_ text: String, to bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case 0x22: bytes.append(contentsOf: [0x5C, 0x22])
            case 0x5C: bytes.append(contentsOf: [0x5C, 0x5C])
            case 0x08: bytes.append(contentsOf: [0x5C, 0x62])
            case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
            case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
            case 0x0C: bytes.append(contentsOf: [0x5C, 0x66])
            case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.hexDigits[Int(byte >> 4)])
                bytes.append(Self.hexDigits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
    }

    /// The ECMAScript `Number::toString` form: plain digits from 1e-6 up to 1e21, else an exponent.
    ///
    /// JSON has no form for infinities and NaN; they never enter a ``JSONValue`` by parsing and are
    /// written as `null`, as `JSON.stringify` does.
    static func canonicalNumber(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == 0 { return "0" }
        let sign = value < 0 ? "-" : ""
        // Swift prints the shortest digits that read back the same, as ECMAScript does; only
        // where the point and the exponent go differs.
        let (digits, point) = Self.shortestDigits(value.magnitude)
        let count = digits.count
        if count <= point, point <= 21 {
            return sign + digits + String(repeating: "0", count: point - count)
        }
        if point > 0, point <= 21 {
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        }
        if point > -6, point <= 0 {
            return sign + "0." + String(repeating: "0", count: -point) + digits
        }
        let exponent = point - 1
        let power = (exponent < 0 ? "-" : "+") + String(exponent.magnitude)
        let fraction = count == 1 ? "" : "." + digits.dropFirst()
        return sign + digits.prefix(1) + fraction + "e" + power
    }

    /// The significant digits of `value` and the place of the decimal point before which they stand.
    private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
        let parts = "\(value)".split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let whole = mantissa[0]
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
        var digits = String(whole) + fraction
        var point = whole.count + exponent
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            point -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        return (digits, point)
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
