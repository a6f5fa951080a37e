// What execution needs to know, with its defaults and limits.

public import Cluster
public import PulserIR

/// Settings of a node's execution.
public struct ExecutionConfiguration: Sendable {
    /// The node's name for people.
    public var nodeName: String
    /// What is exclusive to this process; one live node per address.
    public var address: String
    /// What the program was built from.
    public var build: String
    /// An absolute folder for workspaces, one per run.
    public var workspaces: String
    /// An absolute folder for artifacts over ``Limits/artifactInlineBytesMax``, by digest.
    public var artifacts: String
    /// Runs at once on this node. Default 64.
    public var runsMax = 64
    /// Whether no other node can reach the database: then running effects need not stop when it is
    /// away, because nobody could have taken the work over.
    public var isExclusive: Bool
    /// How long a stopping node lets running attempts finish. Default 10 s.
    public var drainTimeout: Duration = .seconds(10)
    /// How other nodes call this one; `nil` for a node that they cannot call. Default `nil`.
    public var peers: PeerSettings?
    /// The node's failure domain. Default none.
    public var zone = ""
    /// Values of secrets, by name.
    public var secrets: [String: String] = [:]
    /// The node's environment, from which plans read allow-listed names.
    public var environment: [String: String] = [:]

    /// Makes settings.
    public init(
        nodeName: String,
        address: String,
        build: String,
        workspaces: String,
        artifacts: String,
        isExclusive: Bool
    ) {
        self.nodeName = nodeName
        self.address = address
        self.build = build
        self.workspaces = workspaces
        self.artifacts = artifacts
        self.isExclusive = isExclusive
    }
}

extension ExecutionConfiguration {
    /// How this node's actors and those of others call each other.
    func calls(of node: NodeEpoch) -> ClusterConfiguration {
        // One database is one cluster, and epochs are its own: a node of another one is told by its
        // epoch, and by its certificate.
        var configuration = ClusterConfiguration(node: node, cluster: "opsroom")
        configuration.build = self.build
        guard let peers = self.peers else { return configuration }
        configuration.host = peers.host
        configuration.port = peers.port
        configuration.tls = peers.tls
        return configuration
    }
}

/// How a node talks to other nodes.
public struct PeerSettings: Sendable {
    /// The host to listen on.
    public var host: String
    /// The port.
    public var port: Int
    /// Where others call it, `host:port`.
    public var endpoint: String
    /// Certificates; `nil` speaks in the clear, which is possible on loopback only.
    public var tls: ClusterTLS?

    /// Describes it.
    public init(host: String, port: Int, endpoint: String, tls: ClusterTLS?) {
        self.host = host
        self.port = port
        self.endpoint = endpoint
        self.tls = tls
    }
}

/// A database that belongs to one run.
public struct ScratchDatabase: Sendable, Hashable {
    /// A connection string for libpq.
    public var dsn: String
    /// The server's host or socket folder.
    public var host: String
    /// The server's port.
    public var port: String
    /// The role.
    public var user: String
    /// The database's name.
    public var database: String
    /// The role's password, where the server asks for one; kept out of everything that is stored.
    public var password: String?

    /// Describes a database.
    public init(
        dsn: String,
        host: String,
        port: String,
        user: String,
        database: String,
        password: String? = nil
    ) {
        self.password = password
        self.dsn = dsn
        self.host = host
        self.port = port
        self.user = user
        self.database = database
    }

    /// What expressions read as `run.scratch`.
    public var json: JSONValue {
        .object([
            "dsn": .string(self.dsn), "host": .string(self.host), "port": .string(self.port),
            "user": .string(self.user), "database": .string(self.database),
        ])
    }
}

/// Makes and drops the databases of runs.
public protocol ScratchDatabases: Sendable {
    /// The run's database, made when it is not there yet.
    ///
    /// - Throws: A sentence for people.
    func open(_ run: RunID) async throws(ExecutionError) -> ScratchDatabase

    /// Drops the run's database, if there is one.
    func drop(_ run: RunID) async
}

/// What goes wrong around a run's steps.
public struct ExecutionError: Error, Sendable, CustomStringConvertible {
    /// One sentence for people.
    public var description: String
    /// Whether the same call may succeed later.
    public var isTransient: Bool

    /// Makes an error.
    public init(_ description: String, isTransient: Bool = false) {
        self.description = description
        self.isTransient = isTransient
    }
}
