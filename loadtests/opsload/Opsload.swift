// The load-test harness: which commands there are.

import ArgumentParser

/// `opsload`: loads a node over its API and tells what it took.
@main
struct Opsload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsload",
        abstract: "Loads a node and measures it.",
        discussion: """
            A scenario is a file of loadtests/scenarios. Results are printed, and written as JSON
            with --out. Exit codes: 1 when an event was lost, repeated or out of order or a request
            failed that must not, 2 when `compare` found a regression or `faults` or `queue` a broken
            rule, 64 for wrong usage.
            """,
        subcommands: [
            APICommand.self, StreamsCommand.self, HTTP2Command.self, ClusterCommand.self,
            FaultsCommand.self, QueueCommand.self, RebalanceCommand.self,
            CompareCommand.self, MedianCommand.self, EmitCommand.self, FloorServerCommand.self,
            ClusterNodeCommand.self,
        ]
    )
}

/// Something that keeps a load test from being one: a sentence.
struct LoadError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
