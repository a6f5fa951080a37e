// Decides where a test's nodes live, and that nothing of them is left behind.

import ControlRoom
import Foundation
import Glibc
import Logging
import Postgres
import Store
import Synchronization
import TestBed

/// A temporary folder with plans, data directories and the processes started on them.
final class Site: Sendable {
    /// Which database the nodes use.
    enum Database {
        /// Each data directory has its own server.
        case embedded
        /// A fresh database on the tests' server, which never syncs.
        case shared
        /// This server.
        case at(String)
    }

    let folder: String
    /// `nil` for embedded servers.
    let databaseURL: String?
    private let programs = Mutex<[Program]>([])
    /// How many programs were started: what each says goes to files of its own.
    private let starts = Mutex(0)

    private init(_ database: Database) async throws {
        var template = Array("/tmp/ocr-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw NeverHappened(description: "a temporary folder was made")
        }
        // The server's user must be able to pass through.
        chmod(template, 0o711)
        self.folder = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        TestPostgres.removeAtExit(self.folder)
        switch database {
        case .embedded: self.databaseURL = nil
        case .shared:
            self.databaseURL = try await TestPostgres.shared.freshDatabase().conninfo
        case .at(let conninfo): self.databaseURL = conninfo
        }
    }

    /// Runs `body` on a fresh site and takes everything down, whatever happens.
    static func with<Value>(
        _ database: Database = .shared,
        _ body: (Site) async throws -> Value
    ) async throws -> Value {
        let site = try await Site(database)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(site))
        } catch {
            result = .failure(error)
        }
        try await site.close()
        return try result.get()
    }

    private func close() async throws {
        for program in self.programs.withLock(\.self) { try await program.killHard() }
        for name in try FileManager.default.contentsOfDirectory(atPath: self.folder) {
            try await self.stopServer(of: name)
        }
        // Removes links, never what they lead to.
        try FileManager.default.removeItem(atPath: self.folder)
    }

    /// The embedded server's process, when one runs in this data directory.
    func serverProcess(of data: String) -> pid_t? {
        let file = "\(self.folder)/\(data)/postgres/data/postmaster.pid"
        guard let bytes = FileManager.default.contents(atPath: file),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first,
            let process = pid_t(line),
            let place = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(process)/cwd"
            ),
            place.hasPrefix(self.folder + "/")
        else { return nil }
        return process
    }

    private func stopServer(of data: String) async throws {
        guard let process = self.serverProcess(of: data) else { return }
        kill(process, SIGQUIT)
        try await eventually("the embedded server ended") { self.serverProcess(of: data) == nil }
    }

    /// The file of contexts of this site's programs.
    var contexts: String { "\(self.folder)/contexts.toml" }

    // MARK: Programs

    /// Starts `opsroom` on a data directory of this site; for `nil` the arguments stay as they are.
    func start(
        _ arguments: [String],
        data: String? = "data",
        environment extra: [String: String] = [:],
        program name: String = "opsroom"
    ) throws -> Program {
        var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.folder]
        // Many nodes at once: none may take the usual port, none the user's own contexts.
        environment["OPSROOM_LISTEN"] = "127.0.0.1:0"
        environment["OPSROOM_CONFIG"] = self.contexts
        environment["DATABASE_URL"] = self.databaseURL
        environment.merge(extra) { $1 }
        let number = self.starts.withLock { count in
            count += 1
            return count
        }
        let program = try Program(
            arguments + (data.map { ["--data", "\(self.folder)/\($0)"] } ?? []),
            environment: environment,
            outputs: "\(self.folder)/program-\(number)",
            program: name
        )
        self.programs.withLock { $0.append(program) }
        return program
    }

    /// Starts a node and waits until it takes work.
    func startNode(
        data: String = "data",
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        command: String = "up"
    ) async throws -> Program {
        let node = try self.start([command] + arguments, data: data, environment: environment)
        try await eventually("the node is ready") {
            if let code = node.exitCode {
                throw NeverHappened(description: "the node ended with \(code): \(node.errorOutput)")
            }
            return node.errorOutput.contains("node ready")
        }
        return node
    }

    /// Runs a command to its end.
    @discardableResult
    func run(
        _ arguments: [String],
        data: String? = "data",
        environment: [String: String] = [:]
    ) async throws -> (code: Int32, output: String, error: String) {
        let program = try self.start(arguments, data: data, environment: environment)
        let code = try await program.end()
        return (code, program.output, program.errorOutput)
    }

    /// Ends everything that runs here, as a power failure would.
    func killNodes() async throws {
        for program in self.programs.withLock(\.self) { try await program.killHard() }
    }

    // MARK: Files

    /// Writes a plan and says where it is.
    @discardableResult
    func plan(_ name: String, _ body: String) throws -> String {
        let path = "\(self.folder)/\(name).yaml"
        let head = "apiVersion: pulser/v1\nkind: Plan\nmetadata: {name: \(name)}\n"
        try (head + body + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// The lines of a file of this site; none when it is not there.
    func lines(_ name: String) -> [String] {
        let bytes = FileManager.default.contents(atPath: "\(self.folder)/\(name)") ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Makes a folder of this site and gives its path.
    func makeFolder(_ name: String) throws -> String {
        let path = "\(self.folder)/\(name)"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false
        )
        return path
    }

    // MARK: Database

    /// How to reach the database of a data directory.
    func conninfo(data: String = "data") throws -> String {
        if let url = self.databaseURL { return url }
        struct File: Decodable { var conninfo: String }
        let bytes = FileManager.default.contents(atPath: "\(self.folder)/\(data)/node.json")
        return try JSONDecoder().decode(File.self, from: bytes ?? Data()).conninfo
    }

    /// The rows that a statement gives, every value as text.
    func rows(_ sql: String, data: String = "data") async throws -> [[String]] {
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(conninfo: try self.conninfo(data: data)),
            logger: Logger(label: "test")
        )
        do {
            let rows = try await connection.query(sql)
            var texts: [[String]] = []
            for row in 0..<rows.count {
                var cells: [String] = []
                for column in rows.columns.indices {
                    cells.append(rows.columnText(row, column) ?? "")
                }
                texts.append(cells)
            }
            await connection.close()
            return texts
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Gives `body` the store, for what the command line does one at a time.
    func withStore<Value: Sendable>(
        _ body: @escaping @Sendable (Store) async throws -> Value
    ) async throws -> Value {
        let logger = Logger(label: "test")
        let connection = PostgresConfiguration(conninfo: try self.conninfo())
        let pool = PostgresPool(PostgresPoolConfiguration(connection: connection), logger: logger)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await pool.run()
                return nil
            }
            group.addTask { try await body(Store(pool: pool, logger: logger)) }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
            }
            throw NeverHappened(description: "the pool ran")
        }
    }
}

extension Site {
    /// Whether a data directory says how to reach its server.
    var hasNodeFile: Bool {
        FileManager.default.fileExists(atPath: "\(self.folder)/data/node.json")
    }
}
