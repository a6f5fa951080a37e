// What a step can wait for from outside: a signal, or people's decisions.

/// What a step waits for.
public enum WaitAction: Codable, Sendable, Hashable {
    /// Something that anybody sends to the run.
    case signal(SignalWait)
    /// Decisions of people.
    case approval(ApprovalWait)

    /// The word for it in plans, events and errors.
    public var kind: String {
        switch self {
        case .signal: "wait_signal"
        case .approval: "approval"
        }
    }

    /// How long it waits; `nil` is as long as the run's time lasts.
    public var timeoutMilliseconds: Int64? {
        switch self {
        case .signal(let wait): wait.timeoutMilliseconds
        case .approval(let wait): wait.timeoutMilliseconds
        }
    }
}

/// A wait for one signal of a name. Signals are stored before anybody waits, and each is taken by
/// one step.
public struct SignalWait: Codable, Sendable, Hashable {
    /// What follows when nothing came in time.
    public enum Expiry: String, Codable, Sendable, Hashable, CaseIterable {
        /// The step fails; it is not tried again.
        case fail
        /// The step succeeds with ``SignalWait/fallback``.
        case `continue`
    }

    /// The signal's name; expressions in it are evaluated when the wait begins.
    public var name: Template
    /// How long it waits; `nil` is as long as the run's time lasts.
    public var timeoutMilliseconds: Int64?
    /// What follows then. Default: the step fails.
    public var onTimeout: Expiry
    /// The result when nothing came; `null` unless the plan says otherwise.
    public var fallback: JSONValue
    /// A JSON Schema that the payload must fit; a step whose signal does not fit it fails.
    public var schema: JSONValue?

    /// Makes a wait.
    public init(
        name: Template,
        timeoutMilliseconds: Int64? = nil,
        onTimeout: Expiry = .fail,
        fallback: JSONValue = .null,
        schema: JSONValue? = nil
    ) {
        self.name = name
        self.timeoutMilliseconds = timeoutMilliseconds
        self.onTimeout = onTimeout
        self.fallback = fallback
        self.schema = schema
    }
}

/// A wait for people's decisions.
public struct ApprovalWait: Codable, Sendable, Hashable {
    /// What follows when too few decided in time.
    public enum Expiry: String, Codable, Sendable, Hashable, CaseIterable {
        /// The step fails; it is not tried again.
        case fail
        /// As if enough had approved.
        case approve
        /// As if somebody had rejected it.
        case reject
    }

    /// What follows a rejection.
    public enum Rejection: String, Codable, Sendable, Hashable, CaseIterable {
        /// The step fails; it is not tried again.
        case fail
        /// The step succeeds and its result says `approved: false`.
        case `continue`
    }

    /// How many people must approve. Default 1.
    public var count: Int
    /// Who may decide: members of any of these groups.
    public var groups: [String]
    /// Who may decide beside them, by name. Without groups and users anybody who may change runs.
    public var users: [String]
    /// Whether whoever started the run may decide. Default true.
    public var allowsSelf: Bool
    /// How long it waits; `nil` is as long as the run's time lasts.
    public var timeoutMilliseconds: Int64?
    /// What follows then. Default: the step fails.
    public var onTimeout: Expiry
    /// What follows a rejection. Default: the step fails.
    public var onReject: Rejection
    /// What people are asked.
    public var message: Template?
    /// A JSON Schema of type `object` for what each approver fills in; its properties are outputs of
    /// the step.
    public var form: JSONValue?

    /// Makes a wait.
    public init(
        count: Int = 1,
        groups: [String] = [],
        users: [String] = [],
        allowsSelf: Bool = true,
        timeoutMilliseconds: Int64? = nil,
        onTimeout: Expiry = .fail,
        onReject: Rejection = .fail,
        message: Template? = nil,
        form: JSONValue? = nil
    ) {
        self.count = count
        self.groups = groups
        self.users = users
        self.allowsSelf = allowsSelf
        self.timeoutMilliseconds = timeoutMilliseconds
        self.onTimeout = onTimeout
        self.onReject = onReject
        self.message = message
        self.form = form
    }

    /// The names that the form gives to the step's outputs.
    public var formNames: [String] {
        (self.form?["properties"]?.objectValue ?? [:]).keys.sorted()
    }
}

extension Step {
    /// The outputs that other steps may read: those it declares, and those of its form.
    public var outputNames: [String] {
        guard case .wait(.approval(let wait)) = self.action else {
            return Array(self.outputs.keys)
        }
        return Array(self.outputs.keys) + wait.formNames
    }
}
