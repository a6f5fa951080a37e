// `opsroom lanes`: how many runs of a session go at once, and which first.

import ArgumentParser
import ControlRoom
import PulserIR

struct LanesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lanes",
        abstract: "Show a session's lanes and change them while they work.",
        discussion: """
            Examples:
              opsroom lanes list billing
              opsroom lanes set billing/B --width 4
            """,
        subcommands: [List.self, Change.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "A session's lanes, in the order they were made.",
            discussion: """
                Example:
                  opsroom lanes list billing -o json
                """
        )

        @Argument(help: "The session.") var session: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let session = self.session
            let lanes = try await self.place.access { try await $0.lanes(session) }
            guard self.output.output == .table else {
                return self.output.printJSON("lanes", lanes)
            }
            if lanes.isEmpty {
                Terminal.error.line("no lanes; a run that names one makes it")
                return
            }
            var table = Table(headers: ["LANE", "WIDTH", "PRIORITY", "OPEN", "FAILED"])
            table.rows = lanes.map { lane in
                func number(_ value: JSONValue?) -> Int64 { value?.integerValue ?? 0 }
                let open = ["queued", "claimed", "running", "waiting"]
                    .map { number(lane["runs"]?[$0]) }.reduce(0, +)
                return [
                    lane["name"]?.stringValue ?? "", String(number(lane["width"])),
                    String(number(lane["priority"])), String(open),
                    String(number(lane["runs"]?["failed"])),
                ]
            }
            table.print()
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Change how many runs of a lane go at once, or its priority.",
            discussion: """
                Example:
                  opsroom lanes set billing/B --width 4 --priority 10
                """
        )

        @Argument(help: ArgumentHelp("The lane.", valueName: "session/lane")) var lane: String
        @Option(help: "Runs at once, from 1 to 1000.") var width: Int?
        @Option(help: "Lanes of higher priority are served first.") var priority: Int?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        private var parts: [String] {
            self.lane.split(separator: "/", maxSplits: 1).map(String.init)
        }

        func validate() throws {
            guard self.parts.count == 2 else {
                throw ValidationError("'\(self.lane)' is not SESSION/LANE")
            }
            guard self.width != nil || self.priority != nil else {
                throw ValidationError("say what changes: --width or --priority")
            }
            if let width, !(1...1_000).contains(width) {
                throw ValidationError("the width must be from 1 to 1000")
            }
            if let priority, Int32(exactly: priority) == nil {
                throw ValidationError("the priority must be from \(Int32.min) to \(Int32.max)")
            }
        }

        func run() async throws {
            let (session, name) = (self.parts[0], self.parts[1])
            let (width, priority) = (self.width, self.priority)
            let lane = try await self.place.access { room in
                try await room.setLane(name, of: session, width: width, priority: priority)
            }
            guard self.output.output == .table else { return self.output.printJSON(lane) }
            Terminal.output.line(
                "lane \(self.lane): width \(lane["width"]?.integerValue ?? 0), "
                    + "priority \(lane["priority"]?.integerValue ?? 0)"
            )
        }
    }
}
