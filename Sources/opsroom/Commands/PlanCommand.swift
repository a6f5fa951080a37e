// `opsroom plan`: what is wrong with a plan, what it looks like.

import ArgumentParser
import Compiler
import ControlRoom
import PulserIR

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Check plans and look at them.",
        discussion: """
            Examples:
              opsroom plan check examples/*.yaml
              opsroom plan show examples/release-check.yaml
            """,
        subcommands: [Check.self, Show.self]
    )

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Find everything that is wrong with plan files.",
            discussion: """
                Prints file:line:column: error: … hint: … and exits with 64 when a plan is wrong.

                Example:
                  opsroom plan check examples/*.yaml
                """
        )

        @Argument(help: "Plan files.", completion: .file(extensions: ["yaml", "yml", "json"]))
        var plans: [String]
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var findings: [Diagnostic] = []
            var broken: [String] = []
            for path in self.plans {
                do {
                    let compiled = try PlanFile.compile(path)
                    findings += compiled.warnings
                    if self.output.output == .table {
                        let sign = Terminal.output.styled("✓", .green)
                        Terminal.output.line(
                            "\(sign) \(path): \(compiled.plan.name), "
                                + "\(compiled.plan.steps.count) steps, \(compiled.digest)"
                        )
                    }
                } catch let error as CompileError {
                    broken.append(path)
                    findings += error.diagnostics
                }
            }
            if self.output.output == .table {
                for finding in findings { Terminal.error.line(finding.description) }
                if !broken.isEmpty {
                    let paths = broken.map(ShellWord.quoted).joined(separator: " ")
                    Terminal.error.line("Next:  opsroom plan check \(paths)")
                }
            } else {
                self.output.printJSON("diagnostics", findings.map(\.json))
            }
            if !broken.isEmpty { throw ExitCode(64) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a plan's steps as a tree.",
            discussion: """
                Example:
                  opsroom plan show examples/release-check.yaml
                """
        )

        @Argument(help: "A plan file.", completion: .file(extensions: ["yaml", "yml", "json"]))
        var plan: String
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let compiled = try PlanFile.compileNamed(self.plan)
            guard self.output.output == .table else {
                return self.output.printJSON(
                    .object([
                        "plan": try JSONValue(encoding: compiled.plan),
                        "digest": .string(compiled.digest.description),
                    ])
                )
            }
            PlanTree(plan: compiled.plan, digest: compiled.digest).print()
        }
    }
}

/// A plan's graph as a tree: each step under the latest step it needs, other needs named.
struct PlanTree {
    let plan: Plan
    let digest: Digest

    func print() {
        let terminal = Terminal.output
        terminal.line(
            terminal.styled(self.plan.name, .bold)
                + (self.plan.version.map { " \($0)" } ?? "")
                + terminal.styled("  \(self.digest)", .dim)
        )
        if let title = self.plan.title { terminal.line(title) }
        for (name, input) in self.plan.inputs.sorted(by: { $0.key < $1.key }) {
            let fallback = input.fallback.map { " = \($0.canonicalText)" } ?? " (required)"
            terminal.line(
                terminal.styled("  input ", .dim) + "\(name): \(input.type.rawValue)\(fallback)"
            )
        }
        let parents = self.parents()
        let roots = self.plan.steps.indices.filter { parents[$0] == nil }
        for (place, root) in roots.enumerated() {
            self.print(root, parents, prefix: "", isLast: place == roots.count - 1)
        }
    }

    /// The step under which each one is drawn: of those it needs the one deepest in the graph.
    private func parents() -> [Int?] {
        var index: [String: Int] = [:]
        for (place, step) in self.plan.steps.enumerated() { index[step.id] = place }
        var depths: [Int: Int] = [:]
        func depth(_ step: Int) -> Int {
            if let known = depths[step] { return known }
            let needs = self.plan.steps[step].needs.compactMap { index[$0] }
            let value = (needs.map(depth).max() ?? -1) + 1
            depths[step] = value
            return value
        }
        return self.plan.steps.indices.map { step in
            self.plan.steps[step].needs.compactMap { index[$0] }.max { depth($0) < depth($1) }
        }
    }

    private func print(_ step: Int, _ parents: [Int?], prefix: String, isLast: Bool) {
        let terminal = Terminal.output
        let definition = self.plan.steps[step]
        var notes = ["\(definition.action.kind)"]
        if definition.effects != .none { notes.append(definition.effects.rawValue) }
        if let condition = definition.condition { notes.append("if \(condition.source)") }
        if !definition.verify.isEmpty {
            notes.append("verify " + definition.verify.map(\.id).joined(separator: ", "))
        }
        if !definition.rollback.isEmpty { notes.append("rollback \(definition.rollback.count)") }
        let drawn = parents[step].map { self.plan.steps[$0].id }
        let others = definition.needs.filter { $0 != drawn }
        if !others.isEmpty { notes.append("also needs " + others.joined(separator: ", ")) }
        terminal.line(
            terminal.styled(prefix + (isLast ? "└─ " : "├─ "), .dim) + definition.id
                + terminal.styled("  " + notes.joined(separator: " · "), .dim)
        )
        let children = self.plan.steps.indices.filter { parents[$0] == step }
        for (place, child) in children.enumerated() {
            self.print(
                child,
                parents,
                prefix: prefix + (isLast ? "   " : "│  "),
                isLast: place == children.count - 1
            )
        }
    }
}
