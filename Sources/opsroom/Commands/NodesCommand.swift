// `opsroom nodes`: who works.

import ArgumentParser
import ControlRoom
import PulserIR

struct NodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "The nodes that work for this room.",
        discussion: """
            Example:
              opsroom nodes list
            """,
        subcommands: [List.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Nodes, their share of the work, and whether they live.",
            discussion: """
                Example:
                  opsroom nodes list -o json
                """
        )

        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let nodes = try await self.place.access { try await $0.nodes() }
            guard self.output.output == .table else {
                return self.output.printJSON("nodes", nodes)
            }
            if nodes.isEmpty {
                Terminal.error.line("no nodes; start one with: opsroom up")
                return
            }
            var table = Table(headers: [
                "NODE", "NAME", "STATUS", "SHARDS", "LEASE", "BUILD", "ADDRESS",
            ])
            table.style = { column, text in
                column == 2 ? Wording.sign(String(text.dropFirst(2))).style : nil
            }
            table.rows = nodes.map { node in
                func text(_ name: String) -> String { node[name]?.stringValue ?? "" }
                let lease = node["lease_ms"]?.integerValue ?? 0
                return [
                    String(node["id"]?.integerValue ?? 0), text("name"),
                    Wording.status(text("status")), String(node["shards"]?.integerValue ?? 0),
                    lease > 0 ? Wording.duration(milliseconds: lease) : "lapsed", text("build"),
                    text("address"),
                ]
            }
            table.print()
        }
    }
}
