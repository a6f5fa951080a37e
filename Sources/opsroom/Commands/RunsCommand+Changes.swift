// `opsroom runs cancel` and `retry`: what changes a run.

import ArgumentParser
import Compiler
import ControlRoom
import PulserIR

extension RunsCommand {
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "End a run: its programs are stopped, its always() steps still run.",
            discussion: """
                What was done is not undone; a failed run is rolled back, a cancelled one is not.

                Examples:
                  opsroom runs cancel 7k3m --reason "wrong environment"
                  opsroom runs cancel --filter status=queued --filter lane=B --yes
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String?
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (self.run == nil) != self.wish.filter.isEmpty else {
                throw ValidationError("name a run, or many by --filter")
            }
        }

        func run() async throws {
            guard let wanted = self.run else {
                return try await BulkAction(
                    action: "cancel",
                    wish: self.wish,
                    output: self.output,
                    place: self.place
                ).run()
            }
            let reason = self.wish.reason ?? "cancelled by hand"
            let words = self.place.words
            let run = try await self.place.access(node: .some) { room in
                let id = try await room.resolve(wanted)
                try await room.cancel(id, reason: reason)
                return try await room.awaitEnd(id, within: .seconds(30))
            }
            guard run.status.isTerminal else {
                throw RoomError(
                    .timedOut,
                    "run \(run.id) is asked to end and is still \(run.status.rawValue)",
                    next: "opsroom runs show \(run.id)\(words)"
                )
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            Terminal.output.line("\(run.id) \(run.status.rawValue)")
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract:
                "Run an ended or waiting run again, from what did not succeed or a chosen step.",
            discussion: """
                Every step that did not succeed runs again, and with --from that step too; steps
                that succeeded keep their results unless they depend on one that runs again.

                Examples:
                  opsroom runs retry 7k3m
                  opsroom runs retry 7k3m --from migrate --input env=prod
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "The step to begin with.") var from: String?
        @OptionGroup var inputOptions: InputOptions
        @Flag(help: "Return at once; a node runs it.") var detach = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let from = self.from
            let detach = self.detach
            let inputs = try self.inputOptions.values()
            let output = self.output
            let words = self.place.words
            let run = try await self.place.access(node: detach ? .none : .some) { room in
                let old = try await room.run(room.resolve(wanted))
                let steps = try await room.retry(old.id, from: from, inputs: inputs)
                if output.output == .table {
                    Terminal.error.line("runs again: \(steps.joined(separator: ", "))")
                }
                if detach {
                    let run = try await room.run(old.id)
                    if output.output != .table { output.printJSON(run.json) }
                    return run
                }
                let view = RunView(plan: try await room.plan(of: old), id: old.id)
                let run = try await room.follow(old.id, isLive: true) { await view.take($0.json) }
                if output.output == .table {
                    await view.printSummary(run, words)
                } else {
                    output.printJSON(try await room.evidence(run.id))
                }
                return run
            }
            // Nobody waited for its end, which may have come already.
            if !detach, run.status.isTerminal, run.status != .succeeded { throw ExitCode(2) }
        }
    }
}
