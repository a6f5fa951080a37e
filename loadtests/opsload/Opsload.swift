// The load-test harness: which commands there are.

import ArgumentParser

/// `opsload`: loads a node over its API and tells what it took.
@main
struct Opsload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsload",
        abstract: "Loads a node and measures it."
    )
}
