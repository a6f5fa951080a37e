// `opsroom runs move`: a queued run goes to another lane, or to another place of its queue.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

extension RunsCommand {
    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "move",
            abstract: "Move a queued run to another lane or place.",
            discussion: """
                The lane is one of the run's session. Without a place the run has that of its
                priority there. In a lane with keys a place is one among the runs of its key: keys
                take turns. A run that has begun before stays in its lane, where its log is.

                Examples:
                  opsroom runs move 7k3m --lane B
                  opsroom runs move 7k3m --first
                  opsroom runs move 7k3m --lane B --before 9xq2
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "The lane that it goes to.") var lane: String?
        @Option(
            help: ArgumentHelp("The queued run that it comes before.", valueName: "run"),
            completion: .custom(RunCompletion.ids)
        )
        var before: String?
        @Flag(help: "Before all others.") var first = false
        @Flag(help: "Behind all others.") var last = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            let places = [self.before != nil, self.first, self.last].filter { $0 }.count
            guard places <= 1 else {
                throw ValidationError("give one of --before, --first and --last")
            }
            guard places == 1 || self.lane != nil else {
                throw ValidationError("say where: --lane, --before, --first or --last")
            }
        }

        func run() async throws {
            let (wanted, lane, before) = (self.run, self.lane, self.before)
            let end: QueuePlace? = self.first ? .first : self.last ? .last : nil
            let run = try await self.place.access { room in
                let id = try await room.resolve(wanted)
                var wish = QueueMove(lane: lane, place: end)
                if let before { wish.place = .before(try await room.resolve(before)) }
                try await room.move(id, wish)
                return try await room.run(id)
            }
            guard self.output.output == .table else { return self.output.printJSON(run.json) }
            let name = run.json["lane"]?.stringValue ?? ""
            Terminal.output.line("\(run.id) \(run.status.rawValue), lane \(name)")
        }
    }
}
