// Whether every expression reads only what exists and what it may see.

internal import PulserIR

/// Checks the references of all expressions, then that every declaration is used.
struct ReferenceCheck {
    private let plan: Plan
    private let file: SourceFile
    private let sites: [ExpressionSite]
    private let graph: StepGraph
    private let declarations: PlanReader.Declarations
    private var usedInputs: Set<String> = []
    private var usedSecrets: Set<String>
    private var usedEnvironment: Set<String> = []
    var log: DiagnosticLog

    init(reader: PlanReader, graph: StepGraph) {
        self.plan = reader.plan
        self.file = reader.file
        self.sites = reader.sites
        self.graph = graph
        self.declarations = reader.declarations
        self.usedSecrets = reader.namedSecrets
        self.log = reader.log
    }

    /// Runs all checks.
    mutating func run() {
        // A file whose steps could not be read has no expressions from them to judge by.
        let isWhole = !self.log.hasErrors
        for site in self.sites where !self.log.isFull {
            for reference in site.expression.references { self.check(reference, at: site) }
            self.checkTypes(of: site)
        }
        if isWhole { self.checkUnused() }
    }

    private mutating func check(_ reference: ExpressionReference, at site: ExpressionSite) {
        switch reference.root {
        case .inputs: self.checkInput(reference, at: site)
        case .secrets: self.checkSecret(reference, at: site)
        case .env: self.checkEnvironment(reference, at: site)
        case .steps: self.checkStep(reference, at: site)
        case .outputs: self.checkOutputs(reference, at: site)
        case .run: self.checkRun(reference, at: site)
        case .result:
            guard !site.context.seesResult else { return }
            self.error(
                "'result' is not known in \(site.context.place)",
                at: reference.offset,
                of: site,
                hint: "it is the step's own result, for its outputs and verifiers"
            )
        case .item:
            guard !site.context.seesItem else { return }
            self.error(
                "'item' exists only inside fan_out",
                at: reference.offset,
                of: site
            )
        }
    }

    private mutating func checkInput(_ reference: ExpressionReference, at site: ExpressionSite) {
        guard let name = reference.path.first else {
            // All of them, or one chosen at run time.
            self.usedInputs.formUnion(self.plan.inputs.keys)
            return
        }
        self.usedInputs.insert(name)
        guard self.plan.inputs[name] == nil else { return }
        self.unknown("input", name, self.plan.inputs.keys, reference, at: site)
    }

    private mutating func checkSecret(_ reference: ExpressionReference, at site: ExpressionSite) {
        if !site.context.takesSecrets {
            self.error(
                "secrets cannot be used in \(site.context.place)",
                at: reference.offset,
                of: site,
                hint: "only in environment variables, headers and DSNs"
            )
        }
        guard let name = reference.path.first else {
            self.usedSecrets.formUnion(self.plan.secrets)
            self.error("name one secret", at: reference.offset, of: site)
            return
        }
        self.usedSecrets.insert(name)
        guard self.declarations.secrets[name] == nil else { return }
        self.unknown("secret", name, self.plan.secrets, reference, at: site)
    }

    private mutating func checkEnvironment(
        _ reference: ExpressionReference,
        at site: ExpressionSite
    ) {
        guard let name = reference.path.first else {
            self.usedEnvironment.formUnion(self.plan.environment)
            self.error("name one variable of 'env'", at: reference.offset, of: site)
            return
        }
        self.usedEnvironment.insert(name)
        guard self.declarations.environment[name] == nil else { return }
        self.unknown("variable", name, self.plan.environment, reference, at: site)
    }

    private mutating func checkStep(_ reference: ExpressionReference, at site: ExpressionSite) {
        guard let id = reference.path.first else {
            let hint = "as in steps.build.outputs.version"
            self.error("name one step", at: reference.offset, of: site, hint: hint)
            return
        }
        guard let other = self.graph.indices[id] else {
            self.unknown("step", id, self.graph.indices.keys, reference, at: site)
            return
        }
        if let step = site.context.step, let index = self.graph.indices[step] {
            if index == other {
                self.error(
                    "a step cannot read itself through 'steps'",
                    at: reference.pathOffsets[0],
                    of: site,
                    hint: "its own values are 'outputs' and 'result'"
                )
            } else if !self.graph.needs(index, other) {
                self.error(
                    "step '\(step)' reads step '\(id)' but does not need it",
                    at: reference.pathOffsets[0],
                    of: site,
                    hint: "add '\(id)' to its needs"
                )
            }
        }
        guard reference.path.count > 1 else { return }
        let known = ["outputs", "result", "status"]
        guard known.contains(reference.path[1]) else {
            self.error(
                "a step has no '\(reference.path[1])'",
                at: reference.pathOffsets[1],
                of: site,
                hint: Suggestion.hint(for: reference.path[1], among: known)
            )
            return
        }
        guard reference.path[1] == "outputs", reference.path.count > 2 else { return }
        let name = reference.path[2]
        let outputs = self.plan.steps[other].outputNames
        guard !outputs.contains(name) else { return }
        self.error(
            "step '\(id)' has no output '\(name)'",
            at: reference.pathOffsets[2],
            of: site,
            hint: outputs.isEmpty
                ? "it declares no outputs" : Suggestion.hint(for: name, among: outputs)
        )
    }

    private mutating func checkOutputs(_ reference: ExpressionReference, at site: ExpressionSite) {
        guard site.context.seesOutputs, let step = site.context.step else {
            self.error(
                "'outputs' is not known in \(site.context.place)",
                at: reference.offset,
                of: site,
                hint: "it is the step's own outputs; another step's are steps.<id>.outputs"
            )
            return
        }
        guard let name = reference.path.first, let index = self.graph.indices[step] else { return }
        let outputs = self.plan.steps[index].outputNames
        guard !outputs.contains(name) else { return }
        self.error(
            "this step has no output '\(name)'",
            at: reference.pathOffsets[0],
            of: site,
            hint: outputs.isEmpty
                ? "it declares no outputs" : Suggestion.hint(for: name, among: outputs)
        )
    }

    private mutating func checkRun(_ reference: ExpressionReference, at site: ExpressionSite) {
        guard let name = reference.path.first else { return }
        let known = ["id", "workspace", "session", "lane", "plan", "attempt", "scratch"]
        guard known.contains(name) else {
            self.error(
                "'run' has no '\(name)'",
                at: reference.pathOffsets[0],
                of: site,
                hint: Suggestion.hint(for: name, among: known)
            )
            return
        }
        guard name == "scratch", reference.path.count > 1 else { return }
        let parts = ["dsn", "host", "port", "user", "database"]
        guard !parts.contains(reference.path[1]) else { return }
        self.error(
            "'run.scratch' has no '\(reference.path[1])'",
            at: reference.pathOffsets[1],
            of: site,
            hint: Suggestion.hint(for: reference.path[1], among: parts)
        )
    }

    private mutating func checkTypes(of site: ExpressionSite) {
        var types = TypeCheck(inputs: self.plan.inputs)
        let type = types.type(of: site.expression.node)
        for problem in types.problems {
            self.error(problem.message, at: problem.offset, of: site, hint: problem.hint)
        }
        guard let type else { return }
        let start = site.expression.node.offset
        if site.isCondition, type != .boolean {
            self.error(
                "\(site.context.place) must be a boolean, this is \(type.rawValue)",
                at: start,
                of: site,
                hint: "compare it, as in 'x != null'"
            )
        }
        if site.isEmbedded, [.null, .array, .object].contains(type) {
            let hint = type == .null ? "remove it" : "use toJSON(…)"
            self.error(
                "\(type.rawValue) cannot be embedded in text",
                at: start,
                of: site,
                hint: hint
            )
        }
    }

    private mutating func checkUnused() {
        for (name, mark) in self.declarations.inputs where !self.usedInputs.contains(name) {
            let hint = "remove it, or read it as inputs.\(name)"
            self.log.error("input '\(name)' is never used", at: mark, hint: hint)
        }
        for (name, mark) in self.declarations.secrets where !self.usedSecrets.contains(name) {
            let hint = "remove it, or read it as secrets.\(name)"
            self.log.error("secret '\(name)' is never used", at: mark, hint: hint)
        }
        for (name, mark) in self.declarations.environment
        where !self.usedEnvironment.contains(name) {
            let hint = "remove it, or read it as env.\(name)"
            self.log.warn("variable '\(name)' is never used", at: mark, hint: hint)
        }
    }

    private mutating func unknown(
        _ what: String,
        _ name: String,
        _ known: some Collection<String>,
        _ reference: ExpressionReference,
        at site: ExpressionSite
    ) {
        self.error(
            "there is no \(what) '\(name)'",
            at: reference.pathOffsets[0],
            of: site,
            hint: known.isEmpty ? "none is declared" : Suggestion.hint(for: name, among: known)
        )
    }

    private mutating func error(
        _ message: String,
        at offset: Int,
        of site: ExpressionSite,
        hint: String? = nil
    ) {
        let mark = self.file.mark(in: site.node, at: site.offset + offset)
        self.log.error(message, at: mark, hint: hint)
    }
}
