// Composition: brings up the database, the schema, the pool and, where needed, the node, for as
// long as a body runs; then takes everything down again.

import AsyncHTTPClient
import Execution
import Foundation
public import HTTP2
public import Logging
import Postgres
import PulserIR
public import Store
import Tools

/// A room in this process.
public struct Room: Sendable {
    /// Whether a command needs a node.
    public enum NodeNeed: Sendable, Hashable {
        /// The database alone is enough.
        case none
        /// Some node must work; one is started here when none does.
        case some
        /// This process must be the node.
        case here
        /// This process keeps the database for nodes in other processes.
        case others
    }

    /// What a node says of itself while it works.
    public enum Notice: Sendable, Hashable {
        /// The embedded server runs; taken over when a crashed process had left it running.
        case database(takenOver: Bool)
        /// Migrations were applied.
        case migrated([String])
        /// The node takes work; the address of its API, when it listens.
        case ready(String?)
        /// The usual port was taken: this one is listened on instead.
        case otherPort(Int)
        /// A token was made for this machine's user and written into the context file.
        case firstToken(context: String, path: String)
        /// The token of a file was stored as the first that may do everything; its public half.
        case storedToken(id: String, path: String)
        /// No token could be given to this machine's user: a sentence.
        case noToken(String)
        /// The database went away; a sentence.
        case databaseUnavailable(String)
        /// It is back.
        case databaseAvailable
        /// The files of the API's certificate have changed.
        case certificate(CertificateChange)
        /// The node was declared dead and begins anew.
        case reborn
    }

    let configuration: RoomConfiguration
    let logger: Logger
    let onNotice: @Sendable (Notice) -> Void

    /// Prepares a room.
    public init(
        _ configuration: RoomConfiguration,
        logger: Logger,
        onNotice: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        // Before anything counts: what is counted earlier is lost.
        if configuration.listen != nil { _ = Telemetry.registry }
        self.configuration = configuration
        self.logger = logger
        self.onNotice = onNotice
    }

    /// Opens the room for `body`.
    ///
    /// - Parameters:
    ///   - purpose: The command's name, told to whoever finds the data directory in use.
    ///   - need: Whether the database is enough, some node must work, or this process must be it.
    ///   - body: Gets the client; when it returns or throws, everything is taken down.
    /// - Returns: What `body` returned.
    /// - Throws: ``RoomError`` when the room cannot be opened, or what `body` threw.
    public func open<Value: Sendable>(
        purpose: String,
        node need: NodeNeed,
        _ body: @escaping @Sendable (RoomClient) async throws -> Value
    ) async throws -> Value {
        switch try await self.lockOrNode(purpose) {
        case .failure(let error) where error.code == .directoryInUse && need != .here:
            return try await self.join(error, body)
        case .failure(let error): throw RoomError(error)
        case .success(let lock):
            defer { lock.unlock() }
            if let url = self.configuration.databaseURL {
                return try await self.serve(url, lock, need, isEmbedded: false, body)
            }
            return try await self.withServer(lock, isTold: true) { conninfo in
                try await self.serve(conninfo, lock, need, isEmbedded: true, body)
            }
        }
    }

    /// Locks the data directory, waiting for a command that only looks at it; a node is not waited
    /// for.
    func lockOrNode(
        _ purpose: String
    ) async throws -> Result<DataDirectory, EmbeddedPostgresError> {
        let data = URL(fileURLWithPath: self.configuration.data).resolvingSymlinksInPath().path
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let result = self.lockDirectory(purpose)
            guard case .failure(let error) = result, error.code == .directoryInUse else {
                return result
            }
            if let file = NodeFile.read(in: data), file.isNode, kill(file.pid, 0) == 0 {
                return result
            }
            // Its holder has not said yet what it is, or is about to end.
            if ContinuousClock.now >= deadline { return result }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func lockDirectory(_ purpose: String) -> Result<DataDirectory, EmbeddedPostgresError> {
        Result { () throws(EmbeddedPostgresError) in
            try DataDirectory.open(self.configuration.data, purpose: purpose)
        }
    }

    /// Runs the embedded server for as long as `body` does.
    func withServer<Value: Sendable>(
        _ lock: DataDirectory,
        isTold: Bool,
        _ body: @escaping @Sendable (String) async throws -> Value
    ) async throws -> Value {
        let server = try await self.startServer(lock)
        if isTold { self.onNotice(.database(takenOver: server.wasTakenOver)) }
        let keeper = ServerKeeper(server) { try await self.startServer(lock) }
        let result: Result<Value, any Error>
        do {
            result = .success(try await keeper.keeping { try await body(server.conninfo) })
        } catch {
            result = .failure(error)
        }
        // SAFETY: awaited right here. A task of its own, since one that Ctrl-C has cancelled starts no
        // `pg_ctl`, and the server would stay behind.
        await Task { await keeper.stop() }.value
        return try result.get()
    }

    private func startServer(_ lock: DataDirectory) async throws(RoomError) -> EmbeddedPostgres {
        do {
            return try await EmbeddedPostgres.start(
                in: lock,
                logger: self.logger,
                fsync: self.configuration.isDurable
            )
        } catch {
            throw RoomError(error)
        }
    }

    /// Works as a client of the node that has the data directory.
    private func join<Value: Sendable>(
        _ inUse: EmbeddedPostgresError,
        _ body: @escaping @Sendable (RoomClient) async throws -> Value
    ) async throws -> Value {
        let data = URL(fileURLWithPath: self.configuration.data).resolvingSymlinksInPath().path
        let conninfo = try await self.conninfoOfOwner(inUse)
        return try await self.withPool(conninfo, data, isNode: false, isGuest: true) {
            try await body($0)
        }
    }

    /// Asks the node that holds the data directory for its database; it tells when that is up.
    func conninfoOfOwner(_ inUse: EmbeddedPostgresError) async throws -> String {
        let data = URL(fileURLWithPath: self.configuration.data).resolvingSymlinksInPath().path
        for _ in 0..<100 {
            if let file = NodeFile.read(in: data), kill(file.pid, 0) == 0,
                let conninfo = file.conninfo ?? self.configuration.databaseURL
            {
                return conninfo
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw RoomError(inUse)
    }

    private func serve<Value: Sendable>(
        _ conninfo: String,
        _ directory: DataDirectory,
        _ need: NodeNeed,
        isEmbedded: Bool,
        _ body: @escaping @Sendable (RoomClient) async throws -> Value
    ) async throws -> Value {
        let applied: [String]
        do {
            let migrations = try MigrationFiles.load(environment: self.configuration.environment)
            let migrator = Migrator(
                configuration: Self.connection(conninfo),
                migrations: migrations,
                logger: self.logger
            )
            applied = need == .none && !isEmbedded ? [] : try await migrator.apply()
        } catch let error as StoreError {
            throw RoomError(error)
        }
        if !applied.isEmpty { self.onNotice(.migrated(applied)) }
        let file = NodeFile(
            pid: getpid(),
            isNode: need != .none,
            conninfo: isEmbedded ? conninfo : nil
        )
        try file.write(in: directory.path)
        defer { NodeFile.remove(in: directory.path) }
        return try await self.withPool(conninfo, directory.path, isNode: need != .none) { client in
            var isNodeNeeded = need == .here
            if need == .some {
                isNodeNeeded = isEmbedded ? true : try await !client.hasActiveNode()
            }
            guard isNodeNeeded else { return try await body(client) }
            let node = RoomNode(
                room: self,
                client: client,
                conninfo: conninfo,
                data: directory.path,
                file: file,
                artifacts: ClusterArtifacts(path: client.artifacts)
            )
            return try await self.lingering(client, isEmbedded) {
                try await node.run(isExclusive: isEmbedded) { try await body(client) }
            }
        }
    }

    private func lingering<Value: Sendable>(
        _ client: RoomClient,
        _ isEmbedded: Bool,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let result: Result<Value, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        if isEmbedded { await self.linger(client) }
        return try result.get()
    }

    static func connection(_ conninfo: String, isGuest: Bool = false) -> PostgresConfiguration {
        var connection = PostgresConfiguration(conninfo: conninfo)
        connection.options = Store.sessionOptions
        if isGuest { connection.applicationName = Store.guestName }
        return connection
    }

    /// How long a server is kept for commands that are about to end.
    private static let lingerMax: Duration = .seconds(2)

    /// Commands of other terminals may be in the middle of a sentence: the server goes when they
    /// have gone, or after a while, when those that follow a run take this node's place.
    private func linger(_ client: RoomClient) async {
        let deadline = ContinuousClock.now + Self.lingerMax
        while ContinuousClock.now < deadline, !Task.isCancelled {
            guard let guests = try? await client.store.guests(), guests > 0 else { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func withPool<Value: Sendable>(
        _ conninfo: String,
        _ data: String,
        isNode: Bool,
        isGuest: Bool = false,
        _ body: @escaping @Sendable (RoomClient) async throws -> Value
    ) async throws -> Value {
        let seal = try self.configuration.sealKeys.map(SealKeyFile.read)
        let connection = Self.connection(conninfo, isGuest: isGuest)
        var settings = PostgresPoolConfiguration(connection: connection)
        // A guest soon looks whether its host is gone for good; a node waits for its database.
        if isGuest { settings.acquireTimeout = .seconds(1) }
        let pool = PostgresPool(settings, logger: self.logger)
        let client = RoomClient(
            store: Store(pool: pool, logger: self.logger, seal: seal),
            connection: connection,
            artifacts: "\(data)/artifacts",
            isNode: isNode,
            logger: self.logger
        )
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await pool.run()
                return nil
            }
            group.addTask { try await body(client) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let value = next { return value }
            }
            throw RoomError(.failed, "the database pool ended early")
        }
    }
}

extension RoomClient {
    /// Whether some node works for this database now.
    ///
    /// - Throws: When the database cannot be asked.
    public func hasActiveNode() async throws -> Bool {
        try await self.store.nodes().contains {
            $0.status == "active" && $0.leaseMilliseconds > 0
        }
    }
}

extension RoomError {
    /// An embedded server's error in the room's words.
    public init(_ error: EmbeddedPostgresError) {
        self.init(error.code == .directoryInUse ? .conflict : .unavailable, error.message)
    }

    /// A store's error in the room's words.
    public init(_ error: StoreError) {
        let code: Code =
            switch error.code {
            case .unavailable: .unavailable
            case .notFound: .notFound
            case .conflict, .stale: .conflict
            case .ambiguous: .usage
            case .cancelled: .interrupted
            case .tooCostly: .timedOut
            case .corrupt, .migration, .server: .failed
            }
        self.init(code, error.message)
        if error.code == .migration { self.next = "opsroom migrate apply" }
    }
}
