// `opsroom runs priority`: a queued run comes to its turn earlier or later.

import ArgumentParser
import ControlRoom
import PulserIR

extension RunsCommand {
    struct Priority: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "priority",
            abstract: "Change the priority of a queued run.",
            discussion: """
                Higher goes first inside its lane; what a level is worth, ageing_ms of the lane says.
                A run that is paused or put off keeps that, and has its new turn then. One that is
                under way has its place, and is refused.

                Examples:
                  opsroom runs priority 7k3m --to 10
                  opsroom runs priority 7k3m --to -1
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(
            name: .customLong("to"),
            parsing: .unconditional,
            help: ArgumentHelp("Its new priority.", valueName: "number")
        )
        var priority: Int
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (-1_000_000...1_000_000).contains(self.priority) else {
                throw ValidationError("--to must be from -1,000,000 to 1,000,000")
            }
        }

        func run() async throws {
            let (wanted, priority) = (self.run, self.priority)
            let run = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                try await room.setPriority(id, to: priority)
                return try await room.run(id)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            Terminal.output.line("\(run.id) \(run.status.rawValue), priority \(priority)")
        }
    }
}
