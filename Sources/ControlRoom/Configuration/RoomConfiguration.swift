// What a room is: where its data lies, which database, how much it runs at once; and where each
// value came from.

/// Settings of a room, read from flags and environment.
public struct RoomConfiguration: Sendable {
    /// A setting and where it came from.
    public struct Value: Sendable, Hashable {
        /// The setting's name.
        public var name: String
        /// Its value; secrets are not shown.
        public var value: String
        /// `flag`, `environment NAME` or `default`.
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
    /// Secrets by name: the environment's `OPSROOM_SECRET_<NAME>`.
    public var secrets: [String: String]
    /// The whole environment, for plans that allow-list names of it.
    public var environment: [String: String]
    /// Whether to lose nothing when the machine loses power. Default true; tests turn it off.
    public var isDurable = true
    /// How the node offers its API; `nil` when it does not. Default `nil`: only `opsroom up` listens.
    public var listen: ListenSettings?
    /// Where each value came from.
    public var origins: [Value]

    /// Reads settings; a flag wins over the environment, the environment over the default.
    ///
    /// - Throws: A sentence naming the setting that cannot be used.
    public init(
        data: String? = nil,
        name: String? = nil,
        runsMax: Int? = nil,
        environment: [String: String]
    ) throws(RoomError) {
        var origins: [Value] = []
        func pick(_ name: String, _ flag: String?, _ key: String, _ fallback: String) -> String {
            let variable = environment[key].flatMap { $0.isEmpty ? nil : $0 }
            let value = flag ?? variable ?? fallback
            let origin = flag != nil ? "flag" : variable != nil ? "environment \(key)" : "default"
            origins.append(Value(name: name, value: value, origin: origin))
            return value
        }
        self.data = pick("data", data, "OPSROOM_DATA", DataDirectory.defaultPath)
        self.nodeName = pick("name", name, "OPSROOM_NAME", HostName.current)
        let places = pick("runs-max", runsMax.map(String.init), "OPSROOM_RUNS_MAX", "64")
        guard let places = Int(places), (1...10_000).contains(places) else {
            throw RoomError(.usage, "runs-max must be a number from 1 to 10000")
        }
        self.runsMax = places
        self.databaseURL = environment["DATABASE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        origins.append(
            Value(
                name: "database",
                value: self.databaseURL == nil ? "embedded" : "external",
                origin: self.databaseURL == nil ? "default" : "environment DATABASE_URL"
            )
        )
        let prefix = "OPSROOM_SECRET_"
        var secrets: [String: String] = [:]
        for (key, value) in environment where key.hasPrefix(prefix) {
            secrets[String(key.dropFirst(prefix.count))] = value
        }
        self.secrets = secrets
        self.environment = environment
        self.origins = origins
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
