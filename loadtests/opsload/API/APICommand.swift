// `opsload api`: a mix of reads and writes.

import ArgumentParser
import NIOCore

struct APICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Load the API with a mix of reads and writes.",
        discussion: """
            At a rate, latencies count from the moment a request was due: a server that falls
            behind cannot hide it.

            Example:
              opsload api loadtests/scenarios/api-mixed.json --data .opsroom
            """
    )

    @Argument(help: "The scenario.") var scenario: String
    @OptionGroup var options: TargetOptions

    func run() async throws {
        let (load, name) = try self.prepare()
        let report = try await load.run(name)
        try self.options.finish(report)
    }

    // Apart from what awaits: Swift 6.3.1 cannot split a function that does both when optimising.
    private func prepare() throws -> (load: APILoad, name: String) {
        var reader = try ScenarioReader(path: self.scenario)
        let name = try reader.text("name")
        let scenario = try APIScenario(&reader)
        NIOSingletons.groupLoopCountSuggestion = self.options.threads
        let target = try self.options.target()
        return (APILoad(scenario, target: target, process: try self.options.process()), name)
    }
}
