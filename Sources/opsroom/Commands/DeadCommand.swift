// `opsroom dead`: runs that failed for good, until somebody has them run again or puts them aside.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR
import Store

struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Dead letters: runs that failed for good and wait for a person.",
        discussion: """
            A run is on the list when it failed or timed out after all its retries, until it is run
            again or put aside. Children of other runs are not: their failure is their parent's.

            Examples:
              opsroom dead list --session billing
              opsroom dead redrive 7k3m --from migrate
              opsroom dead discard --filter text=timeout --note "the supplier was down" --yes
            """,
        subcommands: [List.self, Show.self, Redrive.self, Discard.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "What failed for good, newest first.",
            discussion: """
                Examples:
                  opsroom dead list
                  opsroom dead list --text refused --since 24h -o json
                """
        )

        @Option(help: "Only of this session.") var session: String?
        @Option(help: "Only of this lane.") var lane: String?
        @Option(help: "Only made from this template.") var template: String?
        @Option(help: "Only with this in the failure, the inputs or the plan's name.")
        var text: String?
        @Option(help: ArgumentHelp("Only what ended within this time.", valueName: "duration"))
        var since: DurationOption?
        @Option(help: "How many at most.") var limit = 20
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (1...10_000).contains(self.limit) else {
                throw ValidationError("--limit must be from 1 to 10000")
            }
        }

        func run() async throws {
            let wish = DeadWish(
                session: self.session,
                lane: self.lane,
                template: self.template,
                text: self.text,
                sinceMilliseconds: self.since.map {
                    Int64(Date().timeIntervalSince1970 * 1_000) - $0.milliseconds
                },
                limit: self.limit
            )
            let runs = try await self.place.access { try await $0.dead(wish) }
            guard self.output.output == .table else {
                return self.output.printJSON("runs", runs.map(\.json))
            }
            guard !runs.isEmpty else {
                Terminal.error.line("no dead letters")
                return
            }
            var table = Table(headers: ["RUN", "STATUS", "PLAN", "LANE", "ENDED", "REASON"])
            table.style = { column, text in
                column == 1 ? Wording.sign(String(text.dropFirst(2))).style : nil
            }
            table.rows = runs.map { run in
                [
                    run.id.description, Wording.status(run.status.rawValue), run.plan, run.place,
                    Wording.ago(run.finishedMilliseconds ?? run.enqueuedMilliseconds),
                    Wording.oneLine(run.failure ?? "", 200),
                ]
            }
            table.print()
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Why a run failed for good, and what was said about it.",
            discussion: """
                Example:
                  opsroom dead show 7k3m
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let words = self.place.words
            let document = try await self.place.access { room in
                try await room.deadLetter(try await room.resolve(wanted))
            }
            guard self.output.output == .table else { return self.output.printJSON(document) }
            let run = try RunFacts(document)
            let terminal = Terminal.output
            terminal.line(
                "\(run.id)  \(Wording.status(run.status.rawValue))  \(run.plan)  \(run.place)"
            )
            if let failure = run.failure { terminal.line("  \(failure)") }
            for step in document["failed_steps"]?.arrayValue ?? [] {
                terminal.line(
                    "  step \(step["step"]?.stringValue ?? ""), attempt "
                        + "\(step["attempt"]?.integerValue ?? 0): "
                        + Wording.oneLine(step["failure"]?.stringValue ?? "", 200)
                )
            }
            if let note = document["discarded"], let person = note["by"]?.stringValue {
                let text = note["note"]?.stringValue ?? ""
                terminal.line(
                    "  put aside by \(person) at \(note["at"]?.stringValue ?? "")"
                        + (text.isEmpty ? "" : ": \(text)")
                )
            } else {
                Terminal.error.line(
                    "Next:  opsroom dead redrive \(run.id)\(words), or opsroom dead discard "
                        + "\(run.id)\(words) --note WHY"
                )
            }
        }
    }
}
