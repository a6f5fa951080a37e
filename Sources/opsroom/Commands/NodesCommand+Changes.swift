// What is done to a node: drained, taken back, declared dead; and how far it is.

import ArgumentParser
import ControlRoom
import Glibc
import PulserIR

extension NodesCommand {
    /// `--watch` of a change that is done at once: what follows from it.
    struct AfterwardsOptions: ParsableArguments {
        @Flag(name: .shortAndLong, help: "Then show the nodes every second until Ctrl-C.")
        var watch = false

        /// Shows the nodes when that is wanted.
        func show(_ place: PlaceOptions, _ output: OutputOptions) async throws {
            guard self.watch else { return }
            var options = WatchOptions()
            options.watch = true
            try await options.show(place, output) { room in
                try await NodesCommand.picture(room, output)
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "One node with what it holds.",
            discussion: """
                With --check it exits with 0 when the node is drained (it drains and holds no shard),
                else with 2; with 5 when there is no such node, or not any more.

                Examples:
                  opsroom nodes status n2
                  opsroom nodes status n2 --check && reboot
                """
        )

        @Argument(help: "The node's name or number.") var node: String
        @Flag(help: "Exit with 2 unless it is drained.") var check = false
        @OptionGroup var watch: WatchOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard !self.check || !self.watch.watch else {
                throw ValidationError("--check looks once: it does not go with --watch")
            }
        }

        func run() async throws {
            let (name, output) = (self.node, self.output)
            if self.check {
                let isDrained = try await self.place.access { room in
                    let node = try await room.node(name)
                    if output.output != .table { output.printJSON(node) }
                    return NodeDrain.isDrained(node)
                }
                guard !isDrained else { return }
                if output.output == .table { Terminal.error.line("\(name) is not drained") }
                throw ExitCode(RoomError.Code.badResult.rawValue)
            }
            try await self.watch.show(self.place, output) { room in
                let node = try await room.node(name)
                return output.output == .table
                    ? Picture(lines: ClusterPicture.table([node]).lines()) : Picture(node)
            }
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Have a node give its shards away and take no more; wait until it has.",
            discussion: """
                Steps under way are not cut off: a shard goes when they have ended, and its runs go on
                with their next steps elsewhere. The node lives on without work until it is stopped or
                taken back. Ctrl-C ends the waiting, not the drain.

                Examples:
                  opsroom nodes drain n2
                  opsroom nodes drain n2 --dry-run
                  opsroom nodes drain n2 --no-wait

                Exit codes: 0 drained · 3 not within --timeout · 130 interrupted, the drain goes on.
                """
        )

        @Argument(help: "The node's name or number.") var node: String
        @Flag(name: .customLong("dry-run"), help: "Say what would move, and what is in the way.")
        var dryRun = false
        @Flag(name: .customLong("no-wait"), help: "Do not wait until it is drained.")
        var noWait = false
        @Flag(name: .shortAndLong, help: "Follow the drain; that is so without it, too.")
        var watch = false
        @Option(help: ArgumentHelp("How long to wait.", valueName: "duration"))
        var timeout = DurationOption(seconds: 3_600)
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard self.watch, self.noWait || self.dryRun else { return }
            throw ValidationError("--watch follows what --no-wait and --dry-run do not")
        }

        func run() async throws {
            let (name, output) = (self.node, self.output)
            let (isDry, waits, limit) = (self.dryRun, !self.noWait, self.timeout.duration)
            let words = self.place.words
            let word = ShellWord.quoted(name)
            let interruption = RoomError(
                .interrupted,
                "interrupted; the drain goes on",
                next: "opsroom nodes undrain \(word)\(words)"
            )
            let node = try await self.place.access { room in
                let drain = NodeDrain(name: name, room: room)
                if isDry {
                    try await drain.explain(output)
                    return JSONValue?.none
                }
                if waits { Signals.heed() }
                let node = try await room.change(name, .drain)
                guard waits else { return node }
                return try await Interruptible.run(interruption) {
                    try await drain.wait(within: limit)
                }
            }
            guard let node else { return }
            guard output.output == .table else { return output.printJSON(node) }
            let held = ClusterPicture.held(node)
            Terminal.output.line(
                held == 0
                    ? Terminal.output.styled("✓", .green) + " \(name) is drained"
                    : "\(name) drains: \(NodeDrain.shards(node)) to go"
            )
            let next =
                held == 0
                ? "opsroom nodes undrain \(word)\(words)"
                : "opsroom nodes status \(word) --watch\(words)"
            Terminal.error.line(Terminal.error.styled("Next:  \(next)", .dim))
        }
    }

    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undrain",
            abstract: "Have a draining node take part again.",
            discussion: """
                Example:
                  opsroom nodes undrain n2
                """
        )

        @Argument(help: "The node's name or number.") var node: String
        @OptionGroup var watch: AfterwardsOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let name = self.node
            let node = try await self.place.access { try await $0.change(name, .undrain) }
            if self.output.output == .table {
                Terminal.output.line(
                    Terminal.output.styled("✓", .green) + " \(name) is "
                        + ClusterPicture.text(node, "status")
                )
            } else {
                self.output.printJSON(node)
            }
            try await self.watch.show(self.place, self.output)
        }
    }

    struct Evict: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evict",
            abstract: "Declare a node dead: its shards are free at once.",
            discussion: """
                For a machine that is gone for good; a lease that is over frees its shards within
                seconds without this. A node that lives starts over when it learns it, and its steps
                under way are cut off.

                Examples:
                  opsroom nodes evict n2 --dry-run
                  opsroom nodes evict n2 --yes
                """
        )

        @Argument(help: "The node's name or number.") var node: String
        @Flag(help: "Do not ask.") var yes = false
        @Flag(name: .customLong("dry-run"), help: "Say what would be free, and change nothing.")
        var dryRun = false
        @OptionGroup var watch: AfterwardsOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let (name, output, isDry, isSure) = (self.node, self.output, self.dryRun, self.yes)
            let word = ShellWord.quoted(name)
            let node = try await self.place.access { room in
                if isDry || !isSure {
                    let node = try await room.node(name)
                    if isDry { return node }
                    try Self.ask(name, node, next: "opsroom nodes evict \(word) --dry-run")
                }
                return try await room.change(name, .evict)
            }
            if output.output == .table {
                let shards = NodeDrain.shards(node)
                Terminal.output.line(
                    isDry
                        ? "\(name) would be dead and \(shards) free"
                        : Terminal.output.styled("✓", .green) + " \(name) is dead, \(shards) free"
                )
            } else {
                output.printJSON(node)
            }
            if !isDry { try await self.watch.show(self.place, output) }
        }

        private static func ask(_ name: String, _ node: JSONValue, next: String) throws {
            let shards = NodeDrain.shards(node)
            let lease = ClusterPicture.number(node, "lease_ms")
            let state =
                lease > 0
                ? "\(name) is \(ClusterPicture.text(node, "status")) and renewed its lease lately"
                : "the lease of \(name) is over"
            guard isatty(STDIN_FILENO) == 1, Terminal.error.isTerminal else {
                throw RoomError(
                    .refused,
                    "\(state), with \(shards); nobody is there to ask: --yes declares it dead",
                    next: next
                )
            }
            Terminal.error.write("\(state). Declare it dead and free \(shards)? [y/N] ")
            guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
                throw RoomError(.refused, "nothing was done", next: "opsroom nodes list")
            }
        }
    }
}
