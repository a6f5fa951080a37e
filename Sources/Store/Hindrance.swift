// Decides what keeps a database from its work, in words for people.

internal import Postgres

/// Why a database does not do now what it would do at another time.
public enum Hindrance: String, Sendable, Hashable, CaseIterable {
    /// It takes no writes: a standby, or set so.
    case readOnly
    /// There is no room on its disk.
    case diskFull
    /// It takes no more connections.
    case noConnection
    /// It has no memory or no locks left.
    case noMemory
    /// A statement took longer than it allows, or somebody ended it.
    case timeLimit
    /// Transactions that met were undone more often than they were repeated.
    case contention

    /// What is the matter, said of the database as "it".
    public var phrase: String {
        switch self {
        case .readOnly: "it takes no writes now, being read-only"
        case .diskFull: "its disk is full"
        case .noConnection: "it has no connection left"
        case .noMemory: "it has no memory left"
        case .timeLimit: "it cuts off statements that take longer than it allows"
        case .contention: "it keeps undoing transactions that meet others"
        }
    }

    /// What the driver's error tells of it; `nil` when it tells nothing more than that.
    init?(_ error: PostgresError) {
        switch error.sqlState {
        case "25006": self = .readOnly
        case "53100": self = .diskFull
        case "53300": self = .noConnection
        case "53000", "53200", "53400": self = .noMemory
        case "57014": self = .timeLimit
        case "40001", "40P01": self = .contention
        // While connecting, and for what the system itself refuses, there are only words.
        default:
            let words = error.message
            if words.contains("No space left on device") {
                self = .diskFull
            } else if ["too many clients", "too many connections", "connection slots are reserved"]
                .contains(where: words.contains)
            {
                self = .noConnection
            } else {
                return nil
            }
        }
    }
}
