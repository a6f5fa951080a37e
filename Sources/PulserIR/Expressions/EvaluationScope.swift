// What an expression can see: the roots `inputs steps outputs result run secrets env item`.

/// The values an expression is evaluated against.
public struct EvaluationScope: Sendable {
    /// What an expression sees of another step.
    public struct StepView: Sendable, Hashable {
        /// `succeeded`, `failed`, `skipped` or `cancelled`.
        public var status: String
        /// The step's outputs.
        public var outputs: [String: JSONValue]
        /// The tool's result; null for a skipped step.
        public var result: JSONValue

        /// Makes a view.
        public init(status: String, outputs: [String: JSONValue] = [:], result: JSONValue = .null) {
            self.status = status
            self.outputs = outputs
            self.result = result
        }
    }

    /// `inputs.<name>`.
    public var inputs: [String: JSONValue]
    /// `steps.<id>.…`.
    public var steps: [String: StepView]
    /// `outputs.<name>`: the current step's own outputs, seen by its verifiers.
    public var outputs: [String: JSONValue]
    /// `result`: what the current step's tool gave; `nil` before it ran.
    public var result: JSONValue?
    /// `run`: `{id, workspace, session, lane, plan, attempt, scratch{dsn, host, port, user, database}}`.
    public var run: JSONValue
    /// `secrets.<name>`; whatever is made of one is tainted.
    public var secrets: [String: String]
    /// `env.<name>`, only allow-listed names.
    public var environment: [String: String]
    /// `item` inside a fan-out.
    public var item: JSONValue?
    /// What `success()` answers: every needed step succeeded or was skipped by its own `if`.
    public var success: Bool
    /// What `failure()` answers: some step of the run failed.
    public var failure: Bool

    /// Makes a scope; what is left out is empty.
    public init(
        inputs: [String: JSONValue] = [:],
        steps: [String: StepView] = [:],
        outputs: [String: JSONValue] = [:],
        result: JSONValue? = nil,
        run: JSONValue = .object([:]),
        secrets: [String: String] = [:],
        environment: [String: String] = [:],
        item: JSONValue? = nil,
        success: Bool = true,
        failure: Bool = false
    ) {
        self.inputs = inputs
        self.steps = steps
        self.outputs = outputs
        self.result = result
        self.run = run
        self.secrets = secrets
        self.environment = environment
        self.item = item
        self.success = success
        self.failure = failure
    }
}

/// A value and whether a secret went into it.
public struct Evaluated: Sendable, Hashable {
    /// The value.
    public var value: JSONValue
    /// Whether any part of it came from `secrets`; a tainted value may reach only environment,
    /// header, auth and DSN sinks.
    public var isTainted: Bool

    /// Makes a value.
    public init(_ value: JSONValue, isTainted: Bool = false) {
        self.value = value
        self.isTainted = isTainted
    }
}
