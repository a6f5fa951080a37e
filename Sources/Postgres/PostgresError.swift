// Decides what can go wrong with Postgres, and which of it is worth another try.

/// What this module throws.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The server answered and refused the connection, or TLS could not be agreed.
        case connectionFailed
        /// Nothing listens at the address.
        case missingServer
        /// An established connection broke.
        case connectionLost
        /// A deadline passed.
        case timeout
        /// The calling task was cancelled.
        case cancelled
        /// No connection became free in time.
        case poolExhausted
        /// The connection or pool was closed by this program.
        case closed
        /// Too many calls wait on one connection.
        case overloaded
        /// The server reported an error; see `sqlState`.
        case server
        /// The server or a result did not have the expected form.
        case protocolViolation
        /// A value does not fit its parameter.
        case invalidParameter
        /// The sequence that fed a COPY failed.
        case copyFailed
    }

    /// What kind of failure it was.
    public var code: Code
    /// The server's five-character error code, when it sent one.
    public var sqlState: String?
    /// For people: one sentence or more, without parameter values.
    public var message: String
    /// The constraint that was violated, when the server named one.
    public var constraint: String?
    /// The statement's name, when one was being executed.
    public var statement: String?
    /// The work may have been committed although no answer arrived.
    public var outcomeUnknown: Bool

    /// Describes a failure.
    public init(
        _ code: Code,
        _ message: String,
        sqlState: String? = nil,
        constraint: String? = nil,
        statement: String? = nil,
        outcomeUnknown: Bool = false
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.constraint = constraint
        self.statement = statement
        self.outcomeUnknown = outcomeUnknown
    }

    /// Trying again can succeed without anybody changing anything.
    public var isTransient: Bool {
        switch self.code {
        case .connectionLost, .connectionFailed, .missingServer, .poolExhausted, .overloaded:
            return true
        case .server:
            guard let sqlState else { return false }
            // Class 53 is "insufficient resources", 57P0x are shutdowns, 08 are connection failures.
            return ["40001", "40P01", "55P03", "26000"].contains(sqlState) || self.isStalePlan
                || ["53", "57P0", "08"].contains(where: sqlState.hasPrefix)
        case .timeout, .cancelled, .closed, .protocolViolation, .invalidParameter, .copyFailed:
            return false
        }
    }

    /// The transaction was undone because it met another one; repeated it can succeed at once.
    public var isUndone: Bool { ["40001", "40P01"].contains(self.sqlState) }
    /// A unique constraint refused the row.
    public var isUniqueViolation: Bool { self.sqlState == "23505" }
    /// A column that must have a value got none.
    public var isNotNullViolation: Bool { self.sqlState == "23502" }
    /// The table does not exist, usually before the first migration.
    public var isUndefinedTable: Bool { self.sqlState == "42P01" }

    /// The server's plan is older than the schema; preparing again repairs it.
    var isStalePlan: Bool {
        self.sqlState == "0A000" && self.message.contains("cached plan must not change")
    }

    /// The server does not know the prepared statement, or no longer wants its plan.
    var needsPreparing: Bool { self.sqlState == "26000" || self.isStalePlan }

    /// Code, error code and message in one line.
    public var description: String {
        let state = self.sqlState.map { " \($0)" } ?? ""
        let statement = self.statement.map { " in \($0)" } ?? ""
        return "\(self.code.rawValue)\(state)\(statement): \(self.message)"
    }
}
