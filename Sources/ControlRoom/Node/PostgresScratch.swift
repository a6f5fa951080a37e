// Gives runs databases of their own on the room's server.

import Execution
import Postgres
import PulserIR
import Store

/// Databases of runs, on the server that also holds the room's own.
struct PostgresScratch: ScratchDatabases {
    let store: Store
    let conninfo: String
    let isEmbedded: Bool

    func open(_ run: RunID) async throws(ExecutionError) -> ScratchDatabase {
        let letters = Array("abcdefghjkmnpqrstvwxyz0123456789")
        let password = String((0..<24).map { _ in letters[Int.random(in: 0..<letters.count)] })
        do {
            try await self.store.makeScratch(run, password: password)
        } catch {
            throw ExecutionError(error.message, isTransient: error.isTransient)
        }
        let name = Store.scratchName(run)
        do {
            let parts = try ConnectionParts(self.conninfo)
            // The embedded server asks nobody on its private socket; other servers may.
            let isAsked = !self.isEmbedded
            var replacements = ["dbname": name, "user": name]
            if isAsked { replacements["password"] = password }
            return ScratchDatabase(
                dsn: parts.replacing(replacements),
                host: parts.values["host"] ?? "localhost",
                port: parts.values["port"] ?? "5432",
                user: name,
                database: name,
                password: isAsked ? password : nil
            )
        } catch {
            throw ExecutionError(error.message)
        }
    }

    func drop(_ run: RunID) async { try? await self.store.dropScratch(run) }
}
