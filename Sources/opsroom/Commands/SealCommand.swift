// `opsroom seal`: keys that seal inputs and outputs, and what is sealed with which.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

struct SealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Keys that seal inputs and outputs in the database, and what they have sealed.",
        discussion: """
            A node with seal-key-file (or OPSROOM_SEAL_KEY_FILE) seals what runs are given and what
            they yield before it is stored. The file's first key seals, all of them open.

            A new key: add its line at the end of every node's file, restart them; move it to the
            top, restart them. The old one is no longer needed when 'opsroom seal status' does not
            list it any more.

            Examples:
              (umask 077; opsroom seal key 2026a > seal.keys)
              opsroom node --seal-key-file seal.keys
              opsroom seal status
            """,
        subcommands: [Key.self, Status.self]
    )

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "key",
            abstract: "Make a key and print its line; it is kept nowhere else.",
            discussion: """
                Example:
                  opsroom seal key 2026b >> seal.keys
                """
        )

        @Argument(help: "Its id: 1 to 32 letters, digits, - or _.") var id: String

        func validate() throws {
            guard self.id.wholeMatch(of: /[A-Za-z0-9_-]{1,32}/) != nil else {
                throw ValidationError("a key's id has 1 to 32 letters, digits, - or _")
            }
        }

        func run() async throws { Terminal.output.line(SealRing.newLine(self.id)) }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "How many rows are sealed with which key; it reads all of them.",
            discussion: """
                Examples:
                  opsroom seal status
                  DATABASE_URL=postgres://ops@db/opsroom opsroom seal status -o json
                """
        )

        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let rows = try await self.room.client { try await $0.store.sealed() }
            guard self.output.output == .table else {
                return self.output.printJSON(
                    "sealed",
                    rows.map {
                        .object([
                            "what": .string($0.what), "key": .string($0.key),
                            "rows": .integer($0.rows),
                        ])
                    }
                )
            }
            guard !rows.isEmpty else {
                Terminal.error.line("Nothing is sealed.")
                return
            }
            var table = Table(headers: ["WHAT", "KEY", "ROWS"])
            table.rows = rows.map { [$0.what, $0.key, String($0.rows)] }
            table.print()
        }
    }
}
