// What work is: a plan, normalised by the compiler, named by the digest of its canonical JSON.

/// A compiled plan.
///
/// Everything the plan file left out is filled in, so that two files that mean the same have one
/// digest. Durations are whole milliseconds.
public struct Plan: Codable, Sendable, Hashable {
    /// `metadata.name`: lower-case letters, digits, `-` and `_`.
    public var name: String
    /// `metadata.version`, free text.
    public var version: String?
    /// `metadata.title`, one line for people.
    public var title: String?
    /// `metadata.source`: where the plan was made from, kept as written.
    public var source: JSONValue?
    /// What a run must or may be given.
    public var inputs: [String: InputDeclaration]
    /// Names of the secrets that expressions and DSNs may use.
    public var secrets: [String]
    /// Names of the node's environment variables that expressions may read as `env.NAME`.
    public var environment: [String]
    /// Steps that may run at once. Default 8.
    public var maxParallel: Int
    /// The whole run's time, all attempts and waits included. Default 24 h.
    public var timeoutMilliseconds: Int64
    /// How often a failed run is tried. Default 3 attempts.
    public var retry: RetryPolicy
    /// Values the finished run shows.
    public var outputs: [String: Template]
    /// The steps in the order of the file.
    public var steps: [Step]

    /// Makes a plan.
    public init(
        name: String,
        version: String? = nil,
        title: String? = nil,
        source: JSONValue? = nil,
        inputs: [String: InputDeclaration] = [:],
        secrets: [String] = [],
        environment: [String] = [],
        maxParallel: Int = 8,
        timeoutMilliseconds: Int64 = 86_400_000,
        retry: RetryPolicy = .runDefault,
        outputs: [String: Template] = [:],
        steps: [Step] = []
    ) {
        self.name = name
        self.version = version
        self.title = title
        self.source = source
        self.inputs = inputs
        self.secrets = secrets
        self.environment = environment
        self.maxParallel = maxParallel
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retry = retry
        self.outputs = outputs
        self.steps = steps
    }

    /// The RFC 8785 bytes that the digest is taken of, and that the store keeps.
    ///
    /// - Throws: ``JSONError`` only when the plan holds a value JSON cannot write.
    public func canonicalBytes() throws(JSONError) -> [UInt8] {
        try JSONValue(encoding: self).canonicalBytes
    }
}

/// One declared input of a plan.
public struct InputDeclaration: Codable, Sendable, Hashable {
    /// The types an input can have.
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
        case string
        case integer
        case number
        case boolean
        case array
        case object
    }

    /// What a text means beyond being text.
    public enum Format: String, Codable, Sendable, Hashable, CaseIterable {
        /// A path on the machine of whoever starts the run; a relative one is made absolute there.
        case path
    }

    /// The type.
    public var type: Kind
    /// What the text means; only for strings.
    public var format: Format?
    /// What it is for, one line.
    public var title: String?
    /// The only values allowed, if any.
    public var allowed: [JSONValue]?
    /// The value of a run that gives none; without one the input is required.
    public var fallback: JSONValue?

    private enum CodingKeys: String, CodingKey {
        case type
        case format
        case title
        case allowed = "enum"
        case fallback = "default"
    }

    /// Declares an input.
    public init(
        type: Kind,
        format: Format? = nil,
        title: String? = nil,
        allowed: [JSONValue]? = nil,
        fallback: JSONValue? = nil
    ) {
        self.type = type
        self.format = format
        self.title = title
        self.allowed = allowed
        self.fallback = fallback
    }
}
