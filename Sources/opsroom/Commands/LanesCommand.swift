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
        subcommands: [List.self, Show.self, Change.self, Pause.self, Resume.self]
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
            var table = Table(headers: ["LANE", "WIDTH", "PRIORITY", "OPEN", "FAILED", "STATE"])
            table.rows = lanes.map { lane in
                func number(_ value: JSONValue?) -> Int64 { value?.integerValue ?? 0 }
                let open = ["queued", "claimed", "running", "waiting"]
                    .map { number(lane["runs"]?[$0]) }.reduce(0, +)
                return [
                    lane["name"]?.stringValue ?? "", String(number(lane["width"])),
                    String(number(lane["priority"])), String(open),
                    String(number(lane["runs"]?["failed"])),
                    PauseWords.status(lane) ?? "takes runs",
                ]
            }
            table.print()
        }
    }
}
