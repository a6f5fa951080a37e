// What a plan file says at one place, after YAML's own rules are applied.

internal import PulserIR

/// One value of a plan file and where it stands.
struct SourceNode {
    /// What the value is.
    indirect enum Content {
        case null
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case text(String)
        case list([SourceNode])
        case map([SourceEntry])
    }

    /// How a scalar is quoted, which decides where its characters stand.
    enum Style {
        case plain
        case singleQuoted
        case doubleQuoted
        case block
    }

    var content: Content
    var mark: SourceMark
    var style = Style.plain

    /// The type's name in errors.
    var typeName: String {
        switch self.content {
        case .null: "nothing"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .text: "text"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// The text of a text.
    var text: String? { if case .text(let text) = self.content { text } else { nil } }

    /// The value as JSON.
    var json: JSONValue {
        switch self.content {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .text(let value): .string(value)
        case .list(let items): .array(items.map(\.json))
        case .map(let entries):
            .object(
                Dictionary(entries.map { ($0.key, $0.value.json) }, uniquingKeysWith: { $1 })
            )
        }
    }
}

/// One key of a map with its value.
struct SourceEntry {
    var key: String
    var mark: SourceMark
    var value: SourceNode
}
