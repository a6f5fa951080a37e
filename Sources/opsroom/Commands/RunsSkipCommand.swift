// `opsroom runs skip`: a step was done by hand, and the run goes on.

import ArgumentParser
import ControlRoom
import Gateway
import PulserIR

extension RunsCommand {
    struct Skip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "skip",
            abstract: "Say that a step was done by hand: the run goes on without it.",
            discussion: """
                For a run that did not succeed, or waits for a person to look. The step counts as
                done, without outputs; what is left runs. Who said so, when and why stays with the
                run. Steps that wait for signals or approvals have commands of their own.

                Examples:
                  opsroom runs skip 7k3m publish --note "published from my machine"
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Argument(help: "The step that was done.") var step: String
        @Option(help: "What was done, and why by hand.") var note: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (1...RunDesk.noteBytesMax).contains(self.note.utf8.count) else {
                throw ValidationError("--note has 1 to \(RunDesk.noteBytesMax) bytes")
            }
        }

        func run() async throws {
            let (wanted, step, note) = (self.run, self.step, self.note)
            let (run, steps) = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                let steps = try await room.skip(id, step: step, note: note)
                return (try await room.run(id), steps)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            let rest = steps.isEmpty ? "nothing is left" : "left: \(steps.joined(separator: ", "))"
            Terminal.output.line("\(run.id) \(run.status.rawValue), \(rest)")
        }
    }
}
