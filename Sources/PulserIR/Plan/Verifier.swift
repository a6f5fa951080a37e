// What must be true around a step, and what was found.

/// One check before or after a step.
public struct Verifier: Codable, Sendable, Hashable {
    /// Its name, unique among the step's verifiers.
    public var id: String
    /// What is checked.
    public var check: Check
    /// Whether a failure fails the step. Default true; false warns.
    public var required: Bool
    /// Time for one try. Default 30 s.
    public var timeoutMilliseconds: Int64
    /// How often it is tried; `nil` is once.
    public var retry: RetryPolicy?

    /// Makes a verifier.
    public init(
        id: String,
        check: Check,
        required: Bool = true,
        timeoutMilliseconds: Int64 = 30_000,
        retry: RetryPolicy? = nil
    ) {
        self.id = id
        self.check = check
        self.required = required
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retry = retry
    }

    /// What a verifier checks.
    public enum Check: Codable, Sendable, Hashable {
        /// An HTTP answer. Without `request` the step's own answer is checked.
        case http(HTTPCheck)
        /// A program's exit code and output. Without a program the step's own.
        case shell(ShellCheck)
        /// Rows of a query. Without a query the step's own.
        case sql(SQLCheck)
        /// A value against a JSON Schema (2020-12).
        case jsonSchema(value: Template, schema: JSONValue)
        /// A file's SHA-256.
        case checksum(ChecksumCheck)
        /// A boolean expression.
        case custom(assert: Expression)

        /// The word for this kind of verifier.
        public var kind: String {
            switch self {
            case .http: "http"
            case .shell: "shell"
            case .sql: "sql"
            case .jsonSchema: "json_schema"
            case .checksum: "checksum"
            case .custom: "custom"
            }
        }
    }
}

/// What an HTTP answer must be.
public struct HTTPCheck: Codable, Sendable, Hashable {
    /// The request to send; `nil` checks the step's own answer.
    public var request: HTTPAction?
    /// Allowed status codes; empty means 200 to 299.
    public var statuses: [Int]
    /// Header fields and the exact values they must have.
    public var headers: [String: Template]
    /// A regular expression that must match somewhere in the body.
    public var bodyMatch: String?
    /// JSON pointers (RFC 6901) into the body and the values there.
    public var pointers: [String: Template]

    /// Makes a check.
    public init(
        request: HTTPAction? = nil,
        statuses: [Int] = [],
        headers: [String: Template] = [:],
        bodyMatch: String? = nil,
        pointers: [String: Template] = [:]
    ) {
        self.request = request
        self.statuses = statuses
        self.headers = headers
        self.bodyMatch = bodyMatch
        self.pointers = pointers
    }
}

/// What a program's end must be.
public struct ShellCheck: Codable, Sendable, Hashable {
    /// The program to run; `nil` checks the step's own result.
    public var program: ShellAction?
    /// The exit code. Default 0.
    public var exit: Int
    /// A regular expression that must match somewhere in stdout.
    public var stdoutMatch: String?

    /// Makes a check.
    public init(program: ShellAction? = nil, exit: Int = 0, stdoutMatch: String? = nil) {
        self.program = program
        self.exit = exit
        self.stdoutMatch = stdoutMatch
    }
}

/// What rows must be.
public struct SQLCheck: Codable, Sendable, Hashable {
    /// The query, always read-only; `nil` checks the step's own result.
    public var query: SQLAction?
    /// Columns and values of the first row.
    public var expect: [String: Template]
    /// The exact number of rows, if it matters.
    public var rowCount: Int?

    /// Makes a check.
    public init(query: SQLAction? = nil, expect: [String: Template] = [:], rowCount: Int? = nil) {
        self.query = query
        self.expect = expect
        self.rowCount = rowCount
    }
}

/// What a file must be.
public struct ChecksumCheck: Codable, Sendable, Hashable {
    /// The path under the workspace, or an absolute path that the plan names literally.
    public var file: Template
    /// The expected digest; `nil` only records the one found.
    public var expect: Template?

    /// Makes a check.
    public init(file: Template, expect: Template? = nil) {
        self.file = file
        self.expect = expect
    }
}

/// What a verifier found.
public struct VerifierOutcome: Codable, Sendable, Hashable {
    /// How it ended.
    public enum Result: String, Codable, Sendable, Hashable {
        case passed
        case failed
        /// Could not run: counts as a failure.
        case error
    }

    /// The verifier's id, or `default` for the tool's own check.
    public var id: String
    /// The kind of check.
    public var kind: String
    /// Whether a failure fails the step.
    public var required: Bool
    /// How it ended.
    public var result: Result
    /// What was expected, for people.
    public var expected: String
    /// What was found, for people.
    public var observed: String

    /// Records an outcome.
    public init(
        id: String,
        kind: String,
        required: Bool,
        result: Result,
        expected: String,
        observed: String
    ) {
        self.id = id
        self.kind = kind
        self.required = required
        self.result = result
        self.expected = expected
        self.observed = observed
    }

    /// Whether this outcome lets the step succeed.
    public var holds: Bool { self.result == .passed || !self.required }
}
