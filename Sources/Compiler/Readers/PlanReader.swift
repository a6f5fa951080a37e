// What the top level of a plan file may say.

internal import PulserIR

/// Reads one plan file's tree into a ``Plan``, noting every finding on the way.
///
/// Reading goes on behind errors with stand-ins, so that one run of the compiler shows as many
/// findings as possible; a plan with errors is never handed out.
struct PlanReader {
    let file: SourceFile
    let children: ChildCompiler
    var log: DiagnosticLog

    /// Every expression of the file with its place and what it may see.
    var sites: [ExpressionSite] = []
    /// Where ids and needs stand, in the order of the steps.
    var stepSources: [StepSource] = []
    /// Secrets that a `dsn` names without an expression.
    var namedSecrets: Set<String> = []
    /// Plans that `run` actions name.
    var childPlans: [CompiledPlan] = []
    /// What steps get that say nothing.
    var defaults = Defaults()
    /// The plan as far as it is read.
    var plan = Plan(name: "")
    /// Where declarations stand, for those that are never used.
    var declarations = Declarations()

    /// What `defaults` says.
    struct Defaults {
        var timeoutMilliseconds: Int64 = 600_000
        var retry: RetryPolicy?
    }

    /// Where names are declared.
    struct Declarations {
        var inputs: [String: SourceMark] = [:]
        var secrets: [String: SourceMark] = [:]
        var environment: [String: SourceMark] = [:]
    }

    /// Where a step's names stand.
    struct StepSource {
        var mark: SourceMark
        var needs: [(name: String, mark: SourceMark)]
    }

    init(file: SourceFile, children: ChildCompiler, log: DiagnosticLog) {
        self.file = file
        self.children = children
        self.log = log
    }

    private static let keys = [
        "apiVersion", "kind", "metadata", "inputs", "secrets", "env", "defaults", "timeout",
        "max_parallel", "retry", "outputs", "steps",
    ]

    /// Reads the whole file.
    mutating func read(_ root: SourceNode) {
        let unsupported = ["servers": "MCP servers", "sandbox": "sandbox settings"]
        guard let fields = self.fields(of: root, "a plan", Self.keys, unsupported) else { return }
        self.expect("apiVersion", "pulser/v1", in: fields, of: root)
        self.expect("kind", "Plan", in: fields, of: root)
        self.readMetadata(fields["metadata"], of: root)
        self.readInputs(fields["inputs"])
        self.plan.secrets = self.names(fields["secrets"], "secret", into: \.secrets)
        self.plan.environment = self.names(fields["env"], "variable", into: \.environment)
        self.readDefaults(fields["defaults"])
        if let value = self.duration(fields["timeout"]) { self.plan.timeoutMilliseconds = value }
        if let value = self.maxParallel(fields["max_parallel"]) { self.plan.maxParallel = value }
        if let value = self.retry(fields["retry"]) { self.plan.retry = value }
        self.readSteps(fields["steps"], of: root)
        self.plan.outputs = self.templates(
            fields["outputs"],
            in: ExpressionContext(place: "a plan output")
        )
    }

    private mutating func expect(
        _ key: String,
        _ value: String,
        in fields: Fields,
        of root: SourceNode
    ) {
        guard let entry = fields[key] else {
            self.log.error("'\(key)' is missing", at: root.mark, hint: "write '\(key): \(value)'")
            return
        }
        guard entry.value.text != value else { return }
        self.log.error("'\(key)' must be '\(value)'", at: entry.value.mark)
    }

    private mutating func readMetadata(_ entry: SourceEntry?, of root: SourceNode) {
        guard let entry else {
            let hint = "write 'metadata: {name: my-plan}'"
            self.log.error("'metadata' is missing", at: root.mark, hint: hint)
            return
        }
        let keys = ["name", "version", "title", "source"]
        guard let fields = self.fields(of: entry.value, "metadata", keys) else { return }
        if let name = fields["name"] {
            self.plan.name = self.name(name.value, "a plan's name") ?? "plan"
        } else {
            self.log.error("'name' is missing", at: entry.value.mark, hint: "plans have a name")
        }
        self.plan.version = self.literalText(fields["version"])
        self.plan.title = self.literalText(fields["title"])
        if let source = fields["source"]?.value.json, source != .null { self.plan.source = source }
    }

    private mutating func names(
        _ entry: SourceEntry?,
        _ what: String,
        into places: WritableKeyPath<Declarations, [String: SourceMark]>
    ) -> [String] {
        var names: [String] = []
        for item in self.items(entry) {
            guard let name = self.name(item, "a \(what)'s name") else { continue }
            if name == "scratch", what == "secret" {
                self.log.error(
                    "no secret can be called 'scratch'",
                    at: item.mark,
                    hint: "'dsn: scratch' is the run's own database"
                )
            }
            if self.declarations[keyPath: places].updateValue(item.mark, forKey: name) != nil {
                self.log.error("\(what) '\(name)' is listed twice", at: item.mark)
            } else {
                names.append(name)
            }
        }
        return names
    }

    private mutating func readDefaults(_ entry: SourceEntry?) {
        guard let entry else { return }
        let fields = self.fields(
            of: entry.value,
            "defaults",
            ["timeout", "retry", "max_parallel"],
            ["sandbox": "sandbox settings", "effects": "default effects"]
        )
        guard let fields else { return }
        if let value = self.duration(fields["timeout"]) {
            self.defaults.timeoutMilliseconds = value
        }
        self.defaults.retry = self.retry(fields["retry"])
        if let value = self.maxParallel(fields["max_parallel"]) { self.plan.maxParallel = value }
    }

    private mutating func maxParallel(_ entry: SourceEntry?) -> Int? {
        self.integer(entry, in: 1...Limits.maxParallelMax)
    }
}
