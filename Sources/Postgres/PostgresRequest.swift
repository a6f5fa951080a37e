// Decides what one execution of a statement is: the statement and its values.

/// A statement with the values of one execution.
public struct PostgresRequest: Sendable {
    /// The statement to execute.
    public var statement: PostgresStatement
    /// One value per parameter of the statement.
    public var values: [PostgresValue]

    /// Pairs `statement` with `values`.
    public init(_ statement: PostgresStatement, _ values: [PostgresValue] = []) {
        self.statement = statement
        self.values = values
    }
}
