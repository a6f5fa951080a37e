// Decides which Postgres the tests use: a throwaway one per test process, gone when the process is.

public import ControlRoom
import Glibc
import Logging
public import Postgres
import Synchronization

/// A throwaway Postgres server.
///
/// It lives in a short temporary directory, never syncs, and is stopped by a watchdog as soon as this process ends,
/// however it ends.
public struct TestPostgres: Sendable {
    /// How to connect to the server's own database.
    public let conninfo: String
    /// The server's process.
    public let serverProcessID: Int32

    private static let starting = SharedStart()
    private static let databases = Atomic<Int>(0)

    /// The server of this test process; started by the first who asks.
    public static var shared: TestPostgres {
        get async throws { try await Self.starting.value() }
    }

    /// Makes an empty database and says how to connect to it.
    public func freshDatabase() async throws -> PostgresConfiguration {
        let number = Self.databases.wrappingAdd(1, ordering: .relaxed).oldValue
        let name = "test_\(getpid())_\(number)"
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(conninfo: self.conninfo),
            logger: Logger(label: "test")
        )
        try await connection.script("CREATE DATABASE \(name)")
        await connection.close()
        return PostgresConfiguration(conninfo: self.conninfo + " dbname=\(name)")
    }

    /// A directory for one test; removed when this process ends.
    public static func temporaryDirectory() -> String {
        var template = Array("/tmp/ocr-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return "/tmp" }
        // The server's user must be able to pass through.
        chmod(template, 0o711)
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        Self.removeAtExit(path)
        return path
    }

    /// Removes `path` when this process ends.
    public static func removeAtExit(_ path: String) { Watchdog.shared.tell("remove \(path)") }

    /// Starts a server in `directory` and has the watchdog stop it; with `fsync` its commits survive
    /// the server's crash, which most tests do not need.
    public static func start(
        in directory: DataDirectory,
        fsync: Bool = false
    ) async throws -> EmbeddedPostgres {
        let server = try await EmbeddedPostgres.start(
            in: directory,
            logger: Logger(label: "test"),
            fsync: fsync
        )
        Watchdog.shared.tell("stop \(server.serverProcessID)")
        return server
    }

    /// Starts the server once and lets everybody else wait for it.
    private actor SharedStart {
        private var task: Task<TestPostgres, any Error>?
        private var server: EmbeddedPostgres?

        func value() async throws -> TestPostgres {
            if let task { return try await task.value }
            // SAFETY: nobody cancels it; everybody who asks awaits it.
            let task = Task { try await self.start() }
            self.task = task
            return try await task.value
        }

        private func start() async throws -> TestPostgres {
            let directory = try DataDirectory.open(
                TestPostgres.temporaryDirectory(),
                purpose: "tests"
            )
            let server = try await TestPostgres.start(in: directory)
            self.server = server
            return TestPostgres(
                conninfo: server.conninfo,
                serverProcessID: server.serverProcessID
            )
        }
    }
}
