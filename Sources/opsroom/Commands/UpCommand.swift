// `opsroom up`: a node in the foreground.

import ArgumentParser
import ControlRoom
import Foundation

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a node in the foreground until Ctrl-C.",
        discussion: """
            The database is the server of DATABASE_URL, or an embedded Postgres in the data
            directory. Several nodes may share one DATABASE_URL, each with a data directory of
            its own. Ctrl-C lets running steps finish for up to 10 s; a second one ends at once.

            Examples:
              opsroom up
              DATABASE_URL=postgres://ops@db/opsroom opsroom up --data /var/lib/opsroom/n2 --name n2
            """
    )

    @Option(help: "The node's name (default: the host's).")
    var name: String?
    @Option(name: .customLong("runs-max"), help: "Runs at once on this node (default 64).")
    var runsMax: Int?
    @OptionGroup var room: RoomOptions

    func run() async throws {
        let configuration = try self.room.configuration(name: self.name, runsMax: self.runsMax)
        let room = self.room.room(configuration) { Self.tell($0) }
        try await room.open(purpose: "opsroom up", node: .here) { client in
            for origin in configuration.origins {
                Terminal.error.line(
                    Terminal.error.styled(
                        "  \(origin.name) = \(origin.value)  (\(origin.origin))",
                        .dim
                    )
                )
            }
            _ = await Signals.wait()
            Terminal.error.line(
                "stopping: running steps may finish for up to 10 s; Ctrl-C again ends at once"
            )
        }
        Terminal.error.line("stopped")
    }

    static func tell(_ notice: Room.Notice) {
        let terminal = Terminal.error
        switch notice {
        case .database(let takenOver):
            terminal.line(
                takenOver
                    ? "embedded Postgres taken over: a node ended without stopping it"
                    : "embedded Postgres started"
            )
        case .migrated(let names): terminal.line("migrated: \(names.joined(separator: ", "))")
        case .ready: terminal.line(terminal.styled("✓ node ready", .green))
        case .databaseUnavailable(let reason): terminal.line("! \(reason)")
        case .databaseAvailable: terminal.line("✓ database available again")
        case .reborn: terminal.line("! declared dead by another node; joining anew")
        }
    }
}
