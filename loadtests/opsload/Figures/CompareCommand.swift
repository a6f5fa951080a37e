// `opsload compare`: says whether one result is worse than another.

import ArgumentParser

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare two results; exit code 2 when the second is worse.",
        discussion: """
            Example:
              opsload compare loadtests/baselines/streams-small.json now.json --tolerance 0.3
            """
    )

    @Argument(help: "The earlier result.") var before: String
    @Argument(help: "The later result.") var after: String
    @Option(help: "The share by which a figure may get worse, if it does not say so itself.")
    var tolerance = 0.25

    func run() throws {
        let before = try Report(path: self.before)
        let after = try Report(path: self.after)
        guard before.kind == after.kind, before.scenario == after.scenario else {
            throw ValidationError(
                "'\(before.kind) \(before.scenario)' and '\(after.kind) \(after.scenario)' are no "
                    + "results of the same scenario"
            )
        }
        let comparison = Comparison(before, after, tolerance: self.tolerance)
        for line in comparison.lines {
            let mark = line.isRegression ? "WORSE" : "     "
            let change = line.worse.map { " (\($0 > 0 ? "+" : "")\(Figure.text($0 * 100)) %)" }
            print(
                "\(mark) \(line.name): \(Figure.text(line.before)) → \(Figure.text(line.after)) "
                    + line.unit + (change ?? "")
            )
        }
        for name in comparison.missing { print("GONE  \(name)") }
        for fault in after.faults { print("FAULT \(fault)") }
        if comparison.isRegression || !after.faults.isEmpty { throw ExitCode(2) }
    }
}
