// Decides how a node says that it cannot have its own Postgres.

/// Why the node's data directory or its own Postgres cannot be used; one sentence and a next step.
public struct EmbeddedPostgresError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The directory cannot be made or written.
        case directoryUnusable
        /// Another node works in the directory.
        case directoryInUse
        /// No PostgreSQL is installed.
        case binariesMissing
        /// The directory was made by a PostgreSQL that is not installed.
        case versionMismatch
        /// `initdb` failed.
        case initializationFailed
        /// The server did not start.
        case startFailed
        /// Started as root, and there is no user to run Postgres as.
        case accountMissing
    }

    /// What kind of failure it was.
    public var code: Code
    /// For people: what is wrong and what to do.
    public var message: String

    /// Describes a failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { self.message }
}
