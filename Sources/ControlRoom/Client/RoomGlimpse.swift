// A look into a room that is open already: nothing is started, made or waited for.

import Foundation
import Postgres
public import Store

extension Room {
    /// Asks the database of a room that works now.
    ///
    /// That is `DATABASE_URL`, or the server of the process that has the data directory. A shell
    /// that completes a word calls this: it must change nothing and it must not hang.
    ///
    /// - Parameters:
    ///   - limit: How long all of it may take.
    ///   - body: Gets the store.
    /// - Returns: `nil` when there is no such room, it does not answer in time, or `body` threw.
    public func glimpse<Value: Sendable>(
        within limit: Duration,
        _ body: @escaping @Sendable (Store) async throws -> Value
    ) async -> Value? {
        guard let conninfo = self.openDatabase() else { return nil }
        var connection = Self.connection(conninfo, isGuest: true)
        connection.connectTimeout = limit
        connection.statementTimeout = limit
        let pool = PostgresPool(
            PostgresPoolConfiguration(connection: connection),
            logger: self.logger
        )
        let store = Store(pool: pool, logger: self.logger)
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask {
                try? await pool.run()
                return nil
            }
            group.addTask { try? await body(store) }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            // Whoever ends first has the answer, or there is none.
            return await group.next() ?? nil
        }
    }

    /// The database, when somebody else has brought it up.
    private func openDatabase() -> String? {
        if let url = self.configuration.databaseURL { return url }
        let data = URL(fileURLWithPath: self.configuration.data).resolvingSymlinksInPath().path
        guard let file = NodeFile.read(in: data), kill(file.pid, 0) == 0 else { return nil }
        return file.conninfo
    }
}
