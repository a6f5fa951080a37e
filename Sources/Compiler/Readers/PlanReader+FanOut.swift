// What `fan_out` may say: a list, and what is done for each of its items.

internal import PulserIR

extension PlanReader {
    mutating func fanOut(
        _ entry: SourceEntry,
        context: ExpressionContext
    ) -> ActionReading? {
        let keys = ["over", "max_parallel"] + Self.itemActionKeys + ["verify"]
        var others = Self.unsupportedStepKeys
        others["system"] = "system actions inside fan_out but 'run'"
        guard let fields = self.fields(of: entry.value, "fan_out", keys, others) else { return nil }
        var inner = context
        inner.seesItem = true
        let reading = self.action(
            in: fields,
            of: entry.value,
            context: inner,
            among: Self.itemActionKeys
        )
        guard let over = fields["over"] else {
            self.missing("over", at: entry.value.mark, hint: "over: \"{{ inputs.list }}\"")
            return nil
        }
        let list = self.template(over, in: context.at("the list"))
        switch over.value.content {
        case .list(let items) where items.count > Limits.fanOutItemsMax:
            self.log.error("more than \(Limits.fanOutItemsMax) items", at: over.value.mark)
        case .list: break
        case .text(let text) where text.contains("{{"): break
        default: self.mismatch(over, "a list or an expression")
        }
        let parallel = self.integer(fields["max_parallel"], in: 1...Limits.maxParallelMax)
        guard let reading, let list else { return nil }
        if case .shell(let shell) = reading.action, shell.background {
            self.log.error("a fan_out cannot start background programs", at: entry.value.mark)
        }
        var ids: Set<String> = []
        let verify = self.verifiers(
            fields["verify"],
            after: reading.action,
            context: inner.afterwards(outputs: false),
            ids: &ids
        )
        let action = FanOutAction(
            over: list,
            maxParallel: parallel ?? 8,
            action: reading.action,
            verify: verify
        )
        return ActionReading(action: .fanOut(action), effects: reading.effects)
    }
}
