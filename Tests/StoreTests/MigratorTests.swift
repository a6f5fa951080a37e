// Decides how the schema comes forward, against a real server.

import Postgres
import Store
import TestBed
import Testing

@Suite(.timeLimit(.minutes(2)))
struct MigratorTests {
    private let first = Migration(number: 1, name: "0001_a.sql", sql: "CREATE TABLE a (x int);")
    private let second = Migration(number: 2, name: "0002_b.sql", sql: "CREATE TABLE b (x int);")

    private func migrator(_ database: PostgresConfiguration, _ files: [Migration]) -> Migrator {
        Migrator(configuration: database, migrations: files, logger: logger)
    }

    @Test("the schema applied twice is applied once, and every statement prepares on it")
    func schema() async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        let files = try StoreBed.migrations()
        #expect(try await self.migrator(database, files).apply() == files.map(\.name).sorted())
        #expect(try await self.migrator(database, files).apply() == [])
        let connection = try await PostgresConnection.connect(database, logger: logger)
        for (number, statement) in Statements.all.enumerated() {
            let types = statement.parameters.map { "\($0.rawValue)" }.joined(separator: ",")
            let names = try await connection.query(
                "SELECT array_to_string('{\(types)}'::oid[]::regtype[], ', ')"
            )
            let list = names.columnText(0, 0) ?? ""
            do {
                try await connection.script(
                    "PREPARE p\(number)\(list.isEmpty ? "" : " (\(list))") AS \(statement.sql)"
                )
            } catch { Issue.record("\(statement.name): \(error)") }
        }
        #expect(Set(Statements.all.map(\.name)).count == Statements.all.count)
        await connection.close()
    }

    @Test("a file that was edited after it was applied is refused, and nothing else is applied")
    func edited() async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        try await self.migrator(database, [self.first]).apply()
        var changed = self.first
        changed.sql += " "
        let migrator = self.migrator(database, [changed, self.second])
        #expect(await code { try await migrator.apply() } == .migration)
        #expect(try await migrator.status().map(\.state) == [.edited, .pending])
    }

    @Test("a database with a migration that this program does not know is left as it is")
    func unknown() async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        let later = Migration(number: 9, name: "0009_z.sql", sql: "CREATE TABLE z (x int);")
        try await self.migrator(database, [self.first, later]).apply()
        let migrator = self.migrator(database, [self.first, self.second])
        #expect(await code { try await migrator.apply() } == .migration)
        #expect(try await migrator.status().map(\.state) == [.applied, .pending, .missing])
    }

    @Test("two files with one number are refused")
    func sameNumber() async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        let twin = Migration(number: 1, name: "0001_b.sql", sql: "CREATE TABLE b (x int);")
        let migrator = self.migrator(database, [self.first, twin])
        #expect(await code { try await migrator.apply() } == .migration)
        #expect(try await migrator.status().allSatisfy { $0.state == .pending })
    }

    @Test("migrators that come at once apply every file once")
    func together() async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        let files = [self.first, self.second]
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<6 { group.addTask { try await self.migrator(database, files).apply() } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied == files.map(\.name))
    }

    @Test("a broken file leaves nothing behind, and works once it is mended")
    func broken() async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        let text = "CREATE TABLE b (x int); INSERT INTO b VALUES (1); SELECT nonsense;"
        let broken = Migration(number: 2, name: "0002_b.sql", sql: text)
        let migrator = self.migrator(database, [self.first, broken])
        #expect(await code { try await migrator.apply() } == .migration)
        #expect(try await migrator.status().map(\.state) == [.applied, .pending])
        #expect(
            try await self.migrator(database, [self.first, self.second]).apply() == ["0002_b.sql"]
        )
    }
}
