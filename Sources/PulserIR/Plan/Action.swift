// What a step can do: exactly one tool call or one action of the room itself.

/// What a step does.
public indirect enum Action: Codable, Sendable, Hashable {
    /// Runs a program.
    case shell(ShellAction)
    /// Sends one HTTP request.
    case http(HTTPAction)
    /// Runs one SQL statement.
    case sql(SQLAction)
    /// Waits; `0` does nothing at all.
    case sleep(milliseconds: Int64)
    /// Does one action for each item of a list, or has a run do it.
    case fanOut(FanOutAction)
    /// Runs another plan and waits for its end.
    case run(ChildRunAction)
    /// Waits for a signal or for people's decisions.
    case wait(WaitAction)

    /// The word for this kind of action in plans, events and errors.
    public var kind: String {
        switch self {
        case .shell: "shell"
        case .http: "http"
        case .sql: "sql"
        case .sleep: "sleep"
        case .fanOut: "fan_out"
        case .run: "run"
        case .wait(let wait): wait.kind
        }
    }
}

/// A program to run: never through a shell, so nothing is ever quoted.
public struct ShellAction: Codable, Sendable, Hashable {
    /// The program and its arguments; each becomes exactly one argument.
    public var argv: [Template]
    /// Environment variables beside the clean default ones.
    public var environment: [String: Template]
    /// The working directory under the workspace; without one the workspace.
    public var directory: Template?
    /// What the program reads from standard input; without it nothing.
    public var stdin: Template?
    /// Whether the program goes on behind the step until the run ends. It is a service of the
    /// run: started again when a run resumes after a crash, stopped with it.
    public var background: Bool

    /// Makes a shell action.
    public init(
        argv: [Template],
        environment: [String: Template] = [:],
        directory: Template? = nil,
        stdin: Template? = nil,
        background: Bool = false
    ) {
        self.argv = argv
        self.environment = environment
        self.directory = directory
        self.stdin = stdin
        self.background = background
    }
}

/// One HTTP request.
public struct HTTPAction: Codable, Sendable, Hashable {
    /// What is sent.
    public enum Body: Codable, Sendable, Hashable {
        /// A JSON document, with its content type.
        case json(Template)
        /// Text as it is.
        case raw(Template)
    }

    /// The method, upper case. Default GET.
    public var method: String
    /// The address; expressions in it are percent-encoded by position.
    public var url: Template
    /// Header fields.
    public var headers: [String: Template]
    /// The body.
    public var body: Body?
    /// How many redirects are followed. Default 0.
    public var redirectsMax: Int

    /// Makes an HTTP action.
    public init(
        method: String = "GET",
        url: Template,
        headers: [String: Template] = [:],
        body: Body? = nil,
        redirectsMax: Int = 0
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.redirectsMax = redirectsMax
    }
}

/// One SQL statement with bound parameters.
public struct SQLAction: Codable, Sendable, Hashable {
    /// Where: the name of a secret, `scratch` (a database of the run's own), or an expression.
    public enum Database: Codable, Sendable, Hashable {
        /// The value of this secret.
        case secret(String)
        /// A database made for this run and dropped after it.
        case scratch
        /// What this template yields.
        case expression(Template)
    }

    /// The database.
    public var database: Database
    /// The statement, `:name` for each parameter; `nil` when it is read from `file`.
    public var query: String?
    /// A file under the workspace that holds the statement.
    public var file: Template?
    /// Values for the parameters, bound, never put into the text.
    public var parameters: [String: Template]
    /// Whether a file of several statements runs in one transaction. Default true.
    public var transaction: Bool

    /// Makes an SQL action.
    public init(
        database: Database,
        query: String? = nil,
        file: Template? = nil,
        parameters: [String: Template] = [:],
        transaction: Bool = true
    ) {
        self.database = database
        self.query = query
        self.file = file
        self.parameters = parameters
        self.transaction = transaction
    }
}

/// One action for each item of a list.
public struct FanOutAction: Codable, Sendable, Hashable {
    /// The list.
    public var over: Template
    /// Items at once. Default 8.
    public var maxParallel: Int
    /// The action; its expressions read the item as `item`.
    public var action: Action
    /// What must be true after each item. Empty means the tool's default verifier.
    public var verify: [Verifier]

    /// Whether each item is a run of another plan.
    public var runsPlan: Bool { if case .run = self.action { true } else { false } }

    /// Makes a fan-out.
    public init(over: Template, maxParallel: Int = 8, action: Action, verify: [Verifier] = []) {
        self.over = over
        self.maxParallel = maxParallel
        self.action = action
        self.verify = verify
    }
}

/// Another plan to run as a child.
public struct ChildRunAction: Codable, Sendable, Hashable {
    /// The child plan's digest; the compiler puts it here for a `plan:` path.
    public var planDigest: String
    /// The child plan's name, for people.
    public var planName: String
    /// The child's inputs.
    public var inputs: [String: Template]

    /// Makes a child run.
    public init(planDigest: String, planName: String, inputs: [String: Template] = [:]) {
        self.planDigest = planDigest
        self.planName = planName
        self.inputs = inputs
    }
}
