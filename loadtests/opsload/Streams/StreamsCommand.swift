// `opsload streams`: many subscribers, much written, some slow, some cut off.

import ArgumentParser
import NIOCore

struct StreamsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams",
        abstract: "Load event streams; every lost, repeated or late event is counted.",
        discussion: """
            Runs of a plan print lines at a rate; subscribers follow their sessions. Harness and
            node are on one machine: latencies compare an event's time with this machine's clock,
            to the millisecond, and hold the commit.

            Example:
              opsload streams loadtests/scenarios/streams-small.json --data .opsroom
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
    private func prepare() throws -> (load: StreamsLoad, name: String) {
        var reader = try ScenarioReader(path: self.scenario)
        let name = try reader.text("name")
        let scenario = try StreamsScenario(&reader)
        NIOSingletons.groupLoopCountSuggestion = self.options.threads
        let target = try self.options.target()
        return (StreamsLoad(scenario, target: target, process: try self.options.process()), name)
    }
}
