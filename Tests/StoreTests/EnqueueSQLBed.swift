// How tests of plain SQL get a client with a connection of its own, and a plan to run.

import Logging
import Postgres
import PulserIR
import Store
import TestBed

enum EnqueueSQLBed {
    /// A client with a connection of its own.
    struct Client: Sendable {
        let connection: PostgresConnection

        static func with(
            _ bed: StoreBed,
            _ body: @Sendable (Client) async throws -> Void
        ) async throws {
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: Logger(label: "test")
            )
            do {
                try await body(Client(connection: connection))
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        }

        /// The first column of the answer.
        @discardableResult
        func ask(_ sql: String) async throws -> [String] {
            let rows = try await self.connection.query(sql, [], format: .text)
            return (0..<rows.count).map { rows.columnText($0, 0) ?? "" }
        }

        /// What the server says against it.
        func refusal(_ sql: String) async -> String {
            do {
                return "accepted: \(try await self.ask(sql))"
            } catch {
                return "\(error)"
            }
        }
    }

    static let mail = """
        {"inputs":{"env":{"default":"dev","enum":["dev","prod"],"type":"string"},\
        "file":{"default":"/srv/x","format":"path","type":"string"},\
        "n":{"default":1,"type":"integer"},"to":{"type":"string"}},"name":"mail"}
        """

    /// A lane and a template, ready for clients.
    static func prepare(_ bed: StoreBed) async throws -> Int64 {
        let lane = try await bed.store.ensureLane(session: "default", lane: "A")
        try await bed.text(
            "INSERT INTO plan (digest, name, body) VALUES (sha256('mail'), 'mail', '\(Self.mail)')"
        )
        try await bed.text(
            "INSERT INTO template (name, plan_digest) VALUES ('mail', sha256('mail'))"
        )
        return lane
    }
}
