// `opsroom shards`: where the parts of the work are.

import ArgumentParser
import ControlRoom
import PulserIR

struct ShardsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards",
        abstract: "The 1,024 parts of the lanes, and who has them.",
        discussion: """
            Examples:
              opsroom shards list --node n2
              opsroom shards move 7 12-19 --to n2
              opsroom shards rebalance --dry-run
            """,
        subcommands: [List.self, Move.self, Rebalance.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Who has which shards, in which state; with --all every shard by itself.",
            discussion: """
                One line for each node and state, with the numbers as ranges; LONGEST is for how long
                the one has been so that has been so longest. -o json always has every shard.

                Examples:
                  opsroom shards list --watch
                  opsroom shards list --state free
                  opsroom shards list --node n2 --all
                """
        )

        /// Where a shard may be between two owners.
        enum State: String, ExpressibleByArgument, CaseIterable {
            case free
            case assigned
            case running
            case handingOff = "handing_off"
        }

        @Option(help: "Only those of this node: its name or number.") var node: String?
        @Option(help: "Only those in this state.") var state: State?
        @Flag(help: "A line for every shard, with its generation.") var all = false
        @OptionGroup var watch: WatchOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let output = self.output
            let (node, isWhole) = (self.node, self.all)
            let state = self.state.flatMap { ShardState(rawValue: $0.rawValue) }
            try await self.watch.show(self.place, output) { room in
                let shards = try await room.shards(of: node, in: state)
                guard output.output == .table else {
                    return Picture(document: ("shards", shards))
                }
                guard !shards.isEmpty else { return Picture(lines: [], "no such shards") }
                let table =
                    isWhole
                    ? ClusterPicture.table(shards: shards)
                    : ClusterPicture.summary(shards: shards)
                return Picture(lines: table.lines())
            }
        }
    }
}
