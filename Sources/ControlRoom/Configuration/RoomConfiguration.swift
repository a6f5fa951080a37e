// What a room is: where its data lies, which database, how much it runs at once; and where each
// value came from.

import Postgres

/// Settings of a room, read from flags and environment.
public struct RoomConfiguration: Sendable {
    /// A setting and where it came from.
    public struct Value: Sendable, Hashable {
        /// The setting's name.
        public var name: String
        /// Its value; secrets are not shown.
        public var value: String
        /// `flag --NAME`, `environment NAME`, `file PATH` or `default`.
        public var origin: String
    }

    /// The data directory. Default `.opsroom`.
    public var data: String
    /// The database's connection string; `nil` means the embedded server.
    public var databaseURL: String?
    /// The node's name for people. Default the host's name.
    public var nodeName: String
    /// Runs at once on this node. Default 64.
    public var runsMax: Int
    /// How long a stopping node lets running steps finish. Default 10 s.
    public var drainTimeout: Duration
    /// Secrets by name: the environment's `OPSROOM_SECRET_<NAME>`.
    public var secrets: [String: String]
    /// The whole environment, for plans that allow-list names of it.
    public var environment: [String: String]
    /// Whether to lose nothing when the machine loses power. Default true; tests turn it off.
    public var isDurable = true
    /// How the node offers its API; `nil` when it does not. Default `nil`: only `opsroom up` listens.
    public var listen: ListenSettings?
    /// How other nodes reach this one; `nil` when they cannot. Default `nil`: only `opsroom node` asks.
    public var peers: PeerListenSettings?
    /// The node's failure domain. Default none.
    public var zone = ""
    /// File with the keys that seal inputs and outputs; `nil`: nothing is sealed.
    public var sealKeys: String?
    /// Where each value came from.
    public var origins: [Value]

    /// Reads the settings that every command needs.
    ///
    /// - Parameters:
    ///   - flags: What the command line says.
    ///   - environment: The process's variables.
    /// - Throws: A sentence naming the setting that cannot be used.
    public init(
        _ flags: [Setting: String] = [:],
        environment: [String: String]
    ) throws(RoomError) {
        var reader = SettingReader(flags: flags, environment: environment)
        self.init(&reader, environment: environment)
        guard let problem = reader.problems.first else { return }
        throw RoomError(
            .usage,
            problem,
            next: problem.hasPrefix(Setting.join.rawValue)
                ? "DATABASE_URL=postgres://USER@HOST/DATABASE opsroom doctor" : nil
        )
    }

    /// Reads a room's settings; what is wrong with them is the reader's to tell.
    ///
    /// - Parameters:
    ///   - reader: Knows flags, environment and file.
    ///   - environment: The process's variables, for secrets and plans.
    public init(_ reader: inout SettingReader, environment: [String: String]) {
        self.data = reader.text(.data, default: DataDirectory.defaultPath)
        self.nodeName = reader.text(.name, default: HostName.current)
        self.runsMax = reader.number(.runsMax, in: 1...10_000, default: 64)
        self.drainTimeout = reader.duration(.drainTimeout, default: .seconds(10))
        self.databaseURL = reader.text(.join, unset: "embedded")
        if let url = self.databaseURL, !PostgresConfiguration(conninfo: url).isReadable {
            // What libpq says of it is not repeated: it quotes the text and with it the password.
            reader.refuse(
                .join,
                "is neither a postgres:// URL nor keyword=value pairs that libpq knows"
            )
        }
        self.sealKeys = reader.text(.sealKeys)
        let prefix = "OPSROOM_SECRET_"
        var secrets: [String: String] = [:]
        for (key, value) in environment where key.hasPrefix(prefix) {
            secrets[String(key.dropFirst(prefix.count))] = value
        }
        self.secrets = secrets
        self.environment = environment
        self.origins = reader.origins
    }
}

/// What went wrong with a room, with the exit code that tells a script so.
public struct RoomError: Error, Sendable, CustomStringConvertible {
    /// The exit codes of the command line.
    public enum Code: Int32, Sendable, Hashable {
        /// The command failed.
        case failed = 1
        /// The work finished, its result is bad.
        case badResult = 2
        /// It took too long.
        case timedOut = 3
        /// The server does not know who is asking, or does not let them.
        case unauthenticated = 4
        /// There is no such thing.
        case notFound = 5
        /// Something else is in the way.
        case conflict = 6
        /// Needs a confirmation.
        case refused = 7
        /// The command's words are wrong.
        case usage = 64
        /// The database or the node cannot be reached.
        case unavailable = 69
        /// Interrupted by a signal.
        case interrupted = 130
    }

    /// What kind of failure.
    public var code: Code
    /// One sentence.
    public var message: String
    /// A command to run next, if there is one.
    public var next: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, next: String? = nil) {
        self.code = code
        self.message = message
        self.next = next
    }

    /// The sentence.
    public var description: String { self.message }
}
