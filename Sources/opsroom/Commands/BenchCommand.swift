// `opsroom bench`: how fast this machine moves runs through the whole path.

import ArgumentParser
import Compiler
import ControlRoom
import Foundation
import Gateway
import PulserIR
import Store

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine.",
        discussion: """
            Example:
              opsroom bench runs --count 20000 --lanes 64
            """,
        subcommands: [Runs.self]
    )

    struct Runs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "runs",
            abstract: "No-op runs: enqueue, claim, one step, journal, events, completion.",
            discussion: """
                Works on the database of DATABASE_URL or on an embedded server in --data, in a
                session of its own. First all runs are enqueued and drained, then a few come one
                by one, so that the latency of an idle node shows.

                With --no-node other nodes of the database do the work, and are what is measured.

                Examples:
                  opsroom bench runs --count 20000 --lanes 64
                  DATABASE_URL=postgres://ops@db/opsroom opsroom bench runs --no-node
                """
        )

        @Option(help: "Runs to drain.") var count = 20_000
        @Option(help: "Lanes they are spread over.") var lanes = 64
        @Option(help: "Runs at once in each lane.") var width = 8
        @Option(help: "Runs at once on the node.") var runsMax = 512
        @Option(help: "Runs that come one by one, 50 a second.") var paced = 200
        @Flag(name: .customLong("no-node"), help: "Be no node: others do the work.")
        var isGuest = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        func validate() throws {
            guard (1...1_000_000).contains(self.count), (1...10_000).contains(self.lanes),
                (1...1_000).contains(self.width), (0...100_000).contains(self.paced)
            else { throw ValidationError("a number is out of its range") }
        }

        func run() async throws {
            let configuration = try self.room.configuration([.runsMax: String(self.runsMax)])
            let room = self.room.room(configuration)
            let need = self.isGuest ? Room.NodeNeed.none : .here
            let result = try await room.open(purpose: "opsroom bench", node: need) { client in
                if self.isGuest, try await !client.hasActiveNode() {
                    throw RoomError(
                        .unavailable,
                        "no node of this database works, so nothing would be measured",
                        next: "opsroom nodes list"
                    )
                }
                return try await Bench(
                    client: client,
                    count: self.count,
                    lanes: self.lanes,
                    width: self.width,
                    paced: self.paced
                ).measure()
            }
            if self.output.output != .table { return self.output.printJSON(result.json) }
            result.print()
        }
    }
}

/// One measurement.
struct Bench: Sendable {
    let client: RoomClient
    let count: Int
    let lanes: Int
    let width: Int
    let paced: Int

    private static let plan = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: bench-noop}
        steps:
          - id: nothing
            system: {sleep: 0s}
        """

    func measure() async throws -> BenchResult {
        let compiled = try PlanCompiler { _ in [] }.compile(Array(Self.plan.utf8), file: "bench")
        let session = "bench-\(UInt32.random(in: 0...UInt32.max))"
        try await self.client.store.createSession(name: session, intent: "opsroom bench runs")
        var lanes: [Int64] = []
        for number in 1...self.lanes {
            let lane = try await self.client.store.ensureLane(
                session: session,
                lane: "L\(number)",
                width: self.width
            )
            lanes.append(lane)
        }
        let clock = ContinuousClock()
        let begin = clock.now
        var first: RunID?
        var last = RunID(0)
        for start in stride(from: 0, to: self.count, by: 1_000) {
            let runs = (start..<min(start + 1_000, self.count)).map {
                NewRun(lane: lanes[$0 % lanes.count], planDigest: compiled.digest)
            }
            let ids = try await self.client.store.enqueue(
                runs,
                plans: start == 0 ? compiled.rows : []
            )
            if first == nil { first = ids.min() }
            last = max(last, ids.max() ?? last)
            if start == 0 {
                let ids = lanes.prefix(300).map(String.init).joined(separator: ",")
                await self.client.store.notify(.work, ids)
            }
        }
        let enqueued = clock.now
        let from = first ?? last
        try await self.drained(from, last)
        let drained = clock.now
        let timings = try await self.client.store.runTimings(from: from, through: last)
        let latencies = try await self.pacedLatencies(compiled, lanes)
        return BenchResult(
            count: self.count,
            enqueueSeconds: (enqueued - begin) / .seconds(1),
            totalSeconds: (drained - begin) / .seconds(1),
            drain: Percentiles(timings),
            paced: Percentiles(latencies)
        )
    }

    private func drained(_ from: RunID, _ through: RunID) async throws {
        while try await self.client.store.openRuns(from: from, through: through) > 0 {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func pacedLatencies(
        _ compiled: CompiledPlan,
        _ lanes: [Int64]
    ) async throws -> [Double] {
        guard self.paced > 0 else { return [] }
        var ids: [RunID] = []
        for number in 0..<self.paced {
            let lane = lanes[number % lanes.count]
            ids += try await self.client.store.enqueue([
                NewRun(lane: lane, planDigest: compiled.digest)
            ])
            await self.client.store.notify(.work, String(lane))
            try await Task.sleep(for: .milliseconds(20))
        }
        guard let first = ids.min(), let last = ids.max() else { return [] }
        try await self.drained(first, last)
        return try await self.client.store.runTimings(from: first, through: last)
    }
}

/// Middle and tail of some timings, in milliseconds.
struct Percentiles: Sendable {
    var p50 = 0.0
    var p95 = 0.0
    var p99 = 0.0

    init(_ values: [Double]) {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return }
        func at(_ part: Double) -> Double {
            sorted[Int((Double(sorted.count - 1) * part).rounded())]
        }
        self.p50 = at(0.5)
        self.p95 = at(0.95)
        self.p99 = at(0.99)
    }

    var json: JSONValue {
        .object(["p50": .number(self.p50), "p95": .number(self.p95), "p99": .number(self.p99)])
    }

    var text: String {
        String(format: "p50 %.1f ms  p95 %.1f ms  p99 %.1f ms", self.p50, self.p95, self.p99)
    }
}

/// What a measurement found.
struct BenchResult: Sendable {
    var count: Int
    var enqueueSeconds: Double
    var totalSeconds: Double
    var drain: Percentiles
    var paced: Percentiles

    var json: JSONValue {
        .object([
            "version": .integer(1), "count": .integer(Int64(self.count)),
            "enqueue_per_second": .number(Double(self.count) / self.enqueueSeconds),
            "runs_per_second": .number(Double(self.count) / self.totalSeconds),
            "enqueue_to_done_ms": self.drain.json, "enqueue_to_done_paced_ms": self.paced.json,
        ])
    }

    func print() {
        let rate = String(format: "%.0f", Double(self.count) / self.totalSeconds)
        let enqueue = String(format: "%.0f", Double(self.count) / self.enqueueSeconds)
        Terminal.output.line("runs                \(self.count)")
        Terminal.output.line("enqueued            \(enqueue)/s")
        Terminal.output.line("enqueued to done    \(rate) runs/s")
        Terminal.output.line("  all at once       \(self.drain.text)")
        Terminal.output.line("  50 a second       \(self.paced.text)")
    }
}
