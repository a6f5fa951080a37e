// Decides what a pool must do, against a real server.

import ControlRoom
import Logging
import Postgres
import TestBed
import Testing

private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
private let one = PostgresStatement("pool.one", [], "SELECT 1::int8")

/// Runs `body` with a running pool.
private func withPool(
    _ configuration: PostgresPoolConfiguration,
    _ body: (PostgresPool) async throws -> Void
) async throws {
    let pool = PostgresPool(configuration, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await pool.run() }
        try await body(pool)
        group.cancelAll()
    }
    let error = await postgresError { _ = try await pool.execute(one) }
    #expect(error?.code == .closed)
}

@Suite(.serialized, .timeLimit(.minutes(2)))
struct PoolTests {
    @Test("many callers share few connections")
    func sharing() async throws {
        var configuration = PostgresPoolConfiguration(
            connection: try await TestPostgres.shared.freshDatabase()
        )
        configuration.connectionsMax = 3
        try await withPool(configuration) { pool in
            let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await pool.withConnection { connection throws(PostgresError) in
                            _ = try await connection.execute(one)
                            return connection.backendPID
                        }
                    }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
            }
            #expect((1...3).contains(processes.count))
            #expect(pool.availability == .available)
        }
    }

    @Test("who waits too long for a connection is told that the pool is exhausted")
    func exhausted() async throws {
        var configuration = PostgresPoolConfiguration(
            connection: try await TestPostgres.shared.freshDatabase()
        )
        configuration.connectionsMax = 1
        configuration.acquireTimeout = .seconds(1)
        try await withPool(configuration) { pool in
            try await pool.withConnection { connection throws(PostgresError) in
                let error = await postgresError { _ = try await pool.execute(one) }
                #expect(error?.code == .poolExhausted)
                _ = try await connection.execute(one)
            }
        }
    }

    @Test("a transaction left open is rolled back before the next borrower")
    func leftOpen() async throws {
        var configuration = PostgresPoolConfiguration(
            connection: try await TestPostgres.shared.freshDatabase()
        )
        configuration.connectionsMax = 1
        try await withPool(configuration) { pool in
            try await pool.withConnection { connection throws(PostgresError) in
                try await connection.script("BEGIN; CREATE TABLE t (a int8)")
            }
            let error = await postgresError {
                try await pool.withConnection { connection throws(PostgresError) in
                    _ = try await connection.query("SELECT * FROM t")
                }
            }
            #expect(error?.isUndefinedTable == true)
        }
    }

    @Test("a pool recovers by itself after its server was restarted")
    func restart() async throws {
        let directory = try DataDirectory.open(TestPostgres.temporaryDirectory() + "/data")
        let first = try await TestPostgres.start(in: directory)
        var configuration = PostgresPoolConfiguration(
            connection: PostgresConfiguration(conninfo: first.conninfo)
        )
        configuration.acquireTimeout = .milliseconds(200)
        configuration.backoffMax = .milliseconds(200)
        try await withPool(configuration) { pool in
            _ = try await pool.execute(one)
            await first.stop()
            // The first call may still meet the dying connection.
            var codes: Set<PostgresError.Code> = []
            while !codes.contains(.missingServer) {
                let error = await postgresError { _ = try await pool.execute(one) }
                #expect(error?.isTransient == true)
                if let error { codes.insert(error.code) }
            }
            #expect(pool.availability != .available)
            let second = try await TestPostgres.start(in: directory)
            var isBack = false
            while !isBack {
                isBack = await postgresError { _ = try await pool.execute(one) } == nil
            }
            #expect(pool.availability == .available)
            await second.stop()
        }
    }
}
