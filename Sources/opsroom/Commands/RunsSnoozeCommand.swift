// `opsroom runs snooze`: a queued run, or the next attempt of one that failed, begins later.

import ArgumentParser
import ControlRoom
import PulserIR

extension RunsCommand {
    struct Snooze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "snooze",
            abstract: "Put a run off that is queued or waits for its next attempt.",
            discussion: """
                It begins no earlier than after this time, whatever was said before; --for 0s makes
                it due now. Its deadlines and its timeout go on; a run that waits for its next attempt
                keeps its lane's place. One that waits for people, for a signal or for a child run
                goes on when that comes, and is refused.

                Examples:
                  opsroom runs snooze 7k3m --for 10m
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(
            name: .customLong("for"),
            help: ArgumentHelp("For how long.", valueName: "duration")
        )
        var time: DurationOption
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let (wanted, time) = (self.run, self.time)
            let run = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                try await room.snooze(id, for: time.milliseconds)
                return try await room.run(id)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            let what = run.status == .waiting ? "next attempt" : "due"
            Terminal.output.line(
                "\(run.id) \(run.status.rawValue), \(what) in \(time.defaultValueDescription)"
            )
        }
    }
}
