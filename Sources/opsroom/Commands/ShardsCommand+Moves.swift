// What is done to shards: moved by hand, or in one round that makes loads even.

import ArgumentParser
import ControlRoom
import PulserIR

extension ShardsCommand {
    /// Whether and how long a command waits until its shards are there.
    struct TripOptions: ParsableArguments {
        @Flag(name: .customLong("dry-run"), help: "Say what would move, and change nothing.")
        var dryRun = false
        @Flag(name: .customLong("no-wait"), help: "Do not wait until the shards are there.")
        var noWait = false
        @Flag(name: .shortAndLong, help: "Follow them; that is so without it, too.")
        var watch = false
        @Option(help: ArgumentHelp("How long to wait.", valueName: "duration"))
        var timeout = DurationOption(seconds: 600)

        func validate() throws {
            guard self.watch, self.noWait || self.dryRun else { return }
            throw ValidationError("--watch follows what --no-wait and --dry-run do not")
        }

        /// Orders moves and waits for them; prints what came of them.
        ///
        /// - Parameters:
        ///   - place: Whom to ask.
        ///   - output: The form.
        ///   - order: Asks for the moves.
        /// - Returns: What came of them.
        /// - Throws: `interrupted` after Ctrl-C, `timedOut`; the moves go on then.
        func run(
            _ place: PlaceOptions,
            _ output: OutputOptions,
            _ order: @escaping @Sendable (any RoomAccess) async throws -> JSONValue
        ) async throws -> JSONValue {
            let (isDry, waits, limit) = (self.dryRun, !self.noWait, self.timeout.duration)
            let interruption = RoomError(
                .interrupted,
                "interrupted; the move goes on",
                next: "opsroom shards list --state handing_off --all\(place.words)"
            )
            let document = try await place.access { room in
                if !isDry, waits { Signals.heed() }
                let document = try await order(room)
                if isDry { return try await ShardMoves.explain(document, in: room) }
                guard waits else { return document }
                return try await Interruptible.run(interruption) {
                    try await ShardTrip.wait(for: document, in: room, within: limit)
                }
            }
            if output.output == .table {
                for line in ShardMoves.lines(document) { Terminal.output.line(line) }
                if !isDry, !waits, document["moves"]?.arrayValue?.isEmpty == false {
                    let next = "opsroom shards list --state handing_off --watch\(place.words)"
                    Terminal.error.line(Terminal.error.styled("Next:  \(next)", .dim))
                }
            } else {
                output.printJSON(document)
            }
            return document
        }
    }

    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "move",
            abstract: "Have shards go to a node; wait until they are there.",
            discussion: """
                Steps under way are not cut off: a shard whose steps go on for more than 5 s stays where
                it is, and it is said which run holds it. Shards that nobody serves are passed over,
                each with its reason. Ctrl-C ends the waiting, not the move; moved to the node that has
                it, a shard on its way stays there. The coordinator keeps loads even: of many shards
                moved to one node it moves some away again.

                Examples:
                  opsroom shards move 7 12-19 --to n2 --dry-run
                  opsroom shards move 7 12-19 --to n2
                  opsroom shards move 0,512 --to 4 --no-wait -o json

                Exit codes: 0 all are there, or on their way with --no-wait · 2 some were passed over
                · 3 not within --timeout · 5 no such node · 6 the node takes no shards ·
                130 interrupted, the move goes on.
                """
        )

        @Argument(
            help: ArgumentHelp(
                "Numbers from 0 to 1023, and ranges of them.",
                valueName: "shard"
            )
        )
        var shards: [String]
        @Option(help: "The node that shall have them: its name or number.") var to: String
        @OptionGroup var trip: TripOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard let wrong = self.shards.first(where: { ShardRanges(argument: $0) == nil }) else {
                return
            }
            throw ValidationError(
                "'\(wrong)' names no shards: they are numbers from 0 to 1023, as in 7, 12-19 or 3,5"
            )
        }

        func run() async throws {
            let ranges = self.shards.compactMap(ShardRanges.init(argument:))
            let (shards, name) = (ShardRanges(ranges.flatMap(\.shards)).shards, self.to)
            let isDry = self.trip.dryRun
            let document = try await self.trip.run(self.place, self.output) { room in
                try await room.move(shards, to: name, isDry: isDry)
            }
            if ShardMoves.isBad(document) { throw ExitCode(RoomError.Code.badResult.rawValue) }
        }
    }

    struct Rebalance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rebalance",
            abstract: "Move at most one round of shards, so that loads become even.",
            discussion: """
                A round is at most 20 moves, and only one is under way at a time. The coordinator does
                the same by itself; this is for a cluster without one, and to see what it would do.
                Ctrl-C ends the waiting, not the moves.

                Examples:
                  opsroom shards rebalance --dry-run
                  opsroom shards rebalance

                Exit codes: 0 the round is there, or nothing moves · 2 some shards were kept back ·
                3 not within --timeout · 130 interrupted, the moves go on.
                """
        )

        @OptionGroup var trip: TripOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let isDry = self.trip.dryRun
            let document = try await self.trip.run(self.place, self.output) { room in
                try await room.rebalance(isDry: isDry)
            }
            if self.output.output == .table, document["more"]?.boolValue == true {
                let next = "opsroom shards rebalance\(self.place.words)"
                Terminal.error.line(
                    Terminal.error.styled("More rounds follow. Next:  \(next)", .dim)
                )
            }
            if ShardMoves.isBad(document) { throw ExitCode(RoomError.Code.badResult.rawValue) }
        }
    }
}
