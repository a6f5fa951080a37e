// Databases that belong to one run: made for it, dropped after it.

internal import Postgres
public import PulserIR

extension Store {
    private static let scratchPrefix = "scratch_"

    /// The name of a run's database and of the role that owns it.
    public static func scratchName(_ run: RunID) -> String { self.scratchPrefix + run.description }

    /// Makes a run's database with a role that can reach nothing else; does nothing when they are
    /// there.
    ///
    /// The password is the role's; it may hold letters and digits only.
    public func makeScratch(_ run: RunID, password: String) async throws(StoreError) {
        let name = Self.scratchName(run)
        try await self.unprepared(
            """
            DO $$ BEGIN
                IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '\(name)') THEN
                    CREATE ROLE \(name) LOGIN;
                END IF;
            END $$
            """
        )
        try await self.unprepared("ALTER ROLE \(name) PASSWORD '\(password)'")
        let rows = try await self.unprepared(
            "SELECT 1 FROM pg_database WHERE datname = '\(name)'"
        )
        guard rows.count == 0 else { return }
        try await self.unprepared("GRANT \(name) TO CURRENT_USER")
        try await self.unprepared("CREATE DATABASE \(name) OWNER \(name)")
    }

    /// Drops a run's database and role; nothing happens when they are not there.
    public func dropScratch(_ run: RunID) async throws(StoreError) {
        try await self.drop(Self.scratchName(run))
    }

    /// Drops the databases of runs that have ended: what a crash left behind.
    public func sweepScratch() async throws(StoreError) {
        let rows = try await self.unprepared(
            "SELECT datname FROM pg_database WHERE datname LIKE '\(Self.scratchPrefix)%'"
        )
        for row in 0..<rows.count {
            guard let name = rows.columnText(row, 0),
                let run = RunID(String(name.dropFirst(Self.scratchPrefix.count)))
            else { continue }
            do {
                guard try await self.run(run).status.isTerminal else { continue }
            } catch {
                // A run that cannot be read now may be under way.
                guard error.code == .notFound else { throw error }
            }
            try await self.drop(name)
        }
    }

    private func drop(_ name: String) async throws(StoreError) {
        try await self.unprepared("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        try await self.unprepared("DROP ROLE IF EXISTS \(name)")
    }

    @discardableResult
    private func unprepared(_ sql: String) async throws(StoreError) -> PostgresRows {
        do {
            return try await self.pool.withConnection { connection throws(PostgresError) in
                try await connection.query(sql, [], format: .text)
            }
        } catch {
            throw StoreError(error)
        }
    }
}
