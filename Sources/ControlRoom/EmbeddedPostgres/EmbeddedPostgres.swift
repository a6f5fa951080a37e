// Decides how a node gets its own Postgres: found or made, taken over or started, and stopped cleanly.

import Glibc
public import Logging

/// The node's own Postgres server on a unix socket.
///
/// The server is no child of this process: when the node is killed it goes on, and the next node takes it over.
/// Owner: the node. Runs on: default pool. Ends: `stop()`.
public actor EmbeddedPostgres {
    /// How to connect to the node's database.
    public nonisolated let conninfo: String
    /// The server's process.
    public nonisolated let serverProcessID: Int32
    /// The server was already running and was taken over.
    public nonisolated let wasTakenOver: Bool
    /// Where the server's log files are.
    public nonisolated let logDirectory: String

    private let binaries: PostgresBinaries
    private let account: ServerAccount
    private let place: ClusterPlace
    private let logger: Logger
    // The directory stays locked as long as the server is ours.
    private let directory: DataDirectory

    private init(
        _ starter: ClusterStarter,
        _ server: PostmasterFile,
        wasTakenOver: Bool,
        directory: DataDirectory
    ) {
        self.binaries = starter.binaries
        self.account = starter.account
        self.place = starter.place
        self.logger = starter.logger
        self.directory = directory
        self.serverProcessID = server.processID
        self.wasTakenOver = wasTakenOver
        self.logDirectory = starter.place.log
        let host =
            server.socketDirectory.isEmpty ? starter.place.socketDirectory : server.socketDirectory
        self.conninfo = ClusterStarter.conninfo(host: host)
    }

    /// Starts the server of `directory`, making its cluster first when there is none.
    ///
    /// With `fsync` off a crash of the machine may lose everything: for tests only. `environment` is searched for
    /// `OPSROOM_POSTGRES_BIN`, `PATH` and `XDG_RUNTIME_DIR`.
    public static func start(
        in directory: DataDirectory,
        logger: Logger,
        fsync: Bool = true,
        environment: [String: String] = EmbeddedPostgres.processEnvironment
    ) async throws(EmbeddedPostgresError) -> EmbeddedPostgres {
        let account = try ServerAccount.current()
        let place = try await ClusterPlace.prepare(
            in: directory,
            account: account,
            environment: environment
        )
        let binaries = try await Self.binaries(for: place, environment)
        let starter = ClusterStarter(
            binaries: binaries,
            account: account,
            place: place,
            logger: logger,
            isDurable: fsync
        )
        let (server, wasTakenOver) = try await starter.start()
        return EmbeddedPostgres(starter, server, wasTakenOver: wasTakenOver, directory: directory)
    }

    /// The newest installed PostgreSQL, or what to install.
    public static func findBinaries(
        environment: [String: String] = EmbeddedPostgres.processEnvironment
    ) async -> Result<PostgresBinaries, EmbeddedPostgresError> {
        if let first = await PostgresBinaries.all(environment: environment).first {
            return .success(first)
        }
        if let override = environment[PostgresBinaries.overrideKey], !override.isEmpty {
            return .failure(
                EmbeddedPostgresError(
                    .binariesMissing,
                    "\(PostgresBinaries.overrideKey) names \(override), where there is no PostgreSQL "
                        + "\(PostgresBinaries.majorVersionMin) or newer; correct or unset it"
                )
            )
        }
        return .failure(
            EmbeddedPostgresError(
                .binariesMissing,
                "no PostgreSQL \(PostgresBinaries.majorVersionMin) or newer is installed; "
                    + "run `apt-get install postgresql`, or set DATABASE_URL to use another server"
            )
        )
    }

    /// Whether the server's process is alive.
    public nonisolated var isRunning: Bool {
        kill(self.serverProcessID, 0) == 0 || errno == EPERM
    }

    /// Stops the server: clients are disconnected and data is written; after 20 s it is stopped hard.
    public func stop() async {
        let data = self.place.data
        guard PostmasterFile.running(on: data) != nil else { return }
        for (mode, seconds) in [("fast", 20), ("immediate", 10)] {
            let arguments = ["stop", "-D", data, "-m", mode, "-w", "-t", "\(seconds)"]
            if await self.account.run(self.binaries.program("pg_ctl"), arguments).isSuccess {
                return
            }
            guard PostmasterFile.running(on: data) != nil else { return }
            self.logger.warning("embedded postgres did not stop", metadata: ["mode": "\(mode)"])
        }
    }

    /// This process's environment variables.
    public static var processEnvironment: [String: String] {
        var variables: [String: String] = [:]
        for key in [PostgresBinaries.overrideKey, "PATH", "XDG_RUNTIME_DIR"] {
            if let value = getenv(key) { variables[key] = String(cString: value) }
        }
        return variables
    }

    /// The newest, or for an existing cluster those of its version.
    private static func binaries(
        for place: ClusterPlace,
        _ environment: [String: String]
    ) async throws(EmbeddedPostgresError) -> PostgresBinaries {
        let newest = try await Self.findBinaries(environment: environment).get()
        guard let text = TextFile.read(place.data + "/PG_VERSION"),
            let major = Int(text.prefix { $0.isNumber }), major != newest.majorVersion
        else { return newest }
        let all = await PostgresBinaries.all(environment: environment)
        if let matching = all.first(where: { $0.majorVersion == major }) { return matching }
        throw EmbeddedPostgresError(
            .versionMismatch,
            "the data in \(place.data) was made by PostgreSQL \(major), and only "
                + "\(newest.majorVersion) is installed; run `apt-get install postgresql-\(major)`"
        )
    }
}
