// `opsload http2`: what a request costs our server, and others beside it in the same run.

import ArgumentParser
import Glibc
import NIOCore

struct HTTP2Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http2",
        abstract: "CPU per request and memory of our server, beside others in the same run.",
        discussion: """
            Measured in turn, round after round, each in a process of its own with one thread: our
            bare server, swift-nio-http2, Node's http2, and nghttpd where it is installed. With
            --data or --server-pid the node at --server too: its router, with and without a token.

            Example:
              opsload http2 loadtests/scenarios/http2-cpu.json --floors loadtests/floors
            """
    )

    @Argument(help: "The scenario.") var scenario: String
    @Option(help: "The folder of server.mjs.") var floors = "loadtests/floors"
    @OptionGroup var options: TargetOptions

    func run() async throws {
        let (scenario, empty) = try self.prepare()
        var report = empty
        let floors = try self.floors(&report)
        // Memory first, each time of a process that has done nothing yet.
        for floor in floors where floor.hangs { try await self.memory(floor, scenario, &report) }
        let running = try self.start(floors)
        let result: Result<Void, any Error>
        do {
            result = .success(try await self.measure(running.servers, scenario, &report))
        } catch {
            result = .failure(error)
        }
        for process in running.processes { process.end() }
        try result.get()
        try self.options.finish(report)
    }

    // Apart from what awaits: Swift 6.3.1 cannot split a function that does both when optimising.
    @inline(never)
    private func prepare() throws -> (scenario: HTTP2Scenario, report: Report) {
        var reader = try ScenarioReader(path: self.scenario)
        let name = try reader.text("name")
        NIOSingletons.groupLoopCountSuggestion = self.options.threads
        return (try HTTP2Scenario(&reader), Report(kind: "http2", scenario: name))
    }

    @inline(never)
    private func start(
        _ floors: [FloorServer]
    ) throws -> (servers: [MeasuredServer], processes: [FloorProcess]) {
        var processes: [FloorProcess] = []
        var servers: [MeasuredServer] = []
        do {
            for floor in floors {
                let process = try floor.start()
                processes.append(process)
                servers.append(floor.measured(process))
            }
            return (servers + (try self.nodes()), processes)
        } catch {
            for process in processes { process.end() }
            throw error
        }
    }

    /// The node that was named, by what it is asked for.
    private func nodes() throws -> [MeasuredServer] {
        guard let process = try self.options.process() else { return [] }
        let target = try self.options.target()
        var paths = [("node.healthz", "/healthz")]
        if target.token != nil { paths.append(("node.me", "/v1/me")) }
        return paths.map { name, path in
            MeasuredServer(name: name, target: target, process: process, path: path)
        }
    }

    /// The servers that the harness starts itself, with how.
    @inline(never)
    private func floors(_ report: inout Report) throws -> [FloorServer] {
        let harness = try FloorProcess.harness()
        var floors = BareServer.allCases.map { kind in
            FloorServer(name: kind.rawValue, hangs: true) {
                try FloorProcess(harness, ["floor-server", kind.rawValue])
            }
        }
        let folder = self.floors
        if let node = FloorProcess.path(of: "node") {
            floors.append(
                FloorServer(name: "nodejs", hangs: true) {
                    try FloorProcess(node, ["\(folder)/server.mjs"])
                }
            )
        } else {
            report.notes.append("node is not installed: no figure of Node's http2")
        }
        if let nghttpd = FloorProcess.path(of: "nghttpd") {
            floors.append(
                FloorServer(name: "nghttpd", hangs: false) {
                    let port = Int.random(in: 20_000...30_000)
                    let words = ["--no-tls", "-a", "127.0.0.1", "-n", "1", "-d", folder]
                    return try FloorProcess(nghttpd, words + [String(port)], port: port)
                }
            )
        } else {
            report.notes.append("nghttpd is not installed: no figure of it")
        }
        return floors
    }

    @inline(never)
    private func measure(
        _ servers: [MeasuredServer],
        _ scenario: HTTP2Scenario,
        _ report: inout Report
    ) async throws {
        for shape in scenario.shapes {
            var cpu: [String: [Double]] = [:]
            var rate: [String: [Double]] = [:]
            // In turn, so that what the machine does meanwhile meets all of them.
            for _ in 0..<scenario.rounds {
                for server in servers {
                    let load = HTTP2Load(scenario: scenario, server: server)
                    let result = try await load.requests(shape)
                    cpu[server.name, default: []].append(result.cpu)
                    rate[server.name, default: []].append(result.rate)
                    report.faults += result.failures.map { "\(shape.name).\(server.name): \($0)" }
                }
            }
            let ours = Self.median(cpu["ours"] ?? [])
            for server in servers {
                let median = Self.median(cpu[server.name] ?? [])
                let name = "\(shape.name).\(server.name)"
                let isOurs = server.name == "ours" || server.name.hasPrefix("node.")
                report.figures += [
                    Figure("\(name).cpu_per_request", median, "µs", isOurs ? .lower : .neither),
                    Figure("\(name).requests", Self.median(rate[server.name] ?? []), "1/s"),
                ]
                if server.name != "ours" {
                    report.figures.append(
                        Figure("\(name).cpu_by_ours", median / max(0.001, ours), "×")
                    )
                }
            }
        }
    }

    @inline(never)
    private func memory(
        _ floor: FloorServer,
        _ scenario: HTTP2Scenario,
        _ report: inout Report
    ) async throws {
        let better: Figure.Direction = floor.name == "ours" ? .lower : .neither
        func add(
            _ name: String,
            _ count: Int,
            _ measure: (HTTP2Load) async throws -> Double
        ) async throws {
            guard count > 0 else { return }
            let process = try floor.start()
            defer { process.end() }
            let load = HTTP2Load(scenario: scenario, server: floor.measured(process))
            report.figures.append(
                Figure(
                    "\(floor.name).\(name)",
                    try await measure(load),
                    "bytes",
                    better,
                    tolerance: 0.5
                )
            )
        }
        try await add("idle_connection", scenario.idleConnections) { try await $0.idleConnection() }
        try await add("open_stream", scenario.openStreams) { try await $0.openStream() }
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}

/// A server that the harness starts, as often as it needs one.
struct FloorServer: Sendable {
    var name: String
    /// Whether `/hang` answers with a head and then nothing.
    var hangs: Bool
    var start: @Sendable () throws -> FloorProcess

    init(name: String, hangs: Bool, start: @escaping @Sendable () throws -> FloorProcess) {
        self.name = name
        self.hangs = hangs
        self.start = start
    }

    func measured(_ process: FloorProcess) -> MeasuredServer {
        MeasuredServer(
            name: self.name,
            target: Target(port: process.port),
            process: process.process,
            path: "/"
        )
    }
}
