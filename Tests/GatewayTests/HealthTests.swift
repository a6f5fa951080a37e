// What machines are told of a node: that it lives, whether it is ready, what it counts.

import HTTPTypes
import Metrics
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite("Health and metrics")
struct HealthTests {
    @Test("a process that answers is alive; ready only with database, schema and lease")
    func readiness() async throws {
        try await GatewayBed.with { bed in
            #expect(try await bed.get("/healthz").status == 200)
            // No node joined in this test.
            let before = try await bed.get("/readyz")
            #expect(before.status == 503)
            #expect(try Self.reasons(before) == ["lease": "this node has not joined"])
            let node = try await bed.store.join(name: "n", address: "here", build: "test")
            bed.gateway.equipment.readiness.joined(node)
            let ready = try await bed.get("/readyz")
            #expect(ready.status == 200)
            #expect(try Self.reasons(ready).isEmpty)
            try await bed.store.leave(node)
            #expect(try Self.reasons(await bed.get("/readyz")).keys.sorted() == ["lease"])
            bed.gateway.equipment.readiness.drain()
            #expect(
                try Self.reasons(await bed.get("/readyz")).keys.sorted() == ["draining", "lease"]
            )
            try await bed.text("DELETE FROM schema_migration WHERE number > 1")
            let behind = try Self.reasons(await bed.get("/readyz"))
            #expect(behind["migrations"]?.contains("opsroom migrate apply") == true)
        }
    }

    @Test("metrics need a token, unless this machine asks and that is allowed")
    func metricsAccess() async throws {
        try await AccessTests.with { bed in
            #expect(try await bed.get("/metrics").status == 401)
            let (bearer, _) = try await bed.token(.read)
            #expect(try await bed.get("/metrics", bearer).status == 200)
        }
        var open = GatewayConfiguration()
        open.metricsOpenOnLoopback = true
        try await AccessTests.with(configuration: open) { bed in
            let answer = try await bed.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.fields[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.text.contains("process_resident_memory_bytes "))
        }
    }

    private static func reasons(_ answer: Answer) throws -> [String: String] {
        var reasons: [String: String] = [:]
        for check in try answer.json["checks"]?.arrayValue ?? [] {
            guard let name = check["name"]?.stringValue else { continue }
            #expect((check["reason"]?.stringValue == nil) == (check["ok"] == .bool(true)))
            reasons[name] = check["reason"]?.stringValue
        }
        return reasons
    }

    // MARK: The registry

    @Test("every kind of number is written as Prometheus reads it")
    func text() {
        let registry = MetricsRegistry()
        registry.makeCounter(label: "ops_b_total", dimensions: [("code", "a\"b\\c\nd")])
            .increment(by: 3)
        let gauge = registry.makeMeter(label: "ops_a_count", dimensions: [])
        gauge.set(2.5)
        gauge.increment(by: 1)
        let timer = registry.makeTimer(label: "ops_c_seconds", dimensions: [("route", "x")])
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(60_000_000_000)
        let lines = MetricsText.write(registry).split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["# TYPE ops_a_count gauge", "ops_a_count 3.5"])
        #expect(
            lines.dropFirst(2).prefix(2) == [
                "# TYPE ops_b_total counter", "ops_b_total{code=\"a\\\"b\\\\c\\nd\"} 3",
            ]
        )
        #expect(lines.contains("# TYPE ops_c_seconds histogram"))
        #expect(lines.contains("ops_c_seconds_bucket{route=\"x\",le=\"0.001\"} 0"))
        #expect(lines.contains("ops_c_seconds_bucket{route=\"x\",le=\"0.0025\"} 1"))
        #expect(lines.contains("ops_c_seconds_bucket{route=\"x\",le=\"30\"} 1"))
        #expect(lines.contains("ops_c_seconds_bucket{route=\"x\",le=\"+Inf\"} 2"))
        #expect(lines.contains("ops_c_seconds_sum{route=\"x\"} 60.002"))
        #expect(lines.contains("ops_c_seconds_count{route=\"x\"} 2"))
    }

    @Test("every line is of the format's grammar, and each family stands there once")
    func grammar() throws {
        let registry = MetricsRegistry()
        for index in 0..<20 {
            registry.makeCounter(
                label: "9odd-name.\(index % 3)",
                dimensions: [("a-b", "é\(index)")]
            )
            .increment(by: 1)
            registry.makeRecorder(label: "sizes", dimensions: [("n", "\(index)")], aggregate: true)
                .record(Int64(index))
            registry.makeRecorder(label: "level", dimensions: [], aggregate: false).record(0.5)
        }
        let sample =
            /[a-zA-Z_][a-zA-Z0-9_]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\.)*",?)+\})? (\+Inf|-?[0-9][0-9.e+-]*)/
        let type = /# TYPE [a-zA-Z_][a-zA-Z0-9_]* (counter|gauge|histogram)/
        var types: [Substring] = []
        let text = MetricsText.write(registry) + ProcessNumbers.text()
        #expect(text.hasSuffix("\n"))
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                #expect(line.wholeMatch(of: type) != nil, "\(line)")
                types.append(line)
            } else {
                #expect(line.wholeMatch(of: sample) != nil, "\(line)")
            }
        }
        #expect(Set(types).count == types.count)
        #expect(types.count == 3 + 2 + 3)
    }

    @Test("the same name and labels are one series; their number is bounded")
    func bounds() {
        let registry = MetricsRegistry()
        for _ in 0..<2 {
            registry.makeCounter(label: "c", dimensions: [("k", "v")]).increment(by: 1)
        }
        #expect(MetricsText.write(registry).contains("c{k=\"v\"} 2\n"))
        for index in 0..<(MetricsRegistry.seriesMax + 50) {
            registry.makeCounter(label: "many", dimensions: [("k", "\(index)")]).increment(by: 1)
        }
        let text = MetricsText.write(registry)
        #expect(text.contains("many{k=\"other\"} 50\n"))
        #expect(text.split(separator: "\n").count == 2 + 1 + MetricsRegistry.seriesMax + 1)
    }
}
