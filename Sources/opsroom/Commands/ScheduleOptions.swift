// How a command line says what a schedule is.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

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
    @Option(
        name: .customLong("for"),
        help: "Whom or what its runs are for, such as a tenant: in a lane they take turns."
    )
    var forKey: String?
    @Option(help: ArgumentHelp("How long each run waits behind its tick.", valueName: "duration"))
    var delay: DurationOption?
    @OptionGroup(title: "Deadlines of each run") var deadlines: DeadlineOptions
    @OptionGroup(title: "Runs that are one of a kind") var uniqueness: UniqueOptions

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
        set("key", self.forKey)
        set("delay_ms", self.delay?.milliseconds)
        set("ttl_ms", self.deadlines.value?.startMilliseconds)
        set("deadline_ms", self.deadlines.value?.runMilliseconds)
        members["unique"] = self.uniqueness.value.map(UniqueOptions.json)
        return members
    }
}

/// What an edit can take away from the runs of a schedule.
enum RunLimitOption: String, ExpressibleByArgument, CaseIterable {
    case ttl
    case deadline
    case unique

    /// The member of the API's body.
    var member: String { self == .unique ? "unique" : "\(self.rawValue)_ms" }
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
