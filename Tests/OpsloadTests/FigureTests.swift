// Decides how results are written, read back and compared.

import PulserIR
import Testing

@testable import opsload

@Suite
struct FigureTests {
    @Test("percentiles are those of what was recorded, to three digits")
    func latencies() {
        var latencies = Latencies()
        for value in 1...1_000 { latencies.record(.milliseconds(value)) }
        latencies.record(.milliseconds(-5))
        #expect(latencies.count == 1_001)
        #expect((499...501).contains(latencies.milliseconds(at: 50)))
        #expect((989...991).contains(latencies.milliseconds(at: 99)))
        #expect((999...1_001).contains(latencies.milliseconds(at: 100)))
        var other = Latencies()
        other.record(.seconds(9))
        other.add(latencies)
        #expect((8_990...9_010).contains(other.milliseconds(at: 100)))
        #expect(Latencies().figures("x").map(\.value) == [0, 0, 0, 0])
    }

    @Test(
        "a figure shows three digits, and groups thousands",
        arguments: [
            (0.0, "0"), (0.1234, "0.123"), (1.005, "1.00"), (12.34, "12.3"), (123.4, "123"),
            (1_234_567, "1,234,567"), (-1.5, "-1.50"), (-0.0001, "0.000"), (999.6, "1,000"),
        ]
    )
    func text(_ value: Double, _ text: String) {
        #expect(Figure.text(value) == text)
    }

    private func report(_ figures: [Figure]) -> Report {
        var report = Report(kind: "api", scenario: "s\"1\"")
        report.figures = figures
        return report
    }

    @Test("a result reads back as it was written")
    func roundTrip() throws {
        var report = self.report([
            Figure("a.p99", 1.5, "ms", .lower, tolerance: 0.1), Figure("b", 3, "1/s", .higher),
        ])
        report.faults = ["one \"event\" was lost"]
        report.notes = ["a\nb"]
        let back = try Report(JSONValue(parsing: report.text))
        #expect(back.figures == report.figures)
        #expect(back.faults == report.faults && back.notes == report.notes)
        #expect(back.kind == "api" && back.scenario == "s\"1\"")
        let empty = try Report(JSONValue(parsing: self.report([]).text))
        #expect(empty.figures.isEmpty)
    }

    @Test("a figure that got worse by more than it may is a regression, either way it counts")
    func regression() {
        let before = self.report([
            Figure("p99", 10, "ms", .lower), Figure("rate", 100, "1/s", .higher),
            Figure("count", 1, "", .neither), Figure("strict", 10, "ms", .lower, tolerance: 0),
        ])
        func compare(_ p99: Double, _ rate: Double, _ strict: Double) -> [String] {
            let after = self.report([
                Figure("p99", p99, "ms", .lower), Figure("rate", rate, "1/s", .higher),
                Figure("count", 900, "", .neither),
                Figure("strict", strict, "ms", .lower, tolerance: 0),
            ])
            let comparison = Comparison(before, after, tolerance: 0.25)
            #expect(comparison.isRegression == comparison.lines.contains(where: \.isRegression))
            return comparison.lines.filter(\.isRegression).map(\.name)
        }
        #expect(compare(12.5, 75, 10) == [])
        #expect(compare(12.6, 75, 10) == ["p99"])
        #expect(compare(1, 74, 10) == ["rate"])
        #expect(compare(1, 1_000, 10.01) == ["strict"])
    }

    @Test("a figure that is gone is a regression, one that is new is not; nothing became something")
    func missing() {
        let old = self.report([Figure("a", 0, "ms", .lower), Figure("n", 1, "", .neither)])
        #expect(Comparison(old, self.report([]), tolerance: 1).missing == ["a"])
        #expect(!Comparison(self.report([]), old, tolerance: 1).isRegression)
        let worse = self.report([Figure("a", 1, "ms", .lower)])
        #expect(Comparison(old, worse, tolerance: 9).isRegression)
        #expect(!Comparison(old, old, tolerance: 0).isRegression)
    }

    @Test("a median keeps each figure's middle and every fault; other figures make none")
    func median() {
        func round(_ value: Double, _ faults: [String] = []) -> Report {
            var report = self.report([Figure("p99", value, "ms", .lower)])
            report.faults = faults
            return report
        }
        let odd = Report(medianOf: [round(9), round(1, ["one was lost"]), round(2)])
        #expect(odd?.figures == [Figure("p99", 2, "ms", .lower)])
        #expect(odd?.faults == ["round 2: one was lost"])
        #expect(Report(medianOf: [round(1), round(2)])?.figure("p99")?.value == 1.5)
        #expect(Report(medianOf: [])?.kind == nil)
        #expect(Report(medianOf: [round(1), self.report([])])?.kind == nil)
    }

    @Test("a process's CPU time and memory are read, whatever its name is")
    func processUse() throws {
        let stat = "42 (a ) b) S 1 1 1 0 -1 4 10 0 0 0 150 50 0 0 20 0 9 0 1 1 1"
        let status = "Name:\ta\nVmPeak:\t  9 kB\nVmRSS:\t  2048 kB\n"
        let use = try ProcessUse(stat: stat, status: status, ticksPerSecond: 100)
        #expect(use.cpuMicroseconds == 2_000_000)
        #expect(use.residentBytes == 2_097_152)
        #expect(throws: LoadError.self) { try ProcessUse(of: Int32.max) }
    }
}
