// `opsroom retention`: for how long what is done is kept, what there is of it, and what goes next.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "For how long ended runs and events are kept, how much there is, what goes next.",
        discussion: """
            History lies by the day (UTC); a day that is wholly older is dropped as a whole, within
            the hour. With a run go its journal, its artifacts and the plans that nothing else names.

            Examples:
              opsroom retention
              opsroom retention set --runs 90d --events 14d --dry-run
              opsroom retention set --runs forever
            """,
        subcommands: [Show.self, Change.self],
        defaultSubcommand: Show.self
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "What is kept, how much of it there is, and what is dropped when.",
            discussion: """
                ROWS are runs, or chunks of events, as the database counts them; SIZE is on disk, with
                indexes.

                Examples:
                  opsroom retention
                  opsroom retention show -o json
                """
        )

        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let document = try await self.place.access { try await $0.retention() }
            RetentionCommand.show(document, self.output)
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Change for how long something is kept.",
            discussion: """
                Whole days, from 1d to 36500d, or forever. --dry-run changes nothing and says what
                would be dropped.

                Examples:
                  opsroom retention set --runs 30d --events 14d --dry-run
                  opsroom retention set --events forever
                """
        )

        @Option(
            help: ArgumentHelp("Of ended runs: 30d, or forever.", valueName: "days"),
            transform: RetentionCommand.retention
        )
        var runs: Retention?
        @Option(
            help: ArgumentHelp("Of events: 14d, or forever.", valueName: "days"),
            transform: RetentionCommand.retention
        )
        var events: Retention?
        @Flag(name: .customLong("dry-run"), help: "Change nothing; say what would be dropped.")
        var dryRun = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard self.runs != nil || self.events != nil else {
                throw ValidationError("say what to keep for how long: --runs 30d, --events 14d")
            }
        }

        func run() async throws {
            let (runs, events, isDry) = (self.runs, self.events, self.dryRun)
            let document = try await self.place.access { room in
                try await room.setRetention(runs: runs, events: events, isDry: isDry)
            }
            RetentionCommand.show(document, self.output)
        }
    }

    private static func show(_ document: JSONValue, _ output: OutputOptions) {
        guard output.output == .table else { return output.printJSON(document) }
        let isDry = document["dry_run"] == .bool(true)
        var table = Table(headers: [
            "KIND", "KEPT", "ROWS", "SIZE", "OLDEST", "NEWEST", "NEXT DROP",
        ])
        for kind in HistoryKind.allCases {
            let row = document[kind.rawValue] ?? .null
            func text(_ name: String) -> String { row[name]?.stringValue ?? "–" }
            table.rows.append([
                kind.rawValue, text("keep"), String(row["rows"]?.integerValue ?? 0),
                Wording.size(row["bytes"]?.integerValue ?? 0), text("oldest"), text("newest"),
                String(text("next_drop").prefix(10)),
            ])
        }
        table.print()
        let drops = document["drops"]?.arrayValue ?? []
        guard !drops.isEmpty else {
            if isDry { Terminal.error.line("Nothing would be dropped now.") }
            return
        }
        Terminal.error.line(
            isDry ? "Would be dropped within the hour:" : "Is dropped within the hour:"
        )
        for drop in drops {
            Terminal.error.line(
                "  \(drop["kind"]?.stringValue ?? "") of \(drop["day"]?.stringValue ?? ""): "
                    + "\(drop["rows"]?.integerValue ?? 0) rows, "
                    + Wording.size(drop["bytes"]?.integerValue ?? 0)
            )
        }
    }

    /// `30d` or `forever`.
    @Sendable
    private static func retention(_ text: String) throws -> Retention {
        guard let retention = Retention(text) else {
            throw ValidationError("write whole days from 1d to 36500d, or forever")
        }
        return retention
    }
}
