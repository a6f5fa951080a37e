// Writes the registry in the Prometheus text format, version 0.0.4.

/// The text format of metrics.
enum MetricsText {
    /// What the text is called.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// One line of a series.
    struct Sample: Sendable {
        /// What follows the name of the family.
        var suffix = ""
        /// A label of this line alone.
        var label: (String, String)?
        /// The value as text.
        var value: String
    }

    /// The whole text.
    static func write(_ registry: MetricsRegistry) -> String {
        var text = ""
        for (name, family) in registry.snapshot() {
            text += "# TYPE \(name) \(family.kind)\n"
            let all = family.series.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            for (_, series) in all {
                for sample in series.handler.samples {
                    let labels = series.labels + (sample.label.map { [$0] } ?? [])
                    text += "\(name)\(sample.suffix)\(Self.labels(labels)) \(sample.value)\n"
                }
            }
        }
        return text
    }

    /// One number that is read at the moment of writing.
    static func line(_ name: String, _ kind: String, _ value: Double) -> String {
        "# TYPE \(name) \(kind)\n\(name) \(Self.number(value))\n"
    }

    private static func labels(_ labels: [(String, String)]) -> String {
        if labels.isEmpty { return "" }
        return "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}"
    }

    /// A label's value: backslash, quote and line feed are escaped.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A name: what is neither letter, digit nor `_` becomes `_`, and no digit comes first.
    static func name(_ label: String) -> String {
        let text = String(
            decoding: label.utf8.map { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: byte
                default: UInt8(ascii: "_")
                }
            },
            as: UTF8.self
        )
        return text.first.map { $0.isNumber } ?? true ? "_" + text : text
    }

    /// A value as Go reads it.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), value.magnitude < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }
}
