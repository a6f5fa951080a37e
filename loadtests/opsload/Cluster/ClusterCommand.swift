// `opsload cluster`: what a call between two nodes costs and how long it takes.

import ArgumentParser
import Cluster
import Glibc
import NIOCore
import NIOPosix

struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Calls between the actors of two processes on this machine.",
        discussion: """
            The harness starts itself as the node that is called; calls go over loopback in the
            clear. Latencies of a rate count from the moment a call was due, and hold how late the
            system's timer was.

            Example:
              opsload cluster loadtests/scenarios/cluster-calls.json
            """
    )

    @Argument(help: "The scenario.") var scenario: String
    @Flag(help: "Execute actors on the event loop of their node.") var onEventLoop = false
    @Option(help: "Write the result as JSON to this file.") var out: String?

    func run() async throws {
        var (scenario, report) = try self.prepare()
        var arguments = ["cluster-node", "--actors", String(scenario.actors)]
        if self.onEventLoop { arguments.append("--on-event-loop") }
        let process = try FloorProcess(FloorProcess.harness(), arguments)
        let result: Result<Void, any Error>
        do {
            result = .success(try await self.measure(process, scenario, &report))
        } catch {
            result = .failure(error)
        }
        process.end()
        try result.get()
        try self.finish(report)
    }

    // Apart from what awaits: Swift 6.3.1 cannot split a function that does both when optimising.
    @inline(never)
    private func prepare() throws -> (scenario: ClusterScenario, report: Report) {
        var reader = try ScenarioReader(path: self.scenario)
        let name = try reader.text("name")
        return (try ClusterScenario(&reader), Report(kind: "cluster", scenario: name))
    }

    @inline(never)
    private func finish(_ report: Report) throws {
        report.show()
        if let out { try report.write(to: out) }
        if !report.faults.isEmpty { throw ExitCode(1) }
    }

    @inline(never)
    private func measure(
        _ process: FloorProcess,
        _ scenario: ClusterScenario,
        _ report: inout Report
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let system = try await EchoNode.system(
            EchoNode.caller,
            to: NodeAddress(host: "127.0.0.1", port: process.port),
            group: group,
            isOnEventLoop: self.onEventLoop
        )
        let figures = try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await system.run() }
            let load = ClusterLoad(
                actors: try (0..<scenario.actors).map { number in
                    try system.reference(
                        to: EchoActor.self,
                        .number(Int64(number)),
                        at: .node(EchoNode.called)
                    )
                },
                text: String(repeating: "x", count: scenario.textBytes)
            )
            var phases: [(figures: [Figure], fault: String?)] = []
            for pace in scenario.paces {
                phases.append(try await self.phase(pace, load, scenario, process.process))
            }
            tasks.cancelAll()
            return phases
        }
        report.figures += figures.flatMap(\.figures)
        report.faults += figures.compactMap(\.fault)
        try await group.shutdownGracefully()
    }

    private func phase(
        _ pace: APIScenario.Pace,
        _ load: ClusterLoad,
        _ scenario: ClusterScenario,
        _ called: Int32
    ) async throws -> (figures: [Figure], fault: String?) {
        if scenario.warmupSeconds > 0 {
            _ = await load.run(pace, seconds: scenario.warmupSeconds)
        }
        let before = try [ProcessUse(of: getpid()), ProcessUse(of: called)]
        let result = await load.run(pace, seconds: scenario.phaseSeconds)
        let after = try [ProcessUse(of: getpid()), ProcessUse(of: called)]
        let calls = max(1, Double(result.calls))
        let cpu = zip(before, after).map { $1.cpuMicroseconds - $0.cpuMicroseconds }
        let name: String
        switch pace {
        case .closed(let concurrency): name = "at_once_\(concurrency)"
        case .open(let perSecond): name = "rate_\(Int(perSecond))"
        }
        let figures =
            [
                Figure("\(name).calls", Double(result.calls) / result.seconds, "1/s", .higher),
                Figure("\(name).caller.cpu_per_call", cpu[0] / calls, "µs", .lower),
                Figure("\(name).called.cpu_per_call", cpu[1] / calls, "µs", .lower),
                Figure(
                    "\(name).calls_per_core",
                    calls / max(1, cpu[0] + cpu[1]) * 1_000_000,
                    "1/s",
                    .higher
                ),
            ] + result.latencies.figures("\(name).latency")
        let fault = result.failures > 0 ? "\(name): \(result.failures) calls failed" : nil
        return (figures, fault)
    }
}
