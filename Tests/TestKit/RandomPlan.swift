// Which plans property tests run: valid ones with any shape of graph, brought back by their seed.

public import PulserIR

/// A valid plan drawn from a seed: a random graph of steps of every kind, with conditions, retries,
/// verifiers, outputs and rollbacks.
public struct RandomPlan: Sendable {
    /// What the plan was drawn from; print it when a test fails.
    public let seed: UInt64
    /// The plan, as the compiler would normalise it.
    public let plan: Plan

    /// Draws a plan of 1 to `stepsMax` steps.
    public init(seed: UInt64, stepsMax: Int = 12) {
        var draw = PlanDraw(seed: seed)
        self.seed = seed
        self.plan = draw.plan(stepsMax: stepsMax)
    }
}

/// Draws the parts of a plan.
private struct PlanDraw {
    var generator: SeededGenerator
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        self.generator = SeededGenerator(seed: seed)
    }

    mutating func plan(stepsMax: Int) -> Plan {
        var plan = Plan(name: "random-\(self.seed)")
        plan.inputs["who"] = InputDeclaration(type: .string, fallback: .string("yes"))
        plan.maxParallel = Int.random(in: 1...8, using: &self.generator)
        plan.timeoutMilliseconds = Int64.random(in: 1...100, using: &self.generator) * 60_000
        if self.generator.chance(50) { plan.retry = self.retry() }
        if self.generator.chance(30) {
            plan.title = self.generator.pick(["no", "1.0", "a: b # c"])
        }
        let count = Int.random(in: 1...stepsMax, using: &self.generator)
        for index in 0..<count { plan.steps.append(self.step(index, after: plan.steps)) }
        // Every declared input is read somewhere.
        plan.outputs["who"] = Self.template("{{ inputs.who }}")
        return plan
    }

    private mutating func step(_ index: Int, after steps: [Step]) -> Step {
        var step = Step(id: "s\(index)", action: .sleep(milliseconds: 0), effects: .none)
        for other in steps where self.generator.chance(30) { step.needs.append(other.id) }
        step.needs.shuffle(using: &self.generator)
        self.drawAction(of: &step, after: steps)
        if self.generator.chance(30) { step.title = "step \(index)" }
        if self.generator.chance(40) { step.retry = self.retry() }
        if case .shell(let shell) = step.action, shell.background {
            step.effects = self.generator.pick([.none, .idempotent])
        } else if self.generator.chance(30) {
            step.effects = self.generator.pick(Effects.allCases)
        }
        if self.generator.chance(30) { step.timeoutMilliseconds = 1_500 }
        if let need = step.needs.first, self.generator.chance(40) {
            let texts = ["always()", "failure()", "steps.\(need).status == 'succeeded'"]
            step.condition = try? Expression(parsing: self.generator.pick(texts))
        }
        step.outputs["out"] = Self.template("{{ default(result.stdout, 'none') }}")
        if self.generator.chance(40) {
            step.verify.append(
                Verifier(
                    id: "v",
                    check: .checksum(ChecksumCheck(file: Self.template("f-{{ inputs.who }}"))),
                    required: self.generator.chance(70)
                )
            )
        }
        if self.generator.chance(25) {
            let undo = ShellAction(argv: [
                Self.template("undo"), Self.template("{{ outputs.out }}"),
            ])
            step.rollback.append(RollbackAction(action: .shell(undo)))
        }
        return step
    }

    private mutating func drawAction(of step: inout Step, after steps: [Step]) {
        switch Int.random(in: 0..<5, using: &self.generator) {
        case 0:
            let milliseconds = Int64.random(in: 0...5_000, using: &self.generator)
            step.action = .sleep(milliseconds: milliseconds)
            step.effects = .none
        case 1:
            let action = HTTPAction(
                url: Self.template("http://127.0.0.1/{{ inputs.who }}"),
                headers: ["Accept": Self.template("text/plain")]
            )
            step.action = .http(action)
            step.effects = .none
        case 2:
            let action = SQLAction(
                database: .scratch,
                query: "select :who::text as who",
                parameters: ["who": Self.template("{{ inputs.who }}")]
            )
            step.action = .sql(action)
            step.effects = .none
        case 3:
            let inner = ShellAction(argv: [Self.template("echo"), Self.template("{{ item }}")])
            let list = JSONValue.array([.string("on"), .integer(1), .null, .number(0.5)])
            let over = (try? Template(parsing: list)) ?? .literal(list)
            step.action = .fanOut(FanOutAction(over: over, maxParallel: 2, action: .shell(inner)))
            step.effects = .destructive
        default:
            var argv = [Self.template("echo"), Self.template("no")]
            if let need = step.needs.first {
                argv.append(Self.template("{{ steps.\(need).outputs.out }}"))
            }
            let background = self.generator.chance(10)
            step.action = .shell(ShellAction(argv: argv, background: background))
            step.effects = background ? .idempotent : .destructive
        }
    }

    private mutating func retry() -> RetryPolicy {
        RetryPolicy(
            maxAttempts: Int.random(in: 1...5, using: &self.generator),
            backoffMilliseconds: Int64.random(in: 0...2_000, using: &self.generator),
            multiplier: self.generator.pick([1, 1.5, 2]),
            jitter: self.generator.pick([0, 0.2, 1]),
            when: self.generator.chance(50)
                ? [] : [self.generator.pick(RetryPolicy.Failure.allCases)]
        )
    }

    private static func template(_ text: String) -> Template {
        (try? Template(parsing: .string(text))) ?? .literal(.string(text))
    }
}
