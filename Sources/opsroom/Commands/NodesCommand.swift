// `opsroom nodes`: who works.

import ArgumentParser
import ControlRoom
import PulserIR

struct NodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "The nodes that work for this room.",
        discussion: """
            Examples:
              opsroom nodes list --watch
              opsroom nodes drain n2
              opsroom nodes status n2 --check
            """,
        subcommands: [List.self, Status.self, Drain.self, Undrain.self, Evict.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Nodes, their share of the work, and whether they live.",
            discussion: """
                Examples:
                  opsroom nodes list -o json
                  opsroom nodes list --watch
                """
        )

        @OptionGroup var watch: WatchOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let output = self.output
            try await self.watch.show(self.place, output) { room in
                try await NodesCommand.picture(room, output)
            }
        }
    }

    /// All nodes as they are now.
    static func picture(_ room: any RoomAccess, _ output: OutputOptions) async throws -> Picture {
        let nodes = try await room.nodes()
        guard output.output == .table else { return Picture(document: ("nodes", nodes)) }
        let note = nodes.isEmpty ? "no nodes; start one with: opsroom up" : nil
        return Picture(lines: nodes.isEmpty ? [] : Self.table(nodes).lines(), note)
    }

    /// Nodes for people.
    static func table(_ nodes: [JSONValue]) -> Table {
        var table = Table(headers: [
            "NODE", "NAME", "STATUS", "SHARDS", "RUNS", "LEASE", "BUILD", "ADDRESS",
        ])
        table.style = { column, text in
            switch column {
            case 2: Wording.sign(String(text.dropFirst(2))).style
            case 5: text == "lapsed" ? .red : nil
            default: nil
            }
        }
        table.rows = nodes.map { node in
            func text(_ name: String) -> String { node[name]?.stringValue ?? "" }
            func number(_ name: String) -> Int64 { node[name]?.integerValue ?? 0 }
            let lease = number("lease_ms")
            return [
                String(number("number")), text("name"), Wording.status(text("status")),
                String(number("shards")), String(number("runs")),
                lease > 0 ? Wording.duration(milliseconds: lease) : "lapsed", text("build"),
                text("address"),
            ]
        }
        return table
    }
}
