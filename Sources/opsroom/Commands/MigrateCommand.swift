// `opsroom migrate`: which schema the database has.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Show and apply the database's migrations.",
        discussion: """
            Examples:
              opsroom migrate status
              opsroom migrate apply
            """,
        subcommands: [Status.self, Apply.self]
    )

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Which migrations are applied.",
            discussion: """
                Examples:
                  opsroom migrate status --check -o json
                  opsroom migrate status --server https://ops.example
                """
        )

        @Flag(help: "Exit with 2 when something is not as it should be.") var check = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let statuses = try await self.statuses()
            func text(_ status: JSONValue, _ name: String) -> String {
                status[name]?.stringValue ?? ""
            }
            if self.output.output == .table {
                var table = Table(headers: ["MIGRATION", "STATE"])
                table.rows = statuses.map {
                    [text($0, "name"), Wording.status(text($0, "state"))]
                }
                table.print()
            } else {
                self.output.printJSON("migrations", statuses)
            }
            let applied = MigrationStatus.State.applied.rawValue
            if self.check, statuses.contains(where: { text($0, "state") != applied }) {
                throw ExitCode(2)
            }
        }

        private func statuses() async throws -> [JSONValue] {
            if let server = try self.place.choice.resolve() {
                let document = try await RemoteConnection.open(server, logger: self.place.logger) {
                    try await $0.get(["migrations"])
                }
                guard let rows = document["migrations"]?.arrayValue else {
                    throw RoomError(.failed, "the server's answer cannot be read by this version")
                }
                return rows
            }
            let room = self.place.room(try self.place.configuration())
            return try await room.migrations().map {
                .object(["name": .string($0.name), "state": .string($0.state.rawValue)])
            }
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply",
            abstract: "Apply what is pending; every node does so when it starts.",
            discussion: """
                Example:
                  DATABASE_URL=postgres://ops@db/opsroom opsroom migrate apply
                """
        )

        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let configuration = try self.room.configuration()
            let applied: [String]
            do {
                applied = try await self.room.room(configuration).migrate()
            } catch var error as RoomError {
                // Applying is what has just failed.
                if error.code == .failed { error.next = "opsroom migrate status" }
                throw error
            }
            guard self.output.output == .table else {
                return self.output.printJSON("applied", applied.map { .string($0) })
            }
            Terminal.output.line(
                applied.isEmpty
                    ? "nothing to apply" : "applied: \(applied.joined(separator: ", "))"
            )
        }
    }
}
