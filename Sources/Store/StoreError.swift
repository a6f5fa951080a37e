// What can go wrong with durable state, in the words of the product instead of the driver's.

internal import Postgres

/// An error of the store.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: String, Sendable, Hashable {
        /// The database cannot be reached or refuses work for now; the same call may succeed later.
        case unavailable
        /// The write carried an old generation or claim: somebody else owns the run by now.
        case stale
        /// No such row.
        case notFound
        /// The row exists already, or is in another state than the call needs.
        case conflict
        /// The question needs longer than it may take; asked again it would again.
        case tooCostly
        /// The text given does not name exactly one thing.
        case ambiguous
        /// The caller was cancelled.
        case cancelled
        /// A stored row cannot be read.
        case corrupt
        /// The migrations do not fit the database.
        case migration
        /// Anything else the server answered.
        case server
    }

    /// What kind of failure it is.
    public var code: Code
    /// One sentence for people, without values.
    public var message: String
    /// What keeps the database from its work, when it said so.
    public var hindrance: Hindrance?

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { self.message }

    /// Whether the same call may succeed later.
    public var isTransient: Bool { self.code == .unavailable }

    init(_ error: PostgresError) {
        switch error.code {
        case .cancelled: self.init(.cancelled, "cancelled")
        case .server where error.isUniqueViolation:
            self.init(.conflict, "the row exists already: \(error.message)")
        // What `write_refused` says.
        case .server where error.sqlState == "OR002":
            self.init(.stale, error.message)
        case .server where error.isUndefinedTable:
            self.init(.migration, "the database lacks the room's tables")
        // 25006: the server takes no writes for now, as a standby before its promotion.
        // 57014: cut off by a timeout or by hand; class 58 and XX000: the server's own trouble.
        case .server where error.sqlState.map(Self.passingStates) ?? false:
            self.init(unavailable: error)
        // A value that cannot be sent cannot be sent later either: repeated it would block the
        // writer's queue for ever.
        case .server where !error.isTransient, .invalidParameter, .protocolViolation, .copyFailed:
            self.init(.server, "the database refused a statement: \(error.message)")
        case .server, .connectionFailed, .missingServer, .connectionLost, .timeout, .poolExhausted,
            .closed, .overloaded:
            self.init(unavailable: error)
        }
    }

    private init(unavailable error: PostgresError) {
        let hindrance = Hindrance(error)
        let cause = hindrance.map { "\($0.phrase): " } ?? ""
        self.init(.unavailable, "database unavailable: \(cause)\(error.message)")
        self.hindrance = hindrance
    }

    private static func passingStates(_ state: String) -> Bool {
        ["25006", "57014", "XX000"].contains(state) || state.hasPrefix("58")
    }
}
