// `opsroom up`: a node in the foreground.

import ArgumentParser
import ControlRoom
import Foundation
import HTTP2

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a node in the foreground until Ctrl-C.",
        discussion: """
            The database is the server of DATABASE_URL, or an embedded Postgres in the data
            directory. Several nodes may share one DATABASE_URL, each with a data directory of
            its own. Ctrl-C lets running steps finish for up to 10 s; a second one ends at once.

            The node offers its API at http://127.0.0.1:7460. On this machine it gives its user a
            token the first time; other addresses need TLS.

            Examples:
              opsroom up
              opsroom up --listen off
              opsroom up --listen 0.0.0.0:7460 --tls-cert cert.pem --tls-key key.pem
              DATABASE_URL=postgres://ops@db/opsroom opsroom up --data /var/lib/opsroom/n2 --name n2
            """
    )

    @Option(help: "The node's name (default: the host's).")
    var name: String?
    @Option(name: .customLong("runs-max"), help: "Runs at once on this node (default 64).")
    var runsMax: Int?
    @Option(
        help: ArgumentHelp(
            "Where to listen (default 127.0.0.1:7460), or 'off'.",
            valueName: "host:port"
        )
    )
    var listen: String?
    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp("PEM file of the certificate chain.", valueName: "file")
    )
    var certificate: String?
    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("PEM file of its key.", valueName: "file")
    )
    var key: String?
    @Option(
        name: .customLong("client-ca"),
        help: ArgumentHelp("PEM file of the authorities of clients.", valueName: "file")
    )
    var clientAuthority: String?
    @OptionGroup var room: RoomOptions

    func run() async throws {
        var configuration = try self.room.configuration(name: self.name, runsMax: self.runsMax)
        configuration.listen = try ListenSettings.read(
            listen: self.listen,
            certificate: self.certificate,
            key: self.key,
            clientAuthority: self.clientAuthority,
            environment: ProcessInfo.processInfo.environment
        )
        let origins = configuration.origins
        let room = self.room.room(configuration) { Self.tell($0) }
        try await room.open(purpose: "opsroom up", node: .here) { client in
            for origin in origins {
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
        case .ready(let address):
            let place = address.map { ", API at \($0)" } ?? ""
            terminal.line(terminal.styled("✓ node ready\(place)", .green))
        case .otherPort(let port):
            terminal.line("! port \(ListenSettings.defaultPort) is taken; listening on \(port)")
        case .firstToken(let context, let path):
            terminal.line("made a token for this machine: context '\(context)' in \(path)")
        case .noToken(let reason): terminal.line("! no token for this machine: \(reason)")
        case .databaseUnavailable(let reason): terminal.line("! \(reason)")
        case .databaseAvailable: terminal.line("✓ database available again")
        case .certificate(.renewed): terminal.line("✓ certificate renewed")
        case .certificate(.refused(let reason)):
            terminal.line("! the new certificate cannot be used, the old one stays: \(reason)")
        case .reborn: terminal.line("! declared dead by another node; joining anew")
        }
    }
}
