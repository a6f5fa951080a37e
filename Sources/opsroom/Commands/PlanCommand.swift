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
                Files are checked by this program; with --server or --context by that node's.

                Examples:
                  opsroom plan check examples/*.yaml
                  opsroom plan check release.yaml --server https://ops.example
                """
        )

        @Argument(help: "Plan files.", completion: .file(extensions: ["yaml", "yml", "json"]))
        var plans: [String]
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            var findings: [Diagnostic] = []
            var broken: [String] = []
            for verdict in try await self.verdicts() {
                findings += verdict.findings
                guard let summary = verdict.summary else {
                    broken.append(verdict.path)
                    continue
                }
                if self.output.output == .table {
                    let sign = Terminal.output.styled("✓", .green)
                    Terminal.output.line("\(sign) \(verdict.path): \(summary)")
                }
            }
            if self.output.output == .table {
                for finding in findings { Terminal.error.line(finding.description) }
                if !broken.isEmpty {
                    let paths = broken.map(ShellWord.quoted).joined(separator: " ")
                    Terminal.error.line("Next:  opsroom plan check \(paths)\(self.place.words)")
                }
            } else {
                self.output.printJSON("diagnostics", findings.map(\.json))
            }
            if !broken.isEmpty { throw ExitCode(64) }
        }

        private func verdicts() async throws -> [PlanVerdict] {
            let plans = self.plans
            // A file needs no room: only a node that was named outright is asked.
            guard self.place.server != nil || self.place.context != nil,
                let server = try self.place.choice.resolve()
            else { return try plans.map { try PlanVerdict($0) } }
            return try await RemoteConnection.open(server, logger: self.place.logger) { node in
                var verdicts: [PlanVerdict] = []
                for path in plans { verdicts.append(try await PlanVerdict(path, of: node)) }
                return verdicts
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a plan's steps as a tree.",
            discussion: """
                A file is shown as it is here; a digest is that of a plan the room keeps.

                Examples:
                  opsroom plan show examples/release-check.yaml
                  opsroom plan show sha256:4f1c… --server https://ops.example
                """
        )

        @Argument(
            help: "A plan file, or the digest of a plan that was run.",
            completion: .file(extensions: ["yaml", "yml", "json"])
        )
        var plan: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard Digest(self.plan) == nil, self.place.server ?? self.place.context != nil else {
                return
            }
            throw ValidationError(
                "a plan file is shown without a server: leave out --server and --context, "
                    + "or name a plan of the node by its digest"
            )
        }

        func run() async throws {
            let plan: Plan
            let digest: Digest
            if let named = Digest(self.plan) {
                digest = named
                plan = try await self.place.access { try await $0.plan(named) }
            } else {
                let compiled = try PlanFile.compileNamed(self.plan)
                (plan, digest) = (compiled.plan, compiled.digest)
            }
            guard self.output.output == .table else {
                return self.output.printJSON(
                    .object([
                        "plan": try JSONValue(encoding: plan),
                        "digest": .string(digest.description),
                    ])
                )
            }
            PlanTree(plan: plan, digest: digest).print()
        }
    }
}

/// What a compiler says of a plan file.
private struct PlanVerdict: Sendable {
    let path: String
    let findings: [Diagnostic]
    /// The plan in few words; `nil` when it is broken.
    let summary: String?

    /// What this program says.
    init(_ path: String) throws {
        self.path = path
        do {
            let compiled = try PlanFile.compile(path)
            self.findings = compiled.warnings
            self.summary = Self.summary(
                compiled.plan.name,
                compiled.plan.steps.count,
                compiled.digest.description
            )
        } catch let error as CompileError {
            self.findings = error.diagnostics
            self.summary = nil
        }
    }

    /// What a node says.
    init(_ path: String, of node: RemoteConnection) async throws {
        self.path = path
        let files = try PlanFile.sources(path)
        let answer = try await node.post(
            ["plans", "check"],
            .object([
                "files": .object(files.mapValues { .string($0) }), "main": .string(path),
            ]),
            isIdempotent: true
        )
        self.findings = (answer["diagnostics"]?.arrayValue ?? [])
            .compactMap(RemoteProblem.diagnostic)
        guard answer["valid"] == .bool(true) else {
            self.summary = nil
            return
        }
        self.summary = Self.summary(
            answer["name"]?.stringValue ?? "",
            Int(answer["steps"]?.integerValue ?? 0),
            answer["digest"]?.stringValue ?? ""
        )
    }

    private static func summary(_ name: String, _ steps: Int, _ digest: String) -> String {
        "\(name), \(steps) \(steps == 1 ? "step" : "steps"), \(digest)"
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
        if case .wait(let wait) = definition.action { notes += wait.notes }
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
