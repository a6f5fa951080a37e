// What a database cell becomes in JSON, by its type's object identifier.

import PulserIR

/// Cells as text, turned into JSON.
enum CellMapping {
    /// Beyond this an integer does not survive readers that count in doubles.
    private static let integerExactMax: Int64 = 1 << 53

    /// The JSON value of a cell that is not NULL.
    static func value(_ text: String, type: UInt32) -> JSONValue {
        switch type {
        case 16: .bool(text == "t")
        case 20, 21, 23, 26: Self.integer(text)
        case 700, 701: Self.double(text)
        case 1_700: Self.numeric(text)
        case 114, 3_802: (try? JSONValue(parsing: text)) ?? .string(text)
        default: .string(text)
        }
    }

    private static func integer(_ text: String) -> JSONValue {
        guard let number = Int64(text),
            (-Self.integerExactMax...Self.integerExactMax).contains(number)
        else { return .string(text) }
        return .integer(number)
    }

    /// `NaN` and the infinities have no JSON number.
    private static func double(_ text: String) -> JSONValue {
        guard let number = Double(text), number.isFinite else { return .string(text) }
        return Self.number(number)
    }

    /// A number only when it reads back as the same digits.
    private static func numeric(_ text: String) -> JSONValue {
        if !text.contains(".") { return Self.integer(text) }
        guard let number = Double(text), number.isFinite else { return .string(text) }
        var digits = text[...]
        while digits.hasSuffix("0") { digits.removeLast() }
        if digits.hasSuffix(".") { digits.removeLast() }
        let value = Self.number(number)
        return value.canonicalText == digits ? value : .string(text)
    }

    private static func number(_ number: Double) -> JSONValue {
        guard number == number.rounded(), number.magnitude <= Double(Self.integerExactMax) else {
            return .number(number)
        }
        return .integer(Int64(number))
    }
}
