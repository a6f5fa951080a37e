// `opsroom runs pause` and `opsroom runs resume`.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

extension RunsCommand {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Have a run begin nothing more until it is resumed.",
            discussion: """
                Attempts under way come to their end first. A queued run is not taken, and its lane
                goes on with the next one; a run under way keeps its lane's place. The run's
                timeout goes on. A run that is rolled back or cleans up goes to its end.

                Example:
                  opsroom runs pause 7k3m
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "Who pauses it, for the record (default: you).") var by: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let person = self.by ?? NSUserName()
            let run = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                try await room.pause(id, by: person)
                return try await room.run(id)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            let isUnderWay = run.status == .claimed || run.status == .running
            let rest = isUnderWay ? "; what is under way comes to its end first" : ""
            let by = run.json["paused_by"]?.stringValue ?? person
            Terminal.output.line("\(run.id) paused by \(by)\(rest)")
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Have a paused run go on where it stopped.",
            discussion: """
                Example:
                  opsroom runs resume 7k3m
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let (run, isWorking) = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                try await room.resume(id)
                let isWorking = try await room.nodes().contains {
                    $0["status"]?.stringValue == "active" && $0["lease_ms"]?.integerValue ?? 0 > 0
                }
                return (try await room.run(id), isWorking)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            let when = isWorking ? "" : "; it goes on when a node works: opsroom up"
            Terminal.output.line("\(run.id) resumed\(when)")
        }
    }
}
