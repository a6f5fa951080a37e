// Whom a load test loads, as the command line says it.

import ArgumentParser
import FoundationEssentials

/// The options that all load tests of a node share.
struct TargetOptions: ParsableArguments {
    @Option(help: "The node's address.") var server = "http://127.0.0.1:7460"
    @Option(help: "An API token; else OPSROOM_TOKEN.") var token: String?
    @Option(help: "The node's process, to see what it uses; else --data.") var serverPid: Int32?
    @Option(help: "The node's data directory, whose node.json names its process.") var data: String?
    @Option(help: "Event loops of the harness.") var threads = 1
    @Option(help: "Write the result as JSON to this file.") var out: String?

    func validate() throws {
        guard (1...64).contains(self.threads) else {
            throw ValidationError("--threads is from 1 to 64")
        }
    }

    /// The node.
    func target() throws -> Target {
        try Target(
            self.server,
            token: self.token ?? ProcessInfo.processInfo.environment["OPSROOM_TOKEN"]
        )
    }

    /// The node's process, if it was named.
    func process() throws -> Int32? {
        if let serverPid { return serverPid }
        return try self.data.map { try ProcessUse.node(data: $0) }
    }

    /// Prints and writes a result.
    ///
    /// - Throws: `ExitCode(1)` when it has faults.
    @inline(never)
    func finish(_ report: Report) throws {
        report.show()
        if let out { try report.write(to: out) }
        if !report.faults.isEmpty { throw ExitCode(1) }
    }
}
