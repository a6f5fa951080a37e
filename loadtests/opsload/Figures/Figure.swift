// One number of a result, and which way it gets better.

import PulserIR

/// A measured number.
struct Figure: Sendable, Hashable {
    /// Which way it gets better.
    enum Direction: String, Sendable, Hashable {
        case lower
        case higher
        /// It says what was done, not how well.
        case neither
    }

    /// What was measured, words joined by dots.
    var name: String
    /// How much.
    var value: Double
    /// In which unit.
    var unit: String
    /// Which way it gets better.
    var better: Direction
    /// The share by which it may get worse; `nil` leaves it to who compares.
    var tolerance: Double?

    init(
        _ name: String,
        _ value: Double,
        _ unit: String,
        _ better: Direction = .neither,
        tolerance: Double? = nil
    ) {
        self.name = name
        self.value = value
        self.unit = unit
        self.better = better
        self.tolerance = tolerance
    }

    init(_ json: JSONValue) throws(LoadError) {
        guard let name = json["name"]?.stringValue, let value = json["value"]?.doubleValue,
            let unit = json["unit"]?.stringValue,
            let better = json["better"]?.stringValue.flatMap(Direction.init)
        else { throw LoadError("a figure has no name, value, unit or direction") }
        self.init(name, value, unit, better, tolerance: json["tolerance"]?.doubleValue)
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(self.name), "value": .number(self.value), "unit": .string(self.unit),
            "better": .string(self.better.rawValue),
        ]
        if let tolerance { members["tolerance"] = .number(tolerance) }
        return .object(members)
    }

    /// The value as people read it: three significant digits, more for large counts.
    var text: String { Self.text(self.value) }

    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        let size = value.magnitude
        let places = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let whole = Int64((size * scale).rounded())
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard places > 0 else { return sign + Self.grouped(whole) }
        let digits = String(whole % Int64(scale))
        let padding = String(repeating: "0", count: places - digits.count)
        return "\(sign)\(whole / Int64(scale)).\(padding)\(digits)"
    }

    private static func grouped(_ number: Int64) -> String {
        var groups: [String] = []
        var rest = String(number)[...]
        while rest.count > 3 {
            groups.insert(String(rest.suffix(3)), at: 0)
            rest = rest.dropLast(3)
        }
        return ([String(rest)] + groups).joined(separator: ",")
    }
}

extension JSONValue {
    /// The number, whole or not.
    var doubleValue: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
}
