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
        var reader = try ScenarioReader(path: self.scenario)
        let name = try reader.text("name")
        let scenario = try APIScenario(&reader)
        NIOSingletons.groupLoopCountSuggestion = self.options.threads
        let load = APILoad(
            scenario,
            target: try self.options.target(),
            process: try self.options.process()
        )
        try self.options.finish(try await load.run(name))
    }
}
