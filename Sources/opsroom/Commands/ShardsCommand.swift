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
            abstract: "Shards with owner, state and generation.",
            discussion: """
                Examples:
                  opsroom shards list --state free
                  opsroom shards list --node n2 --watch
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
        @OptionGroup var watch: WatchOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let output = self.output
            let node = self.node
            let state = self.state.flatMap { ShardState(rawValue: $0.rawValue) }
            try await self.watch.show(self.place, output) { room in
                let shards = try await room.shards(of: node, in: state)
                guard output.output == .table else {
                    return Picture(document: ("shards", shards))
                }
                return shards.isEmpty
                    ? Picture(lines: [], "no such shards")
                    : Picture(lines: ClusterPicture.table(shards: shards).lines())
            }
        }
    }
}
