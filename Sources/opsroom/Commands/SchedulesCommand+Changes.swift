// What `opsroom schedules` changes: make, edit, pause, resume, trigger, backfill, delete.

import ArgumentParser
import ControlRoom
import PulserIR

/// What people say about a schedule; what is not given keeps its value or default.
struct ScheduleOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A plan file.", valueName: "file")) var plan: String?
    @Option(help: "A template: its plan as it is at each tick.") var template: String?
    @Option(help: ArgumentHelp("A cron expression; repeat for more.", valueName: "expression"))
    var cron: [String] = []
    @Option(help: ArgumentHelp("An interval, as 10m; repeat for more.", valueName: "duration"))
    var every: [DurationOption] = []
    @Option(help: "The IANA time zone of the expressions. Default UTC.") var zone: String?
    @Option(help: "One line for people.") var title: String?
    @Option(help: "The session. Default 'default'.") var session: String?
    @Option(help: "The lane inside the session. Default 'A'.") var lane: String?
    @Option(help: "Higher goes first inside the lane.") var priority: Int?
    @OptionGroup var inputOptions: InputOptions
    @Option(help: ArgumentHelp("What intervals count from.", valueName: "moment"))
    var anchor: String?
    @Option(help: ArgumentHelp("No tick before it.", valueName: "moment")) var start: String?
    @Option(help: ArgumentHelp("No tick from then on.", valueName: "moment")) var end: String?
    @Option(help: "How far runs are spread behind their ticks, up to 1d.")
    var jitter: DurationOption?
    @Option(help: "What becomes of missed ticks: skip, latest (one run for all), all.")
    var misfire: MisfireOption?
    @Option(help: "Ticks that were missed longer ago are dropped. Default 1d.")
    var catchUp: DurationOption?
    @Option(help: "How many missed ticks get a run under --misfire all. Default 100.")
    var catchUpMax: Int?
    @Option(help: "While a run is open a tick is dropped (skip), queued, or cancels it.")
    var overlap: OverlapOption?

    /// The members of the API's body.
    func members() throws -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        if let plan {
            let (_, files) = try PlanFile.compileNamedWithSources(plan)
            members["files"] = .object(files.mapValues { .string($0) })
            members["main"] = .string(plan)
        }
        func set(_ name: String, _ text: String?) { members[name] = text.map { .string($0) } }
        func set(_ name: String, _ number: Int64?) { members[name] = number.map { .integer($0) } }
        set("template", self.template)
        let rules = self.cron + self.every.map { "every \($0.defaultValueDescription)" }
        if !rules.isEmpty { members["rules"] = .array(rules.map { .string($0) }) }
        set("zone", self.zone)
        set("title", self.title)
        set("session", self.session)
        set("lane", self.lane)
        set("priority", self.priority.map { Int64($0) })
        let inputs = try self.inputOptions.values()
        if !inputs.isEmpty { members["inputs"] = .object(inputs.mapValues { .string($0) }) }
        set("anchor", self.anchor)
        set("start", self.start)
        set("end", self.end)
        set("jitter_ms", self.jitter.map { Int64($0.duration / .milliseconds(1)) })
        set("misfire", self.misfire?.rawValue)
        set("catch_up_ms", self.catchUp.map { Int64($0.duration / .milliseconds(1)) })
        set("catch_up_max", self.catchUpMax.map { Int64($0) })
        set("overlap", self.overlap?.rawValue)
        return members
    }
}

/// What becomes of missed ticks.
enum MisfireOption: String, ExpressibleByArgument, CaseIterable {
    case skip
    case latest
    case all
}

/// What becomes of a tick while a run is open.
enum OverlapOption: String, ExpressibleByArgument, CaseIterable {
    case skip
    case queue
    case cancel

    var policy: OverlapPolicy? { OverlapPolicy(rawValue: self.rawValue) }
}

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
                An expression has five fields (minute, hour, day of month, month, weekday), or six
                with the second first, or is a word like @daily. A time that clocks leave out
                happens right behind the gap, one that they show twice happens once; an expression
                for every hour goes by what clocks show.

                Examples:
                  opsroom schedules create nightly --plan backup.yaml --cron "30 2 * * *" --zone Europe/Berlin
                  opsroom schedules create pulse --template ping --every 10m --overlap queue
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
                Example:
                  opsroom schedules edit nightly --cron "0 3 * * *" --misfire all
                """
        )

        @Argument(help: "Its name or number.") var schedule: String
        @Option(help: "Its new name.") var name: String?
        @OptionGroup var options: ScheduleOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            var members = try self.options.members()
            members["name"] = self.name.map { .string($0) }
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
                Both ends belong to the range; at most 1000 ticks at once.

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
            let others = ticks.map { $0 - made } ?? 0
            let rest = others > 0 ? "; \(others) had theirs already" : ""
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
