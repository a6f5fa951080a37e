// Looking at the schema without opening the room for work.

public import Store

extension Room {
    /// Which migrations the database has.
    public func migrations() async throws -> [MigrationStatus] {
        try await self.withMigrator { try await $0.status() }
    }

    /// Applies what is pending.
    public func migrate() async throws -> [String] {
        try await self.withMigrator { try await $0.apply() }
    }

    private func withMigrator<Value: Sendable>(
        _ body: @escaping @Sendable (Migrator) async throws -> Value
    ) async throws -> Value {
        let migrations = try MigrationFiles.load(environment: self.configuration.environment)
        return try await self.withDatabase(purpose: "opsroom migrate") { conninfo in
            do {
                return try await body(
                    Migrator(
                        configuration: Self.connection(conninfo),
                        migrations: migrations,
                        logger: self.logger
                    )
                )
            } catch let error as StoreError {
                throw RoomError(error)
            }
        }
    }

    /// Finds or starts the database, and nothing more.
    private func withDatabase<Value: Sendable>(
        purpose: String,
        _ body: @escaping @Sendable (String) async throws -> Value
    ) async throws -> Value {
        if let url = self.configuration.databaseURL { return try await body(url) }
        switch try await self.lockOrNode(purpose) {
        case .failure(let error) where error.code == .directoryInUse:
            return try await body(try await self.conninfoOfOwner(error))
        case .failure(let error): throw RoomError(error)
        case .success(let lock):
            defer { lock.unlock() }
            return try await self.withServer(lock, isTold: false, body)
        }
    }
}
