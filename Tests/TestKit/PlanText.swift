// How a plan is written back as a plan file, for tests that compile what they drew.

public import PulserIR

/// Writes plans of the kinds that ``RandomPlan`` draws.
public enum PlanText {
    /// The plan as a plan file in JSON, every default written out.
    public static func json(_ plan: Plan) -> String { Self.value(plan).canonicalText }

    /// The plan as a plan file in block-style YAML, every text in double quotes.
    public static func yaml(_ plan: Plan) -> String {
        var lines: [String] = []
        Self.write(Self.value(plan), indent: 0, prefix: "", to: &lines)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func value(_ plan: Plan) -> JSONValue {
        var metadata: [String: JSONValue] = ["name": .string(plan.name)]
        metadata["title"] = plan.title.map { .string($0) }
        let inputs = plan.inputs.mapValues { input -> JSONValue in
            var members: [String: JSONValue] = ["type": .string(input.type.rawValue)]
            members["default"] = input.fallback
            return .object(members)
        }
        return .object([
            "apiVersion": .string("pulser/v1"), "kind": .string("Plan"),
            "metadata": .object(metadata), "inputs": .object(inputs),
            "max_parallel": .integer(Int64(plan.maxParallel)),
            "timeout": Self.duration(plan.timeoutMilliseconds),
            "retry": Self.retry(plan.retry),
            "outputs": .object(plan.outputs.mapValues(\.source)),
            "steps": .array(plan.steps.map(Self.value)),
        ])
    }

    private static func value(_ step: Step) -> JSONValue {
        var members = Self.action(step.action)
        members["id"] = .string(step.id)
        members["title"] = step.title.map { .string($0) }
        members["needs"] = .array(step.needs.map { .string($0) })
        members["if"] = step.condition.map { .string("{{ \($0.source) }}") }
        members["effects"] = .string(step.effects.rawValue)
        members["timeout"] = Self.duration(step.timeoutMilliseconds)
        members["retry"] = step.retry.map(Self.retry)
        members["outputs"] = .object(step.outputs.mapValues(\.source))
        members["verify"] = .array(step.verify.map(Self.value))
        members["rollback"] = .array(step.rollback.map { .object(Self.action($0.action)) })
        return .object(members)
    }

    private static func action(_ action: Action) -> [String: JSONValue] {
        switch action {
        case .sleep(let milliseconds):
            return ["system": .object(["sleep": Self.duration(milliseconds)])]
        case .shell(let shell):
            return [
                "shell": .object([
                    "argv": .array(shell.argv.map(\.source)), "background": .bool(shell.background),
                ])
            ]
        case .http(let http):
            return [
                "http": .object([
                    "method": .string(http.method), "url": http.url.source,
                    "headers": .object(http.headers.mapValues(\.source)),
                ])
            ]
        case .sql(let sql):
            return [
                "sql": .object([
                    "dsn": .string("scratch"), "query": .string(sql.query ?? ""),
                    "params": .object(sql.parameters.mapValues(\.source)),
                ])
            ]
        case .fanOut(let fan):
            var members = Self.action(fan.action)
            members["over"] = fan.over.source
            members["max_parallel"] = .integer(Int64(fan.maxParallel))
            return ["system": .object(["fan_out": .object(members)])]
        case .wait(let wait): return ["system": .object([wait.kind: .object([:])])]
        case .run(let run): return ["system": .object(["run": .string(run.planName)])]
        }
    }

    private static func value(_ verifier: Verifier) -> JSONValue {
        var members: [String: JSONValue] = [
            "id": .string(verifier.id), "kind": .string(verifier.check.kind),
            "required": .bool(verifier.required),
        ]
        if case .checksum(let check) = verifier.check {
            members["file"] = check.file.source
            members["record"] = .string("sha256")
        }
        return .object(members)
    }

    private static func retry(_ policy: RetryPolicy) -> JSONValue {
        .object([
            "max_attempts": .integer(Int64(policy.maxAttempts)),
            "backoff": Self.duration(policy.backoffMilliseconds),
            "multiplier": .number(policy.multiplier), "jitter": .number(policy.jitter),
            "max_backoff": Self.duration(policy.backoffMillisecondsMax),
            "when": .array(policy.when.map { .string($0.rawValue) }),
        ])
    }

    private static func duration(_ milliseconds: Int64) -> JSONValue {
        .string(
            milliseconds % 60_000 == 0 && milliseconds > 0
                ? "\(milliseconds / 60_000)m" : "\(milliseconds)ms"
        )
    }

    private static func write(
        _ value: JSONValue,
        indent: Int,
        prefix: String,
        to lines: inout [String]
    ) {
        let space = String(repeating: " ", count: indent)
        switch value {
        case .object(let members) where !members.isEmpty:
            if !prefix.isEmpty { lines.append(prefix) }
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                Self.write(member, indent: indent + 2, prefix: "\(space)\(key):", to: &lines)
            }
        case .array(let items) where !items.isEmpty:
            lines.append(prefix)
            for item in items {
                Self.write(item, indent: indent + 2, prefix: "\(space)-", to: &lines)
            }
        default: lines.append("\(prefix) \(value.canonicalText)")
        }
    }
}
