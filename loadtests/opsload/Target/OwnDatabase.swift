// Decides how a load test keeps a Postgres of its own, and how it looks into it.

import ControlRoom
import FoundationEssentials
import Glibc
import Logging
import Postgres

/// The Postgres of a load test: started, restarted, read, stopped.
actor OwnDatabase {
    /// How long a look may be repeated while the server is away.
    private static let patience: Duration = .seconds(60)

    static var logger: Logger { Logger(label: "opsload") { _ in SwiftLogNoOpLogHandler() } }

    private let directory: DataDirectory
    private var server: EmbeddedPostgres
    /// How to connect.
    nonisolated let conninfo: String
    /// The unix socket that the server listens on.
    nonisolated let socket: String

    /// Makes a server in a fresh folder.
    ///
    /// - Parameters:
    ///   - folder: Where; it is made.
    ///   - purpose: The command's name, told to whoever finds the folder in use.
    ///   - keeper: Ends the server when this process ends.
    /// - Throws: When no server can be started.
    init(in folder: String, purpose: String, keeper: Keeper) async throws {
        self.directory = try DataDirectory.open(folder, purpose: purpose)
        self.server = try await EmbeddedPostgres.start(in: self.directory, logger: Self.logger)
        self.conninfo = self.server.conninfo
        // host='…' port=5432 …
        let host = self.conninfo.firstMatch(of: /host='([^']+)'/).map { String($0.1) }
        self.socket = (host ?? "") + "/.s.PGSQL.5432"
        let data = try? Self.text("/proc/\(self.server.serverProcessID)/cwd")
        if let data { keeper.server(data) }
    }

    private static func text(_ link: String) throws(LoadError) -> String {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink(link, &bytes, bytes.count - 1)
        guard count > 0 else { throw LoadError("\(link) cannot be read") }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The server's process.
    var processID: Int32 { self.server.serverProcessID }

    /// Stops the server, at once without a word to its clients or in order, and starts it again.
    func restart(downMilliseconds: Int, isImmediate: Bool) async throws {
        if isImmediate {
            let process = self.server.serverProcessID
            kill(process, SIGQUIT)
            while kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        } else {
            await self.server.stop()
        }
        try? await Task.sleep(for: .milliseconds(downMilliseconds))
        self.server = try await EmbeddedPostgres.start(in: self.directory, logger: Self.logger)
    }

    /// Stops the server for good.
    func stop() async {
        await self.server.stop()
        self.directory.unlock()
    }

    /// Executes a script once.
    nonisolated func script(_ sql: String) async throws {
        try await self.connected { try await $0.script(sql) }
    }

    /// All rows of an answer, every value as text; asked again while the server is away.
    nonisolated func rows(_ question: String) async throws -> [[String]] {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do {
                return try await self.connected { connection in
                    let rows = try await connection.query(question)
                    return (0..<rows.count).map { row in
                        rows.columns.indices.map { rows.columnText(row, $0) ?? "" }
                    }
                }
            } catch let error as PostgresError {
                // What the server itself refuses it would refuse again.
                guard error.isTransient, ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    nonisolated func connected<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        var configuration = PostgresConfiguration(conninfo: self.conninfo)
        // Whether millions of runs were worked rightly is a long question.
        configuration.statementTimeout = .seconds(1_800)
        let connection = try await PostgresConnection.connect(configuration, logger: Self.logger)
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}
