// `opsload queue`: how fast, how fair and how steady runs move, beside the floor and other queues.

import ArgumentParser
import FoundationEssentials
import NIOCore

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract:
            "Measure how runs move: a node and a Postgres of its own, floors and peers beside.",
        discussion: """
            Starts a Postgres and a node, new in everything, and checks the truth of what it
            measures: every run ended once, in its lane's order, and no event has a wrong number.
            Exit code 2 when that is not so; then there are no figures.

            Examples:
              opsload queue loadtests/scenarios/queue-drain.json
              opsload queue loadtests/scenarios/queue-long.json --seconds 60
            """
    )

    @Argument(help: "The scenario.") var scenario: String
    @Option(help: "The program; else the one beside this one.") var opsroom: String?
    @Option(help: "The folder of floors, peers and queue.sql.") var folder = "loadtests"
    @Option(help: "Runs, instead of what the scenario says.") var runs: Int?
    @Option(help: "Seconds, instead of what the scenario says.") var seconds: Int?
    @Flag(help: "Measure the queue alone, without floors and peers.") var alone = false
    @Flag(help: "Tell which statements took the server's time; counting them costs a little.")
    var statements = false
    @Option(help: "Keep the node's log in this file.") var log: String?
    @Option(help: "Write the result as JSON to this file.") var out: String?

    func validate() throws {
        guard (1...10_000_000).contains(self.runs ?? 1), (1...86_400).contains(self.seconds ?? 1)
        else { throw ValidationError("up to 10,000,000 runs, up to 86,400 seconds") }
    }

    func run() async throws {
        let load = try self.prepare()
        let report = try await load.run()
        try self.finish(report)
    }

    // Apart from what awaits: Swift 6.3.1 cannot split a function that does both when optimising.
    @inline(never)
    private func prepare() throws -> QueueLoad {
        var reader = try ScenarioReader(path: self.scenario)
        let name = try reader.text("name")
        var scenario = try QueueScenario(&reader)
        if let runs { scenario.runs = runs }
        if let seconds { scenario.seconds = seconds }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let beside = own.split(separator: "/").dropLast().joined(separator: "/")
        return QueueLoad(
            name: name,
            scenario: scenario,
            setting: QueueLoad.Setting(
                opsroom: self.opsroom ?? "/\(beside)/opsroom",
                folder: self.folder,
                isAlone: self.alone,
                log: self.log,
                tellsStatements: self.statements
            )
        )
    }

    @inline(never)
    private func finish(_ report: Report) throws {
        report.show()
        if let out { try report.write(to: out) }
        if !report.faults.isEmpty { throw ExitCode(2) }
    }
}
