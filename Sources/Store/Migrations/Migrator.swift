// Brings the schema forward: numbered files, each once, in order, checksummed, under a lock.

public import Logging
public import Postgres
public import PulserIR

/// One migration file.
public struct Migration: Sendable, Hashable {
    /// The number its name begins with.
    public var number: Int
    /// Its file name.
    public var name: String
    /// Its text.
    public var sql: String

    /// Describes a file.
    public init(number: Int, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// SHA-256 of the text.
    public var digest: Digest { Digest(of: Array(self.sql.utf8)) }
}

/// Whether a migration is applied.
public struct MigrationStatus: Sendable, Hashable {
    /// What the comparison found.
    public enum State: String, Sendable, Hashable {
        case applied
        case pending
        /// Applied with another text than the file has now.
        case edited
        /// Applied, but there is no such file: the database is newer than this program.
        case missing
    }

    /// The number.
    public var number: Int
    /// The file name.
    public var name: String
    /// What the comparison found.
    public var state: State

    /// A migration that the database has.
    struct Applied: Sendable {
        var number: Int
        var name: String
        var digest: [UInt8]
    }

    static func applied(_ rows: PostgresRows) throws(StoreError) -> [Applied] {
        try rows.decode { row throws(StoreError) in
            Applied(number: try row.int(0), name: try row.text(1), digest: try row.bytes(2))
        }
    }

    static func comparing(_ files: [Migration], _ applied: [Applied]) -> [MigrationStatus] {
        let known = Set(files.map(\.number))
        let missing = applied.filter { !known.contains($0.number) }.map {
            MigrationStatus(number: $0.number, name: $0.name, state: .missing)
        }
        let statuses = files.map { migration in
            let stored = applied.first { $0.number == migration.number }
            let state: State =
                stored.map { $0.digest == migration.digest.bytes ? .applied : .edited } ?? .pending
            return MigrationStatus(number: migration.number, name: migration.name, state: state)
        }
        return (statuses + missing).sorted { $0.number < $1.number }
    }
}

/// Applies migrations over a connection of its own.
public struct Migrator: Sendable {
    private var configuration: PostgresConfiguration
    private let migrations: [Migration]
    private let logger: Logger

    /// Any number does that nothing else locks: "ops" in ASCII.
    private static let lockKey: Int64 = 0x6F_7073

    private static let makeTable = """
        CREATE TABLE IF NOT EXISTS schema_migration (
            number     integer PRIMARY KEY,
            name       text NOT NULL,
            digest     bytea NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now())
        """

    /// Prepares to apply `migrations`, in the order of their numbers.
    public init(configuration: PostgresConfiguration, migrations: [Migration], logger: Logger) {
        self.configuration = configuration
        // A migration of a large table, or the wait for another node's, takes what it takes.
        self.configuration.statementTimeout = .seconds(3_600)
        self.migrations = migrations.sorted { $0.number < $1.number }
        self.logger = logger
    }

    /// Compares the files with the database, changing nothing but the migrator's own table.
    public func status() async throws(StoreError) -> [MigrationStatus] {
        try await self.connected { connection throws(StoreError) in
            try await self.status(connection)
        }
    }

    /// Applies what is pending.
    ///
    /// - Returns: The names of the files applied now.
    /// - Throws: `migration` when a file was edited after it was applied, or when the database has
    ///   migrations that this program does not know.
    @discardableResult
    public func apply() async throws(StoreError) -> [String] {
        try await self.connected { connection throws(StoreError) in
            try await Self.translated { () throws(PostgresError) in
                _ = try await connection.query(
                    "SELECT pg_advisory_lock(\(Self.lockKey))",
                    [],
                    format: .text
                )
            }
            // The lock ends with the connection, which `connected` closes.
            return try await self.applyPending(connection)
        }
    }

    private func applyPending(
        _ connection: PostgresConnection
    ) async throws(StoreError) -> [String] {
        let statuses = try await self.status(connection)
        // A database that does not fit is left as it is.
        for status in statuses { try Self.check(status) }
        for (one, other) in zip(self.migrations, self.migrations.dropFirst())
        where one.number == other.number {
            throw StoreError(
                .migration,
                "migrations \(one.name) and \(other.name) have the same number"
            )
        }
        var applied: [String] = []
        for migration in self.migrations
        where statuses.contains(where: { $0.number == migration.number && $0.state == .pending }) {
            try await self.apply(migration, connection)
            applied.append(migration.name)
            self.logger.info("migration applied", metadata: ["name": "\(migration.name)"])
        }
        return applied
    }

    private static func check(_ status: MigrationStatus) throws(StoreError) {
        switch status.state {
        case .applied, .pending: return
        case .edited:
            throw StoreError(
                .migration,
                "migration \(status.name) was edited after it was applied; restore the file, "
                    + "changes belong in a new one"
            )
        case .missing:
            throw StoreError(
                .migration,
                "the database has migration \(status.name), which this program does not know; "
                    + "use a newer opsroom"
            )
        }
    }

    private func apply(
        _ migration: Migration,
        _ connection: PostgresConnection
    ) async throws(StoreError) {
        let script = """
            BEGIN;
            \(migration.sql)
            INSERT INTO schema_migration (number, name, digest)
            VALUES (\(migration.number), '\(migration.name.replacing("'", with: "''"))',
                    '\\x\(migration.digest.hex)');
            COMMIT;
            """
        do {
            try await connection.script(script)
        } catch {
            throw StoreError(.migration, "migration \(migration.name) failed: \(error.message)")
        }
    }

    private func status(
        _ connection: PostgresConnection
    ) async throws(StoreError) -> [MigrationStatus] {
        let rows = try await Self.translated { () throws(PostgresError) in
            try await connection.script("SET client_min_messages = warning; \(Self.makeTable);")
            return try await connection.query(HealthSQL.migrations.sql, [], format: .binary)
        }
        return MigrationStatus.comparing(self.migrations, try MigrationStatus.applied(rows))
    }

    private func connected<Value: Sendable>(
        _ body: (PostgresConnection) async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let connection = try await Self.translated { () throws(PostgresError) in
            try await PostgresConnection.connect(self.configuration, logger: self.logger)
        }
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    private static func translated<Value: Sendable>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await body()
        } catch {
            throw StoreError(error)
        }
    }
}
