// `opsload median`: makes one result of several, so that one noisy round does not decide.

import ArgumentParser

struct MedianCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "median",
        abstract: "The median of each figure of several results.",
        discussion: """
            Faults of all of them are kept: a single one is one too many; exit code 1.

            Example:
              opsload median round1.json round2.json round3.json --out baseline.json
            """
    )

    @Argument(help: "Results of the same scenario.") var results: [String]
    @Option(help: "Where the result goes as JSON.") var out: String?

    func run() throws {
        let reports = try self.results.map { try Report(path: $0) }
        guard let report = Report(medianOf: reports) else {
            throw ValidationError("these are not results of one scenario with the same figures")
        }
        report.show()
        if let out { try report.write(to: out) }
        if !report.faults.isEmpty { throw ExitCode(1) }
    }
}

extension Report {
    /// The median of each figure; `nil` unless all are of one scenario and have the same figures.
    init?(medianOf reports: [Report]) {
        guard let first = reports.first else { return nil }
        self.init(kind: first.kind, scenario: first.scenario)
        for report in reports {
            guard report.kind == first.kind, report.scenario == first.scenario,
                report.figures.map(\.name) == first.figures.map(\.name)
            else { return nil }
        }
        for (index, figure) in first.figures.enumerated() {
            let values = reports.map { $0.figures[index].value }.sorted()
            var median = figure
            let middle = values.count / 2
            median.value =
                values.count.isMultiple(of: 2)
                ? (values[middle - 1] + values[middle]) / 2 : values[middle]
            self.figures.append(median)
        }
        for (index, report) in reports.enumerated() {
            self.faults += report.faults.map { "round \(index + 1): \($0)" }
            self.notes += report.notes.map { "round \(index + 1): \($0)" }
        }
        self.notes.insert("median of \(reports.count) rounds", at: 0)
    }
}
