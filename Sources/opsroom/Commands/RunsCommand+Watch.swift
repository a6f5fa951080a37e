// `opsroom runs watch`: a run that goes on somewhere, live.

import ArgumentParser
import ControlRoom
import PulserIR

extension RunsCommand {
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "watch",
            abstract: "Show a run live to its end.",
            discussion: """
                Ctrl-C ends the watching, not the run.

                Examples:
                  opsroom runs watch 7k3m
                  opsroom runs watch 7k3m --exit-status && deploy
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Flag(name: .customLong("exit-status"), help: "Exit with 2 when it did not succeed.")
        var exitStatus = false
        @OptionGroup var patience: PatienceOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let words = self.place.words
            let patience = self.patience.reconnect.duration
            let run = try await self.place.access(patience: patience) { room in
                let old = try await room.run(room.resolve(wanted))
                let watch = RunWatch(
                    id: old.id,
                    plan: try await room.plan(of: old),
                    output: self.output,
                    words: words,
                    interruption: RoomError(
                        .interrupted,
                        "interrupted; run \(old.id) goes on",
                        next: "opsroom runs watch \(old.id)\(words)"
                    )
                )
                return try await watch.follow(room)
            }
            if self.exitStatus, run.status != .succeeded { throw ExitCode(2) }
        }
    }
}
