// What a step of a plan file may say.

internal import PulserIR

extension PlanReader {
    private static let stepKeys = [
        "id", "title", "needs", "if", "preconditions", "effects", "timeout", "retry", "outputs",
        "verify", "rollback", "artifacts", "snooze",
    ]

    mutating func readSteps(_ entry: SourceEntry?, of root: SourceNode) {
        guard let entry else {
            self.missing("steps", at: root.mark, hint: "a plan has at least one step")
            return
        }
        let items = self.items(entry)
        if case .list = entry.value.content, items.isEmpty {
            self.log.error("a plan has at least one step", at: entry.value.mark)
        }
        guard items.count <= Limits.planStepsMax else {
            self.log.error(
                "\(items.count) steps, a plan has at most \(Limits.planStepsMax)",
                at: items[Limits.planStepsMax].mark,
                hint: "use fan_out for lists, and child plans"
            )
            return
        }
        for item in items {
            guard let step = self.step(item) else { continue }
            self.plan.steps.append(step)
        }
    }

    private mutating func step(_ node: SourceNode) -> Step? {
        let keys = Self.stepKeys + Self.actionKeys
        let fields = self.fields(of: node, "a step", keys, Self.unsupportedStepKeys)
        guard let fields else { return nil }
        var source = StepSource(mark: node.mark, needs: [])
        var id = ""
        if let entry = fields["id"] {
            source.mark = entry.value.mark
            id = self.name(entry.value, "a step's id") ?? ""
        } else {
            self.missing("id", at: node.mark, hint: "every step has an id of its own")
        }
        let context = ExpressionContext(place: "a value", step: id)
        var step = Step(id: id, action: .sleep(milliseconds: 0))
        step.title = self.literalText(fields["title"])
        var needed: Set<String> = []
        for item in self.items(fields["needs"]) {
            guard let name = self.name(item, "a step's id") else { continue }
            if !needed.insert(name).inserted {
                self.log.error("step '\(name)' is needed twice", at: item.mark)
            } else {
                step.needs.append(name)
                source.needs.append((name, item.mark))
            }
        }
        step.condition = self.condition(fields["if"], in: context.at("'if'"))
        let reading = self.action(in: fields, of: node, context: context)
        step.action = reading?.action ?? step.action
        self.readEffects(fields["effects"], of: reading, into: &step)
        step.timeoutMilliseconds =
            self.duration(fields["timeout"])
            ?? step.action.timeoutMilliseconds(default: self.defaults.timeoutMilliseconds)
        self.refuseTimeout(fields["timeout"], of: step.action)
        self.compareToRun(step.action, at: source.mark)
        step.retry = self.retry(fields["retry"]) ?? self.defaults.retry
        step.snooze = self.snooze(fields["snooze"], of: step.action)
        let after = context.afterwards(outputs: false)
        step.outputs = self.outputs(fields["outputs"], in: after.at("an output"))
        self.readProofs(fields, kind: reading?.action, context: context, into: &step)
        self.stepSources.append(source)
        return step
    }

    /// Verifiers, rollback and artifacts.
    private mutating func readProofs(
        _ fields: Fields,
        kind: Action?,
        context: ExpressionContext,
        into step: inout Step
    ) {
        var ids: Set<String> = []
        step.preconditions = self.verifiers(
            fields["preconditions"],
            after: nil,
            context: context,
            ids: &ids
        )
        step.verify = self.verifiers(
            fields["verify"],
            after: kind,
            context: context.afterwards(outputs: true),
            ids: &ids
        )
        for item in self.items(fields["rollback"]) {
            if let action = self.rollback(item, context: context) { step.rollback.append(action) }
        }
        for item in self.items(fields["artifacts"]) {
            if let artifact = self.artifact(item, context: context) {
                step.artifacts.append(artifact)
            }
        }
    }

    private mutating func readEffects(
        _ entry: SourceEntry?,
        of reading: ActionReading?,
        into step: inout Step
    ) {
        step.effects = reading?.effects ?? .destructive
        guard let entry, let effects = self.choice(entry, Effects.self) else { return }
        if case .shell(let shell)? = reading?.action, shell.background, effects == .destructive {
            self.log.error(
                "a background program must be idempotent or have no effects",
                at: entry.value.mark,
                hint: "it is started again when a run resumes after a crash"
            )
        }
        step.effects = effects
    }

    private mutating func rollback(
        _ node: SourceNode,
        context: ExpressionContext
    ) -> RollbackAction? {
        let unsupported = Self.unsupportedStepKeys.merging(
            ["system": "system actions in a rollback"],
            uniquingKeysWith: { first, _ in first }
        )
        let keys = ["shell", "http", "sql", "verify", "timeout", "retry"]
        guard let fields = self.fields(of: node, "a rollback action", keys, unsupported) else {
            return nil
        }
        var context = context
        context.seesOutputs = true
        guard let reading = self.action(in: fields, of: node, context: context) else { return nil }
        var ids: Set<String> = []
        return RollbackAction(
            action: reading.action,
            verify: self.verifiers(
                fields["verify"],
                after: reading.action,
                context: context.afterwards(outputs: true),
                ids: &ids
            ),
            timeoutMilliseconds: self.duration(fields["timeout"])
                ?? self.defaults.timeoutMilliseconds,
            retry: self.retry(fields["retry"])
        )
    }

    private mutating func artifact(
        _ node: SourceNode,
        context: ExpressionContext
    ) -> ArtifactDeclaration? {
        let fields = self.fields(of: node, "an artifact", ["file", "name", "type"])
        guard let fields else { return nil }
        guard let file = fields["file"] else {
            self.missing("file", at: node.mark, hint: "a path under the workspace")
            return nil
        }
        var context = context.at("an artifact's file")
        context.seesOutputs = true
        guard let template = self.textTemplate(file, in: context) else { return nil }
        return ArtifactDeclaration(
            file: template,
            name: self.literalText(fields["name"]),
            mediaType: self.literalText(fields["type"])
        )
    }
}

extension Action {
    /// The time for one attempt of a step that names none: what only waits has its own length.
    fileprivate func timeoutMilliseconds(default fallback: Int64) -> Int64 {
        switch self {
        case .sleep(let milliseconds): milliseconds + fallback
        case .run: max(fallback, 86_400_000)
        case .fanOut(let fan): fan.action.timeoutMilliseconds(default: fallback)
        case .shell, .http, .sql, .wait: fallback
        }
    }
}
