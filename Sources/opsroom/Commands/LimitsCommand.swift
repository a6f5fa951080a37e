// `opsroom limits`: rates that lanes share.

import ArgumentParser
import ControlRoom
import PulserIR

struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Rates that lanes share: how many of their runs may begin in a time.",
        discussion: """
            Lanes name the limits that they keep to: opsroom lanes set billing/B --limit bank

            Examples:
              opsroom limits set bank --rate 100/m
              opsroom limits list
            """,
        subcommands: [List.self, Change.self, Delete.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Limits by name, and how long until a run may begin.",
            discussion: """
                Example:
                  opsroom limits list -o json
                """
        )

        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let limits = try await self.place.access { try await $0.limits() }
            guard self.output.output == .table else {
                return self.output.printJSON("limits", limits)
            }
            if limits.isEmpty {
                Terminal.error.line("no limits; opsroom limits set NAME --rate 100/m makes one")
                return
            }
            var table = Table(headers: ["LIMIT", "RATE", "LANES", "NEXT"])
            table.rows = limits.map { limit in
                let wait = limit["wait_ms"]?.integerValue ?? 0
                return [
                    limit["name"]?.stringValue ?? "", limit["rate"]?.stringValue ?? "",
                    String(limit["lanes"]?.integerValue ?? 0),
                    wait > 0 ? "in \(Wording.duration(milliseconds: wait))" : "now",
                ]
            }
            table.print()
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Make a limit or change it; what has begun counts on.",
            discussion: """
                A rate is COUNT/TIME[:BURST]: 100/m lets one run begin every 600 ms, 100/m:20 up to
                20 at once after a time of rest.

                Example:
                  opsroom limits set bank --rate 100/m:20
                """
        )

        @Argument(help: "Its name.") var name: String
        @Option(help: "How many runs may begin in a time.") var rate: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard self.name.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/) != nil else {
                throw ValidationError(
                    "'\(self.name)' cannot name a limit: letters, digits, '.', '-', '_', at most 64"
                )
            }
            guard Rate(self.rate) != nil else {
                throw ValidationError("'\(self.rate)' is no rate: \(Rate.form)")
            }
        }

        func run() async throws {
            let name = self.name
            guard let rate = Rate(self.rate) else { return }
            let limit = try await self.place.access { try await $0.setLimit(name, rate) }
            guard self.output.output == .table else { return self.output.printJSON(limit) }
            let lanes = limit["lanes"]?.integerValue ?? 0
            Terminal.output.line(
                "limit \(name): \(rate), of \(lanes) lane\(lanes == 1 ? "" : "s")"
            )
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Remove a limit that no lane names.",
            discussion: """
                Example:
                  opsroom limits delete bank
                """
        )

        @Argument(help: "Its name.") var name: String
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let name = self.name
            try await self.place.access { try await $0.deleteLimit(name) }
            Terminal.output.line("limit \(name) removed")
        }
    }
}
