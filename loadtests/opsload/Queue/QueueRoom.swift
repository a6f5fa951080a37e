// Decides what a measurement of the queue stands on: a Postgres, a store to enqueue through, a node's process.

import FoundationEssentials
import Glibc
import Postgres
import PulserIR
import Store

/// A place to measure in, new in everything.
///
/// Owner: QueueLoad. Runs on: default pool. Ends: with the body of ``with(_:_:)``.
actor QueueRoom {
    /// How long a node may take until it takes work, and until it has left.
    private static let patience: Duration = .seconds(60)

    nonisolated let database: OwnDatabase
    /// For enqueuing, as a client of the product does it.
    nonisolated let store: Store
    private nonisolated let setting: Setting
    /// Ends what a measurement starts, when this process ends.
    nonisolated let keeper: Keeper
    private var node: pid_t?
    private var lives = 0
    private var files = 0

    /// How a room is furnished.
    struct Setting: Sendable {
        var opsroom: String
        var runsMax: Int
        /// The text of `loadtests/queue.sql`.
        var sql: String
        /// What the server is told before anything else, statement by statement.
        var server: [String] = []
        /// Where the node's log is kept; `nil` when it is removed.
        var log: String?
        /// Made by ``QueueRoom/with(_:_:)``.
        var folder = ""
    }

    private init(_ setting: Setting, database: OwnDatabase, store: Store, keeper: Keeper) {
        self.setting = setting
        self.database = database
        self.store = store
        self.keeper = keeper
    }

    /// Runs `body` in a room whose node works; everything is gone afterwards.
    static func with(
        _ given: Setting,
        _ body: @escaping @Sendable (QueueRoom) async throws -> Report
    ) async throws -> Report {
        let keeper = try Keeper()
        defer { keeper.finish() }
        var setting = given
        setting.folder = try Self.makeFolder()
        keeper.remove(setting.folder)
        let database = try await OwnDatabase(
            in: "\(setting.folder)/db",
            purpose: "opsload queue",
            keeper: keeper
        )
        for statement in setting.server { try await database.script(statement) }
        if !setting.server.isEmpty {
            try await database.restart(downMilliseconds: 0, isImmediate: false)
        }
        let result: Result<Report, any Error>
        do {
            result = .success(try await Self.serve(database, setting, keeper, body))
        } catch {
            result = .failure(error)
        }
        await database.stop()
        return try result.get()
    }

    private static func serve(
        _ database: OwnDatabase,
        _ setting: Setting,
        _ keeper: Keeper,
        _ body: @escaping @Sendable (QueueRoom) async throws -> Report
    ) async throws -> Report {
        let connection = PostgresConfiguration(conninfo: database.conninfo)
        let pool = PostgresPool(
            PostgresPoolConfiguration(connection: connection),
            logger: OwnDatabase.logger
        )
        let store = Store(pool: pool, logger: OwnDatabase.logger)
        let room = QueueRoom(setting, database: database, store: store, keeper: keeper)
        return try await withThrowingTaskGroup(of: Report?.self) { group in
            group.addTask {
                try await pool.run()
                return nil
            }
            group.addTask {
                try await room.startNode()
                try await database.script(setting.sql)
                let report = try await body(room)
                await room.killNode()
                return report
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let report = next { return report }
            }
            throw LoadError("the measurement ended without a report")
        }
    }

    private static func makeFolder() throws(LoadError) -> String {
        var template = Array("/tmp/ocr-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LoadError("no temporary folder") }
        // The server's user must be able to pass through.
        chmod(template, 0o711)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A file for what the next program says.
    func nextFile() -> String {
        self.files += 1
        return "\(self.setting.folder)/said-\(self.files)"
    }

    // MARK: The node

    private var log: String { self.setting.log ?? "\(self.setting.folder)/node-\(self.lives).log" }

    /// Starts the node and waits until it takes work.
    func startNode() async throws {
        self.lives += 1
        let size = TextFile.read(self.log)?.utf8.count ?? 0
        var launch = Launch(
            program: self.setting.opsroom,
            arguments: [
                "node", "--name", "load", "--data", "\(self.setting.folder)/node",
                "--join", self.database.conninfo, "--listen", "127.0.0.1:0",
                "--runs-max", "\(self.setting.runsMax)",
            ]
        )
        launch.environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.setting.folder,
            "OPSROOM_CONFIG": "\(self.setting.folder)/contexts.toml", "OPSROOM_RATE_LIMIT": "0",
        ]
        launch.output = self.log
        let process = try launch.start()
        self.node = process
        self.keeper.end(process)
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            let words = (TextFile.read(self.log) ?? "").utf8.dropFirst(size)
            if FaultNode.server(in: String(Substring(words))) != nil { return }
            var status: Int32 = 0
            guard waitpid(process, &status, WNOHANG) == 0 else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw LoadError("the node takes no work: \(TextFile.read(self.log) ?? "it says nothing")")
    }

    /// Has the node leave and waits until it has.
    func stopNode() async throws {
        guard let node else { return }
        kill(node, SIGTERM)
        let deadline = ContinuousClock.now + Self.patience
        var status: Int32 = 0
        while waitpid(node, &status, WNOHANG) == 0 {
            guard ContinuousClock.now < deadline else { throw LoadError("the node does not leave") }
            try await Task.sleep(for: .milliseconds(10))
        }
        self.node = nil
    }

    private func killNode() {
        guard let node else { return }
        kill(node, SIGKILL)
        var status: Int32 = 0
        while waitpid(node, &status, 0) == -1, errno == EINTR {}
        self.node = nil
    }

    /// What the node's process has used since it was started.
    @inline(never)
    func nodeUse() throws -> ProcessUse {
        guard let node else { throw LoadError("no node works") }
        return try ProcessUse(of: node)
    }

    /// The processor time of the server with all its processes, in microseconds.
    func serverMicroseconds() async throws -> Double {
        let server = await self.database.processID
        let own = try ProcessUse(of: server)
        let children = TextFile.read("/proc/\(server)/task/\(server)/children") ?? ""
        return children.split(separator: " ").compactMap { Int32($0) }
            .reduce(own.cpuMicroseconds + own.endedMicroseconds) { sum, child in
                sum + ((try? ProcessUse(of: child))?.cpuMicroseconds ?? 0)
            }
    }

    // MARK: Looking

    /// Calls a function of `queue.sql`.
    ///
    /// - Returns: Each row's numbers; one that is absent is 0.
    @inline(never)
    nonisolated func ask(_ function: String, _ values: Int64...) async throws -> [[Int64]] {
        let words = values.map(String.init).joined(separator: ", ")
        return try await self.database.rows("SELECT load.\(function)(\(words))").map { row in
            // {1,NULL,3}, or one number.
            (row.first ?? "").split(separator: ",").map { cell in
                Int64(cell.filter { $0.isNumber || $0 == "-" }) ?? 0
            }
        }
    }

    /// The first number of a function's answer.
    nonisolated func number(_ function: String, _ first: Int64, _ last: Int64) async throws -> Int64
    {
        try await self.ask(function, first, last).first?.first ?? 0
    }
}
