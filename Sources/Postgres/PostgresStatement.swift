// Decides what a statement is: a name, the types of its parameters and its text.

/// A statement that is prepared once per connection and then executed by name.
public struct PostgresStatement: Sendable, Hashable {
    /// The prepared statement's name and the metric label, such as `runs.claim`.
    public let name: String
    /// The text, with parameters as `$1`, `$2`, …
    public let sql: String
    /// One type per parameter; values are encoded as these types.
    public let parameters: [PostgresType]

    /// Describes a statement; nothing is sent until it is executed.
    public init(_ name: String, _ parameters: [PostgresType], _ sql: String) {
        self.name = name
        self.parameters = parameters
        self.sql = sql
    }

    /// Equal when name and text are; the name decides almost always.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.name) }
}
