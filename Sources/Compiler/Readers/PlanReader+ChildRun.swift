// What a step that runs another plan may say.

internal import PulserIR

extension PlanReader {
    mutating func childRun(_ entry: SourceEntry, context: ExpressionContext) -> ActionReading? {
        guard let fields = self.fields(of: entry.value, "run", ["plan", "inputs"]) else {
            return nil
        }
        let inputs = self.templates(fields["inputs"], in: context.at("a child's input"))
        guard let path = fields["plan"] else {
            self.missing("plan", at: entry.value.mark, hint: "plan: ./child.yaml")
            return nil
        }
        guard let text = self.literalText(path) else { return nil }
        let child: CompiledPlan
        do {
            child = try self.children.compile(text, namedIn: self.file.name)
        } catch {
            self.log.error(error.message, at: path.value.mark, hint: error.hint)
            self.log.add(error.diagnostics)
            return nil
        }
        if !self.childPlans.contains(where: { $0.digest == child.digest }) {
            self.childPlans.append(child)
        }
        self.checkInputs(fields["inputs"], of: child.plan, at: entry.value.mark)
        let action = ChildRunAction(
            planDigest: child.digest.description,
            planName: child.plan.name,
            inputs: inputs
        )
        // A child is found again by its key, so starting it twice is starting it once.
        return ActionReading(action: .run(action), effects: .idempotent)
    }

    private mutating func checkInputs(_ entry: SourceEntry?, of child: Plan, at mark: SourceMark) {
        var given: Set<String> = []
        for input in self.entries(entry) {
            given.insert(input.key)
            guard let declaration = child.inputs[input.key] else {
                self.log.error(
                    "plan '\(child.name)' has no input '\(input.key)'",
                    at: input.mark,
                    hint: Suggestion.hint(for: input.key, among: child.inputs.keys)
                )
                continue
            }
            if case .text(let text) = input.value.content, text.contains("{{") { continue }
            if case .map = input.value.content { continue }
            if case .list = input.value.content { continue }
            if !declaration.type.accepts(input.value.json) {
                self.log.error(
                    "input '\(input.key)' must be of type \(declaration.type.rawValue),"
                        + " not \(input.value.typeName)",
                    at: input.value.mark
                )
            }
        }
        for (name, declaration) in child.inputs.sorted(by: { $0.key < $1.key })
        where declaration.fallback == nil && !given.contains(name) {
            self.log.error(
                "plan '\(child.name)' needs the input '\(name)'",
                at: entry?.value.mark ?? mark,
                hint: "give it under 'inputs'"
            )
        }
    }
}
