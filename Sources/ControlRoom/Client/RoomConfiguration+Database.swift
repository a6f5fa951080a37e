// Refuses a database that cannot be one before anything is made.

import Postgres

extension RoomConfiguration {
    /// Whether `DATABASE_URL` is a connection string at all.
    ///
    /// - Throws: `usage`; what libpq says of it is not repeated, because it quotes the text and
    ///   with it the password.
    public func checkDatabase() throws(RoomError) {
        guard let url = self.databaseURL, !PostgresConfiguration(conninfo: url).isReadable else {
            return
        }
        throw RoomError(
            .usage,
            "DATABASE_URL is neither a postgres:// URL nor keyword=value pairs that libpq knows",
            next: "DATABASE_URL=postgres://USER@HOST/DATABASE opsroom doctor"
        )
    }
}
