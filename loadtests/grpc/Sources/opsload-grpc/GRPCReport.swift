// What the calls came to, under the names and in the shape of `opsload cluster --out`.

import Foundation

/// A result that `opsload median` and `opsload compare` read.
struct GRPCReport: Encodable, Sendable {
    struct Figure: Encodable, Sendable {
        var name: String
        var value: Double
        var unit: String
        var better: String
    }

    var version = 1
    var kind = "cluster"
    var scenario: String
    var figures: [Figure] = []
    var faults: [String] = []
    var notes: [String] = []

    init(scenario: String) { self.scenario = scenario }

    /// Takes what a phase came to; `cpu` is what client and server used, in microseconds.
    mutating func add(_ name: String, _ result: GRPCLoad.Result, cpu: [Double]) {
        let calls = Double(max(1, result.durations.count))
        let perCore = calls / max(1, cpu[0] + cpu[1]) * 1_000_000
        self.add("\(name).calls", Double(result.durations.count) / result.seconds, "1/s", "higher")
        self.add("\(name).caller.cpu_per_call", cpu[0] / calls, "µs", "lower")
        self.add("\(name).called.cpu_per_call", cpu[1] / calls, "µs", "lower")
        self.add("\(name).calls_per_core", perCore, "1/s", "higher")
        let sorted = result.durations.sorted()
        for (word, percent) in [("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)] {
            let place = max(0, (sorted.count * percent + 99) / 100 - 1)
            let value = sorted.isEmpty ? 0 : sorted[place] / .milliseconds(1)
            let better = word == "max" ? "neither" : "lower"
            self.add("\(name).latency.\(word)", (value * 1_000).rounded() / 1_000, "ms", better)
        }
        if result.failures > 0 { self.faults.append("\(name): \(result.failures) calls failed") }
    }

    private mutating func add(_ name: String, _ value: Double, _ unit: String, _ better: String) {
        self.figures.append(Figure(name: name, value: value, unit: unit, better: better))
    }

    func show() {
        print("grpc · \(self.scenario)")
        for figure in self.figures {
            let value = String(format: "%12.3f", figure.value)
            print("  \(value) \(figure.unit)\t\(figure.name)")
        }
        for fault in self.faults { print("  FAULT: \(fault)") }
    }

    func write(to path: String) throws {
        try JSONEncoder().encode(self).write(to: URL(fileURLWithPath: path))
    }
}
