// What `opsroom schedules` changes: make, edit, pause, resume, trigger, backfill, delete.

import ArgumentParser
import ControlRoom
import PulserIR

extension SchedulesCommand {
    /// Prints a schedule after a change.
    private static func tell(_ row: JSONValue, _ verb: String, _ output: OutputOptions) {
        guard output.output == .table else { return output.printJSON(row) }
        let name = row["name"]?.stringValue ?? ""
        let next = row["next_at"]?.stringValue.map { "; next run at \($0)" } ?? ""
        Terminal.output.line("schedule \(name) \(verb)\(next)")
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a schedule.",
            discussion: """
                An expression has five fields (minute, hour, day of month, month,
                weekday), or six with the second first, or is a word like @daily.
                A time that clocks leave out happens right behind the gap, one
                that they show twice happens once; an expression for every hour
                goes by what clocks show.

                Examples:
                  opsroom schedules create nightly --plan backup.yaml \\
                    --cron "30 2 * * *" --zone Europe/Berlin
                  opsroom schedules create pulse --template ping --every 10m
                  opsroom schedules create sync --template sync --every 5m \\
                    --unique sync --deadline 4m
                """
        )

        @Argument(help: "Its name.") var name: String
        @OptionGroup var options: ScheduleOptions
        @Flag(help: "Make it paused.") var paused = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (self.options.plan == nil) != (self.options.template == nil) else {
                throw ValidationError("say what it runs: --plan or --template")
            }
            guard !self.options.cron.isEmpty || !self.options.every.isEmpty else {
                throw ValidationError("say when it ticks: --cron or --every")
            }
            try self.options.uniqueness.check(
                delayMilliseconds: self.options.delay?.milliseconds ?? 0
            )
        }

        func run() async throws {
            var members = try self.options.members()
            members["name"] = .string(self.name)
            if self.paused { members["paused"] = .bool(true) }
            let body = JSONValue.object(members)
            let row = try await self.place.access { try await $0.schedule(.create(body)) }
            SchedulesCommand.tell(row, "created", self.output)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "edit",
            abstract: "Change what is given about a schedule; new times tick from now on.",
            discussion: """
                Examples:
                  opsroom schedules edit nightly --cron "0 3 * * *" --misfire all
                  opsroom schedules edit nightly --deadline 2h --without unique
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Option(help: "Its new name.") var name: String?
        @OptionGroup var options: ScheduleOptions
        @Option(help: "What its runs have no more: ttl, deadline or unique; repeat for more.")
        var without: [RunLimitOption] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            // Whether a debounce has its delay is known where the schedule is.
            try self.options.uniqueness.check(delayMilliseconds: 0, isWhole: false)
        }

        func run() async throws {
            var members = try self.options.members()
            members["name"] = self.name.map { .string($0) }
            for limit in self.without { members[limit.member] = .null }
            guard !members.isEmpty else {
                throw RoomError(.usage, "say what changes", next: "opsroom schedules edit --help")
            }
            let call = ScheduleCall.edit(self.schedule, .object(members))
            let row = try await self.place.access { try await $0.schedule(call) }
            SchedulesCommand.tell(row, "changed", self.output)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Have a schedule make no runs until it is resumed.",
            discussion: """
                Example:
                  opsroom schedules pause nightly --reason "audit until Friday"
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let call = ScheduleCall.pause(self.schedule, reason: self.reason)
            let row = try await self.place.access { try await $0.schedule(call) }
            SchedulesCommand.tell(row, "paused", self.output)
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Have a paused schedule go on; ticks of the pause are not made up.",
            discussion: """
                Example:
                  opsroom schedules resume nightly
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let call = ScheduleCall.resume(self.schedule)
            let row = try await self.place.access { try await $0.schedule(call) }
            SchedulesCommand.tell(row, "resumed", self.output)
        }
    }

    struct Trigger: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "trigger",
            abstract: "Have a schedule make a run now, also while it is paused.",
            discussion: """
                Example:
                  opsroom schedules trigger nightly --overlap queue
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Option(help: "What becomes of open runs: skip, queue, cancel. Default: its own policy.")
        var overlap: OverlapOption?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let call = ScheduleCall.trigger(self.schedule, overlap: self.overlap?.policy)
            let run = try await self.place.access { try await $0.schedule(call) }
            guard self.output.output == .table else { return self.output.printJSON(run) }
            Terminal.output.line(run["id"]?.stringValue ?? "")
        }
    }

    struct Backfill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backfill",
            abstract: "Have ticks of the past make their runs; a tick that has one gets no other.",
            discussion: """
                Both ends belong to the range; at most 1000 ticks at once. Where its runs are unique,
                that holds here too: none is made for a tick while another run has the key.

                Example:
                  opsroom schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2026-11-07T00:00:00Z
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Option(help: ArgumentHelp("From then on.", valueName: "moment")) var from: String
        @Option(help: ArgumentHelp("Until then.", valueName: "moment")) var to: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let call = ScheduleCall.backfill(self.schedule, from: self.from, upTo: self.to)
            let answer = try await self.place.access { try await $0.schedule(call) }
            guard self.output.output == .table else { return self.output.printJSON(answer) }
            let (made, ticks) = (answer["made"]?.integerValue ?? 0, answer["ticks"]?.integerValue)
            let held = answer["not_unique"]?.integerValue ?? 0
            let others = ticks.map { $0 - made - held } ?? 0
            let rest =
                (others > 0 ? "; \(others) had theirs already" : "")
                + (held > 0 ? "; for \(held) another run had the unique key" : "")
            Terminal.output.line("\(made) run\(made == 1 ? "" : "s") made\(rest)")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a schedule; its runs stay.",
            discussion: """
                Example:
                  opsroom schedules delete nightly --yes
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Flag(help: "Do it.") var yes = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let name = self.schedule
            guard self.yes else {
                throw RoomError(
                    .refused,
                    "schedule '\(name)' would make no more runs",
                    next: "opsroom schedules delete \(ShellWord.quoted(name)) --yes"
                )
            }
            _ = try await self.place.access { try await $0.schedule(.delete(name)) }
            guard self.output.output == .table else {
                return self.output.printJSON(.object(["deleted": .string(name)]))
            }
            Terminal.output.line("schedule \(name) deleted")
        }
    }
}
