// Decides what bulk data and notifications must do, against a real server.

import Logging
import Postgres
import Synchronization
import TestBed
import Testing

private let logger = Logger(label: "test")

/// The numbers below `count`, one row of text each, a hundred rows per chunk.
private struct NumberRows: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error
    struct Broken: Error {}

    var count: Int
    var breaksAt: Int?

    struct AsyncIterator: AsyncIteratorProtocol {
        var rows: NumberRows
        var next = 0

        mutating func next() async throws -> [UInt8]? {
            if let breaksAt = self.rows.breaksAt, self.next >= breaksAt { throw Broken() }
            guard self.next < self.rows.count else { return nil }
            var chunk: [UInt8] = []
            for number in self.next..<Swift.min(self.rows.count, self.next + 100) {
                chunk += "\(number)\trow \(number)\n".utf8
            }
            self.next += 100
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rows: self) }
}

@Suite(.serialized, .timeLimit(.minutes(2)))
struct CopyAndListenTests {
    @Test("100,000 rows are copied in and out whole and in order")
    func copy() async throws {
        try await withFreshConnection { connection, _ in
            try await connection.script("CREATE TABLE t (a int8, b text)")
            let copied = try await connection.copyIn(
                "COPY t FROM STDIN",
                rows: NumberRows(count: 100_000)
            )
            #expect(copied == 100_000)
            let received = Mutex<[UInt8]>([])
            let sent = try await connection.copyOut("COPY (SELECT * FROM t ORDER BY a) TO STDOUT") {
                chunk in received.withLock { $0 += chunk }
            }
            #expect(sent == 100_000)
            var expected: [UInt8] = []
            for try await chunk in NumberRows(count: 100_000) { expected += chunk }
            #expect(received.withLock { $0 } == expected)
            let rows = try await connection.query("SELECT count(*) FROM t")
            #expect(try rows.int64(0, 0) == 100_000)
        }
    }

    @Test("rows that break off leave nothing behind, and the connection goes on")
    func brokenCopy() async throws {
        try await withFreshConnection { connection, _ in
            try await connection.script("CREATE TABLE t (a int8, b text)")
            let broken = await postgresError {
                try await connection.copyIn(
                    "COPY t FROM STDIN",
                    rows: NumberRows(count: 1000, breaksAt: 500)
                )
            }
            #expect(broken?.code == .copyFailed)
            let wrong = await postgresError {
                try await connection.copyIn("COPY t (a) FROM STDIN", rows: NumberRows(count: 1000))
            }
            #expect(wrong?.sqlState == "22P04")
            let missing = await postgresError {
                try await connection.copyIn("COPY absent FROM STDIN", rows: NumberRows(count: 1))
            }
            #expect(missing?.isUndefinedTable == true)
            struct Full: Error {}
            let full = await postgresError {
                try await connection.copyOut(
                    "COPY (SELECT generate_series(1, 1000000)) TO STDOUT"
                ) { _ in throw Full() }
            }
            #expect(full?.code == .copyFailed)
            let rows = try await connection.query("SELECT count(*) FROM t")
            #expect(try rows.int64(0, 0) == 0)
        }
    }

    @Test("a COPY sent as a query ends the connection with a hint")
    func copyAsQuery() async throws {
        try await withFreshConnection { connection, _ in
            let error = await postgresError {
                _ = try await connection.query("COPY (SELECT 1) TO STDOUT")
            }
            #expect(error?.message.contains("copyOut") == true)
        }
    }

    @Test("a notification reaches every listener of its channel, in order")
    func listen() async throws {
        try await withFreshConnection { connection, configuration in
            let sender = try await PostgresConnection.connect(configuration, logger: logger)
            let first = try await connection.listen("runs \"quoted\"")
            let second = try await connection.listen("runs \"quoted\"")
            for number in 0..<3 {
                try await sender.script("NOTIFY \"runs \"\"quoted\"\"\", '\(number)'")
            }
            for notifications in [first, second] {
                var payloads: [String] = []
                for try await notification in notifications {
                    payloads.append(notification.payload)
                    #expect(notification.processID == sender.backendPID)
                    if payloads.count == 3 { break }
                }
                #expect(payloads == ["0", "1", "2"])
            }
            await sender.close()
        }
    }

    @Test("listening ends with the connection's error")
    func listenLost() async throws {
        try await withFreshConnection { connection, configuration in
            let killer = try await PostgresConnection.connect(configuration, logger: logger)
            let notifications = try await connection.listen("runs")
            _ = try await killer.query("SELECT pg_terminate_backend(\(connection.backendPID))")
            let error = await postgresError { for try await _ in notifications {} }
            #expect(error?.code == .connectionLost)
            #expect(error?.isTransient == true)
            await killer.close()
        }
    }
}
