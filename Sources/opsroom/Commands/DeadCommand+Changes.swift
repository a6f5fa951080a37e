// `opsroom dead redrive` and `discard`: what becomes of dead letters.

import ArgumentParser
import ControlRoom
import PulserIR

extension DeadCommand {
    struct Redrive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "redrive",
            abstract: "Run dead letters again, from what did not succeed or a chosen step.",
            discussion: """
                Many at once are run again by a node, each from what did not succeed.

                Examples:
                  opsroom dead redrive 7k3m --input env=prod
                  opsroom dead redrive --filter session=billing --dry-run
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String?
        @Option(help: "The step to begin with.") var from: String?
        @OptionGroup var inputOptions: InputOptions
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (self.run == nil) != self.wish.filter.isEmpty else {
                throw ValidationError("name a run, or many by --filter; --filter all means all")
            }
            guard self.run != nil || (self.from == nil && self.inputOptions.inputs.isEmpty) else {
                throw ValidationError("--from and --input are for one run")
            }
        }

        func run() async throws {
            guard let wanted = self.run else {
                return try await DeadCommand.bulk("retry", self.wish, self.output, self.place)
            }
            let from = self.from
            let inputs = try self.inputOptions.values()
            let (run, steps) = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                // Says so when it is no dead letter.
                _ = try await room.deadLetter(id)
                let steps = try await room.retry(id, from: from, inputs: inputs)
                return (try await room.run(id), steps)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            Terminal.error.line("runs again: \(steps.joined(separator: ", "))")
            Terminal.output.line("\(run.id) \(run.status.rawValue)")
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "discard",
            abstract: "Put dead letters aside: nothing is to be done about them.",
            discussion: """
                The run stays as it is, with the note and your name; opsroom runs show has it, and
                opsroom runs retry runs it again all the same.

                Examples:
                  opsroom dead discard 7k3m --note "sent by hand"
                  opsroom dead discard --filter lane=B --note "the supplier was down" --yes
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String?
        @Option(help: "What there is to say about it.") var note = ""
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (self.run == nil) != self.wish.filter.isEmpty else {
                throw ValidationError("name a run, or many by --filter; --filter all means all")
            }
            guard self.wish.reason == nil || self.note.isEmpty else {
                throw ValidationError("--note and --reason are the same; say one")
            }
        }

        func run() async throws {
            let note = self.wish.reason ?? self.note
            guard let wanted = self.run else {
                var wish = self.wish
                wish.reason = note.isEmpty ? nil : note
                return try await DeadCommand.bulk("discard", wish, self.output, self.place)
            }
            let document = try await self.place.access { room in
                try await room.discard(try await room.resolve(wanted), note: note)
            }
            guard self.output.output == .table else { return self.output.printJSON(document) }
            let by = document["discarded"]?["by"]?.stringValue ?? ""
            Terminal.output.line("\(document["id"]?.stringValue ?? "") put aside by \(by)")
        }
    }

    /// An action on all dead letters that fit.
    private static func bulk(
        _ action: String,
        _ wish: BulkOptions,
        _ output: OutputOptions,
        _ place: PlaceOptions
    ) async throws {
        var wish = wish
        wish.filter.append("status=dead")
        try await BulkAction(action: action, wish: wish, output: output, place: place).run()
    }
}
