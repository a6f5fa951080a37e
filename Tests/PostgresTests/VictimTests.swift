// Decides that a cancellation that hits another call than it was meant for costs nobody an answer.

import Glibc
import TestBed
import TestKit
import Testing

@testable import Postgres

private let echo = PostgresStatement("test.echo", [.int8], "SELECT $1")
private let nap = PostgresStatement("test.nap", [.float8], "SELECT pg_sleep($1)")

extension PostgresConnection {
    /// Returns when so many calls are on the wire.
    fileprivate func carries(_ count: Int) async throws {
        try await eventually("\(count) are on the wire") { self.inFlight.count == count }
    }

    /// Does not hear that the first call is answered, and has the server cancel it as if it were still
    /// under way.
    fileprivate func cancelFirstTooLate() {
        var socket = pollfd(fd: self.socket, events: Int16(POLLIN), revents: 0)
        poll(&socket, 1, 30_000)
        if let first = self.inFlight.first { self.cancel(first.id, .task) }
    }
}

@Suite(.serialized, .timeLimit(.minutes(1)))
struct VictimTests {
    @Test("a call that a late cancellation hits is sent again, whatever is on the wire behind it")
    func late() async throws {
        try await withFreshConnection { connection, _ in
            async let first = connection.execute(nap, [.float8(1.5)])
            try await connection.carries(1)
            async let second = connection.execute(nap, [.float8(4)])
            try await connection.carries(2)
            async let third = connection.execute(echo, [.int8(3)])
            try await connection.carries(3)
            // By then the server works on the second.
            await connection.cancelFirstTooLate()
            _ = try await first
            _ = try await second
            #expect(try await third.int64(0, 0) == 3)
            #expect(await connection.cancellationsSent == 1)
        }
    }

    @Test("in a transaction of the caller's own it is told, because the rest of it is lost")
    func inTransaction() async throws {
        try await withFreshConnection { connection, _ in
            try await connection.script("BEGIN")
            async let first = connection.execute(nap, [.float8(1.5)])
            try await connection.carries(1)
            // Far longer than a cancellation takes to come, on however busy a machine.
            async let second = connection.execute(nap, [.float8(30)])
            try await connection.carries(2)
            async let third = connection.execute(echo, [.int8(3)])
            try await connection.carries(3)
            await connection.cancelFirstTooLate()
            _ = try await first
            var states: [String?] = []
            do { _ = try await second } catch { states.append((error as? PostgresError)?.sqlState) }
            do { _ = try await third } catch { states.append((error as? PostgresError)?.sqlState) }
            #expect(states == ["57014", "25P02"])
            try await connection.script("ROLLBACK")
        }
    }
}
