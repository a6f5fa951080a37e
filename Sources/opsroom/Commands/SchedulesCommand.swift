// `opsroom schedules`: runs that begin by themselves.

import ArgumentParser
import ControlRoom
import PulserIR

struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules",
        abstract: "Have runs of a plan begin by themselves, and look after that.",
        discussion: """
            A schedule ticks by cron expressions, read by the clocks of a time zone, or in even
            steps. Every tick makes one run, whichever node is up.

            Examples:
              opsroom schedules create nightly --plan backup.yaml --cron "30 2 * * *" --zone Europe/Berlin
              opsroom schedules create pulse --template ping --every 10m --jitter 30s
              opsroom schedules preview nightly
              opsroom schedules pause nightly --reason "audit until Friday"
              opsroom schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2026-11-07T00:00:00Z
            """,
        subcommands: [
            List.self, Show.self, Preview.self, Create.self, Edit.self, Pause.self, Resume.self,
            Trigger.self, Backfill.self, Delete.self,
        ]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Schedules, by name.",
            discussion: """
                Example:
                  opsroom schedules list --paused
                """
        )

        @Option(help: "Only those of this session.") var session: String?
        @Flag(help: "Only those that are paused.") var paused = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let (session, isPaused) = (self.session, self.paused ? true : nil)
            let rows = try await self.place.access {
                try await $0.schedules(of: session, isPaused: isPaused)
            }
            guard self.output.output == .table else {
                return self.output.printJSON("schedules", rows)
            }
            if rows.isEmpty {
                Terminal.error.line("no schedules")
                return
            }
            var table = Table(headers: ["SCHEDULE", "STATE", "NEXT", "RULES", "ZONE", "LANE"])
            table.rows = rows.map { ScheduleView($0).cells }
            table.print()
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "A schedule with its latest runs.",
            discussion: """
                Example:
                  opsroom schedules show nightly
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let name = self.schedule
            let (row, runs) = try await self.place.access { room in
                (try await room.schedule(.get(name)), try await room.scheduleRuns(name, limit: 10))
            }
            guard self.output.output == .table else {
                guard case .object(var members) = row else { return }
                members["runs"] = .array(runs)
                return self.output.printJSON(.object(members))
            }
            for line in ScheduleView(row).lines { Terminal.output.line(line) }
            for run in runs {
                func text(_ name: String) -> String { run[name]?.stringValue ?? "" }
                let kind = run["manual"] == .bool(true) ? "asked for at" : "tick"
                Terminal.output.line("  run \(text("run"))  \(kind) \(text("tick"))")
            }
        }
    }

    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "preview",
            abstract: "The next ticks of a schedule.",
            discussion: """
                Example:
                  opsroom schedules preview nightly --count 3 --from 2026-03-28T00:00:00Z
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Option(help: "How many, from 1 to 100.") var count = 10
        @Option(help: "From then on instead of from now on.") var from: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (1...100).contains(self.count) else {
                throw ValidationError("--count must be from 1 to 100")
            }
        }

        func run() async throws {
            let call = ScheduleCall.preview(self.schedule, count: self.count, from: self.from)
            let answer = try await self.place.access { try await $0.schedule(call) }
            guard self.output.output == .table else { return self.output.printJSON(answer) }
            let ticks = answer["ticks"]?.arrayValue ?? []
            if ticks.isEmpty {
                Terminal.error.line("it ticks no more")
                return
            }
            var table = Table(headers: ["TICK", "RUN BEGINS", "CLOCKS SHOW"])
            table.rows = ticks.map { tick in
                ["tick", "due", "local"].map { tick[$0]?.stringValue ?? "" }
            }
            table.print()
        }
    }
}
