// `opsroom up`: a node in the foreground, with a database of its own where none is named.

import ArgumentParser
import ControlRoom
import Foundation

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a node in the foreground until Ctrl-C.",
        discussion: """
            The database is the server of DATABASE_URL, or an embedded Postgres in the data
            directory. Ctrl-C lets running steps finish for up to 10 s; a second one ends at once.

            The node offers its API at http://127.0.0.1:7460. On this machine it gives its user a
            token the first time; other addresses need TLS. Several nodes on one database:
            opsroom node --help.

            The page is at /ui of the same address; opsroom open signs in there.

            Examples:
              opsroom up
              opsroom up --listen off
              opsroom up --listen 0.0.0.0:7460 --tls-cert cert.pem --tls-key key.pem
            """
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var room: RoomOptions

    func run() async throws {
        var flags = self.node.flags
        flags[.data] = self.room.data
        var reader = SettingReader(
            flags: flags,
            environment: ProcessInfo.processInfo.environment
        )
        try await ForegroundNode(&reader).run(self.room, purpose: "opsroom up")
    }
}
