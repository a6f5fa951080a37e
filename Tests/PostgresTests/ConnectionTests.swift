// Decides what one connection must do, against a real server.

import Glibc
import Logging
import Postgres
import TestBed
import Testing

private let logger = Logger(label: "test")

/// Runs `body` on a connection to an empty database.
func withFreshConnection(
    _ change: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresConnection, PostgresConfiguration) async throws -> Void
) async throws {
    var configuration = try await TestPostgres.shared.freshDatabase()
    change(&configuration)
    let connection = try await PostgresConnection.connect(configuration, logger: logger)
    do {
        try await body(connection, configuration)
    } catch {
        await connection.close()
        throw error
    }
    await connection.close()
}

/// The error that `body` throws.
func postgresError(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        return nil
    } catch { return error as? PostgresError }
}

private let one = PostgresStatement("test.one", [], "SELECT 1::int8")
private let echo = PostgresStatement("test.echo", [.int8], "SELECT $1")
private let divide = PostgresStatement("test.divide", [.int4], "SELECT 1 / $1")
private let nap = PostgresStatement("test.nap", [.float8], "SELECT pg_sleep($1)")

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ConnectionTests {
    @Test("a prepared statement answers in binary, again and again")
    func execute() async throws {
        try await withFreshConnection { connection, _ in
            for value in Int64(0)..<10 {
                let rows = try await connection.execute(echo, [.int8(value)])
                #expect(try rows.int64(0, 0) == value)
                #expect(rows.columnType(0) == .int8)
            }
            #expect(connection.serverVersion >= 140_000)
            #expect(connection.backendPID > 0)
        }
    }

    @Test("a pipeline answers each request in order")
    func pipeline() async throws {
        try await withFreshConnection { connection, _ in
            let results = try await connection.pipeline(
                (0..<100).map { PostgresRequest(echo, [.int8($0)]) }
            )
            #expect(results.count == 100)
            for (index, rows) in results.enumerated() {
                #expect(try rows.int64(0, 0) == Int64(index))
            }
        }
    }

    @Test("an error in the middle of a pipeline undoes all of it and the connection goes on")
    func pipelineError() async throws {
        try await withFreshConnection { connection, _ in
            try await connection.script("CREATE TABLE t (a int8 PRIMARY KEY)")
            let insert = PostgresStatement("test.insert", [.int8], "INSERT INTO t VALUES ($1)")
            let requests = [
                PostgresRequest(insert, [.int8(1)]), PostgresRequest(divide, [.int4(0)]),
                PostgresRequest(insert, [.int8(2)]),
            ]
            for isTransaction in [false, true] {
                let error = await postgresError {
                    if isTransaction {
                        _ = try await connection.transaction(requests)
                    } else {
                        _ = try await connection.pipeline(requests)
                    }
                }
                #expect(error?.code == .server)
                #expect(error?.sqlState == "22012")
                #expect(error?.statement == "test.divide")
                let rows = try await connection.query("SELECT count(*) FROM t", format: .binary)
                #expect(try rows.int64(0, 0) == 0)
            }
            let results = try await connection.transaction([requests[0], requests[2]])
            #expect(results.map(\.affected) == [1, 1])
            let twice = await postgresError { _ = try await connection.execute(insert, [.int8(1)]) }
            #expect(twice?.isUniqueViolation == true)
            #expect(twice?.constraint == "t_pkey")
        }
    }

    @Test("a statement that cannot be prepared fails and can be corrected")
    func prepareError() async throws {
        try await withFreshConnection { connection, _ in
            let early = PostgresStatement("test.early", [], "SELECT a FROM later")
            let error = await postgresError { _ = try await connection.execute(early) }
            #expect(error?.isUndefinedTable == true)
            try await connection.script("CREATE TABLE later (a int8)")
            #expect(try await connection.execute(early).isEmpty)
            // A changed column makes the server refuse the plan; it is prepared again unseen.
            try await connection.script("ALTER TABLE later ALTER a TYPE text")
            #expect(try await connection.execute(early).columnType(0) == .text)
        }
    }

    @Test("a value that does not fit is refused before anything is sent, without showing it")
    func invalidParameter() async throws {
        try await withFreshConnection { connection, _ in
            let wrong = await postgresError {
                _ = try await connection.execute(echo, [.text("secret")])
            }
            #expect(wrong?.code == .invalidParameter)
            #expect(wrong?.description.contains("secret") == false)
            let few = await postgresError { _ = try await connection.execute(echo) }
            #expect(few?.code == .invalidParameter)
            let rows = try await connection.execute(one)
            #expect(try rows.int64(0, 0) == 1)
        }
    }

    @Test("cancelling the task cancels the statement and keeps the connection")
    func cancellation() async throws {
        try await withFreshConnection { connection, configuration in
            let watcher = try await PostgresConnection.connect(configuration, logger: logger)
            // SAFETY: awaited below; it ends with the connection at the latest.
            let task = Task { try await connection.execute(nap, [.float8(60)]) }
            try await waitUntilActive(connection.backendPID, watcher)
            task.cancel()
            let error = await postgresError { _ = try await task.value }
            #expect(error?.code == .cancelled)
            let rows = try await connection.execute(one)
            #expect(try rows.int64(0, 0) == 1)
            await watcher.close()
        }
    }

    @Test("cancelling one call leaves the calls around it alone")
    func cancellationAmongOthers() async throws {
        try await withFreshConnection { connection, configuration in
            let watcher = try await PostgresConnection.connect(configuration, logger: logger)
            // SAFETY: awaited below; it ends with the connection at the latest.
            let sleeping = Task { try await connection.execute(nap, [.float8(60)]) }
            try await waitUntilActive(connection.backendPID, watcher)
            await withThrowingTaskGroup(of: Int64.self) { group in
                for value in Int64(0)..<50 {
                    group.addTask { try await connection.execute(echo, [.int8(value)]).int64(0, 0) }
                }
                sleeping.cancel()
                do {
                    var sum: Int64 = 0
                    for try await value in group { sum += value }
                    #expect(sum == 1225)
                } catch { Issue.record(error) }
            }
            #expect(await postgresError { _ = try await sleeping.value }?.code == .cancelled)
            await watcher.close()
        }
    }

    @Test("a statement that exceeds its deadline is cancelled and keeps the connection")
    func deadline() async throws {
        try await withFreshConnection {
            $0.statementTimeout = .milliseconds(200)
        } _: { connection, _ in
            let error = await postgresError { _ = try await connection.execute(nap, [.float8(60)]) }
            #expect(error?.code == .timeout)
            let rows = try await connection.execute(one)
            #expect(try rows.int64(0, 0) == 1)
        }
    }

    @Test("calls cancelled at random never cost another call its answer", arguments: 0..<5)
    func randomCancellation(_ round: Int64) async throws {
        try await withFreshConnection { connection, _ in
            await withTaskGroup(of: Void.self) { group in
                for value in Int64(0)..<800 {
                    // SAFETY: awaited by the child task below.
                    let call = Task {
                        try await connection.execute(echo, [.int8(value)]).int64(0, 0)
                    }
                    let isCancelled = (value &* 7 &+ round) % 3 == 0
                    if isCancelled { call.cancel() }
                    group.addTask {
                        do {
                            #expect(try await call.value == value)
                        } catch {
                            #expect(isCancelled)
                            #expect((error as? PostgresError)?.code == .cancelled, "\(error)")
                        }
                    }
                }
            }
            let rows = try await connection.execute(one)
            #expect(try rows.int64(0, 0) == 1)
        }
    }

    @Test(
        "a server that answers neither the statement nor its cancellation costs the connection",
        .enabled(if: geteuid() == 0)
    )
    func frozen() async throws {
        try await withFreshConnection {
            $0.statementTimeout = .milliseconds(200)
            $0.cancelTimeout = .milliseconds(200)
        } _: { connection, _ in
            _ = try await connection.execute(one)
            kill(connection.backendPID, SIGSTOP)
            let error = await postgresError { _ = try await connection.execute(one) }
            kill(connection.backendPID, SIGCONT)
            #expect(error?.code == .timeout)
            #expect(error?.outcomeUnknown == true)
            #expect(connection.isClosed)
        }
    }

    @Test("a thousand calls at once on one connection are all answered")
    func concurrent() async throws {
        try await withFreshConnection { connection, _ in
            let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
                for value in Int64(0)..<1000 {
                    group.addTask { try await connection.execute(echo, [.int8(value)]).int64(0, 0) }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 499_500)
        }
    }

    @Test("a user's query has its types inferred by the server")
    func query() async throws {
        try await withFreshConnection { connection, _ in
            let rows = try await connection.query(
                "SELECT $1::int + 1 AS a, $2::text AS b, $3::jsonb->>'k' AS c, $4::bytea AS d, "
                    + "$5 = ANY($6) AS e, $7::text AS f",
                [
                    .text("41"), .text("häß'\"\\"), .jsonb(#"{"k": "v"}"#), .bytes([0, 255]),
                    .int4(2), .int4Array([1, 2]), .null,
                ]
            )
            #expect(rows.columns == ["a", "b", "c", "d", "e", "f"])
            #expect(rows.columnText(0, 0) == "42")
            #expect(rows.columnText(0, 1) == "häß'\"\\")
            #expect(rows.columnText(0, 2) == "v")
            #expect(try rows.bytes(0, 3) == [0, 255])
            #expect(try rows.bool(0, 4))
            #expect(rows.isNull(0, 5))
            #expect(rows.columnText(0, 5) == nil)
        }
    }

    @Test("a server killed in the middle ends the connection with connectionLost")
    func killed() async throws {
        try await withFreshConnection { connection, configuration in
            let killer = try await PostgresConnection.connect(configuration, logger: logger)
            // SAFETY: awaited below; it ends with the connection at the latest.
            let task = Task { try await connection.execute(nap, [.float8(60)]) }
            try await waitUntilActive(connection.backendPID, killer)
            _ = try await killer.query("SELECT pg_terminate_backend(\(connection.backendPID))")
            let error = await postgresError { _ = try await task.value }
            #expect(error?.code == .connectionLost)
            #expect(error?.isTransient == true)
            #expect(connection.isClosed)
            let later = await postgresError { _ = try await connection.execute(one) }
            #expect(later?.code == .connectionLost)
            await killer.close()
        }
    }

    @Test("a required TLS that the server lacks is refused in words")
    func tlsParameter() async throws {
        let configuration = try await TestPostgres.shared.freshDatabase()
        // libpq does not negotiate TLS on unix sockets, so a small listener plays a server without TLS.
        let listener = try PlainListener()
        var tls = configuration
        tls.conninfo = "postgres://opsroom@127.0.0.1:\(listener.port)/opsroom?sslmode=require"
        let error = await postgresError {
            _ = try await PostgresConnection.connect(tls, logger: logger)
        }
        #expect(error?.code == .connectionFailed)
        #expect(error?.message.contains("does not support SSL") == true)
    }

    @Test("an address without a server is told as a missing server")
    func missingServer() async throws {
        let error = await postgresError {
            _ = try await PostgresConnection.connect(
                PostgresConfiguration(conninfo: "host=/tmp/ocr-nothing-here"),
                logger: logger
            )
        }
        #expect(error?.code == .missingServer)
        #expect(error?.isTransient == true)
    }
}

/// Asks until the server process works on a statement.
func waitUntilActive(_ processID: Int32, _ watcher: PostgresConnection) async throws {
    var isActive = false
    while !isActive {
        let rows = try await watcher.query(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'",
            [.int4(processID)]
        )
        isActive = try rows.int64(0, 0) == 1
    }
}
