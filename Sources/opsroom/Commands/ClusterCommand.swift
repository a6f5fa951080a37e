// `opsroom cluster`: several nodes as one thing.

import ArgumentParser
import ControlRoom
import Foundation
import Gateway
import Logging
import PulserIR
import Store

struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Nodes that share one database, as one thing.",
        discussion: """
            Examples:
              opsroom cluster status --watch
              opsroom cluster local 3
            """,
        subcommands: [Status.self, Local.self]
    )

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Who coordinates, who holds what, who is suspected, what moves.",
            discussion: """
                Examples:
                  opsroom cluster status --watch
                  opsroom cluster status -o json
                """
        )

        @OptionGroup var watch: WatchOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let output = self.output
            try await self.watch.show(self.place, output) { room in
                let cluster = try await room.cluster()
                return output.output == .table
                    ? Picture(lines: ClusterPicture(cluster: cluster).lines) : Picture(cluster)
            }
        }
    }

    struct Local: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "local",
            abstract: "Run a cluster on this machine until Ctrl-C.",
            discussion: """
                Every node is a process of its own; they share an embedded Postgres, and certificates
                made here. Kill one and watch: its work goes on elsewhere, and it comes back. Ctrl-C
                drains the nodes, then stops the server. Everything lies in one folder.

                Examples:
                  opsroom cluster local 3
                  opsroom cluster local 5 --data ./five --port 8000
                """
        )

        @Argument(help: "How many nodes.") var nodes = 3
        @Option(help: ArgumentHelp("The folder of everything.", valueName: "folder"))
        var data = ".opsroom/local"
        @Option(help: "The first node's port, the next one's is one more; 0: any.")
        var port = 7_461
        @Flag(name: .long, help: "Tell on stderr what happens inside.") var verbose = false

        func run() async throws {
            LogSetup.once(isVerbose: self.verbose)
            let board = LiveBoard()
            let told = LocalClusterVoice(board)
            let cluster = try LocalCluster(
                folder: self.data,
                count: self.nodes,
                port: self.port,
                environment: ProcessInfo.processInfo.environment,
                logger: Logger(label: "opsroom"),
                onNotice: { told.say($0) }
            )
            do {
                let end: @Sendable () async -> Void = { await told.waitForEnd() }
                try await cluster.run(until: end) { client in
                    await told.explain(cluster)
                    await Self.show(client, board)
                }
            } catch {
                // Everything is said before the error is.
                await told.finish()
                throw error
            }
            await told.finish()
            Terminal.error.line("stopped")
        }

        /// Repaints the nodes once a second until cancelled.
        private static func show(_ client: RoomClient, _ board: LiveBoard) async {
            while !Task.isCancelled {
                do {
                    let page = try await client.store.nodePage(
                        after: nil,
                        includingDead: false,
                        limit: LocalCluster.nodesMax
                    )
                    await board.show(
                        NodesCommand.table(page.rows.map(NodeDocument.json)).lines()
                    )
                } catch {
                    await board.show([
                        Terminal.output.styled("! \(error.message)", .yellow)
                    ])
                }
                try? await Task.sleep(for: .seconds(1))
            }
            await board.erase()
        }
    }
}

/// Says what happens in a local cluster, one line after the other, above its board.
final class LocalClusterVoice: Sendable {
    private let board: LiveBoard
    private let lines = AsyncStream<String>.makeStream()
    private let speaking: Task<Void, Never>

    init(_ board: LiveBoard) {
        self.board = board
        let stream = self.lines.stream
        // SAFETY: ends when `finish()` ends its stream and awaits it, or with the process.
        self.speaking = Task { for await line in stream { await board.say(line) } }
    }

    func say(_ notice: LocalCluster.Notice) { self.lines.continuation.yield(Self.line(notice)) }

    /// Says what one can do with the cluster.
    func explain(_ cluster: LocalCluster) async {
        let dim: (String) -> String = { Terminal.output.styled($0, .dim) }
        let other = cluster.names.last ?? "n1"
        let commands = [
            ("export OPSROOM_CONFIG=\(ShellWord.quoted(cluster.contexts))", "speak to it"),
            ("opsroom run examples/release-check.yaml", "on \(cluster.names.first ?? "n1")"),
            ("opsroom runs list --context \(other)", "every node knows everything"),
            ("opsroom open", "the page"),
        ]
        let width = commands.map(\.0.count).max() ?? 0
        let lines =
            [""]
            + commands.map {
                "  " + $0.0.padding(toLength: width, withPad: " ", startingAt: 0)
                    + dim("   # \($0.1)")
            }
            + [dim("Ctrl-C drains the nodes and stops the server."), ""]
        for line in lines { self.lines.continuation.yield(line) }
    }

    /// Returns at the first signal, and says what follows.
    func waitForEnd() async {
        guard await Signals.wait() else { return }
        await self.board.erase()
        self.lines.continuation.yield("stopping: nodes drain; Ctrl-C again ends at once")
    }

    /// Returns when all is said.
    func finish() async {
        self.lines.continuation.finish()
        await self.speaking.value
    }

    private static func line(_ notice: LocalCluster.Notice) -> String {
        let terminal = Terminal.output
        switch notice {
        case .database: return "✓ embedded Postgres runs"
        case .authority(let path): return "✓ authority made: \(path)"
        case .started(let node, let pid):
            return terminal.styled("· \(node) is process \(pid)", .dim)
        case .ready(let node, let server):
            return terminal.styled("✓", .green) + " \(node) takes work at \(server)"
        case .reborn(let node):
            return terminal.styled("!", .yellow) + " \(node) was declared dead; it joins anew"
        case .ended(let node, let reason, let isStartedAgain):
            return terminal.styled("✗", .red) + " \(node) ended: \(reason)"
                + (isStartedAgain ? "; it is started again" : "; it is given up")
        case .left(let node): return "■ \(node) left"
        }
    }
}
