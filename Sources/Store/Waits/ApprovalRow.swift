// What is stored of a step that waits for people, and of what they decide.

public import PulserIR

/// What a step asks people for.
public struct ApprovalQuestion: Sendable, Hashable {
    /// The step.
    public var step: String
    /// How many must approve.
    public var needed: Int
    /// Groups whose members may decide.
    public var groups: [String]
    /// People who may decide beside them.
    public var users: [String]
    /// Whether whoever started the run may decide.
    public var allowsSelf: Bool
    /// What people are asked.
    public var message: String
    /// The form as JSON Schema; `nil` for none.
    public var form: String?
    /// How long it waits, in milliseconds; `nil` for no end.
    public var timeoutMilliseconds: Int64?

    /// Describes a question.
    public init(
        step: String,
        needed: Int,
        groups: [String] = [],
        users: [String] = [],
        allowsSelf: Bool = true,
        message: String = "",
        form: String? = nil,
        timeoutMilliseconds: Int64? = nil
    ) {
        self.step = step
        self.needed = needed
        self.groups = groups
        self.users = users
        self.allowsSelf = allowsSelf
        self.message = message
        self.form = form
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// A step that waits for people, as lists show it.
public struct ApprovalRow: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// What its step asks.
    public var question: ApprovalQuestion
    /// Since when, in milliseconds since 1970.
    public var askedMilliseconds: Int64
    /// When its time is over; `nil` for never.
    public var expiresMilliseconds: Int64?
    /// The same in microseconds: its place in the list.
    public var askedMicroseconds: Int64
    /// The run's plan.
    public var plan: String
    /// The run's session.
    public var session: String
    /// The run's lane.
    public var lane: String
    /// Who started the run, or the one it is a part of; `nil` when nobody knows.
    public var startedBy: String?
    /// Who has approved, in their order.
    public var approvedBy: [String]
}

/// A decision that is on record.
public struct DecisionRow: Sendable, Hashable {
    /// Who decided.
    public var person: String
    /// Approved; else rejected.
    public var isApproval: Bool
    /// What was filled in, canonical JSON.
    public var form: String
    /// What was said to it.
    public var comment: String
    /// When, in milliseconds since 1970.
    public var atMilliseconds: Int64
}

/// A decision to be stored.
public struct NewDecision: Sendable, Hashable {
    /// The run.
    public var run: RunID
    /// How often the run that was looked at had been started by hand, from 1.
    public var attempt: Int
    /// The step that asks, or will.
    public var step: String
    /// How many approvals decide.
    public var needed: Int
    /// Who decides.
    public var person: String
    /// Approves; else rejects.
    public var isApproval: Bool
    /// What is filled in, canonical JSON.
    public var form: String
    /// What is said to it.
    public var comment: String

    /// Describes a decision.
    public init(
        run: RunID,
        attempt: Int,
        step: String,
        needed: Int,
        person: String,
        isApproval: Bool,
        form: String = "{}",
        comment: String = ""
    ) {
        self.run = run
        self.attempt = attempt
        self.step = step
        self.needed = needed
        self.person = person
        self.isApproval = isApproval
        self.form = form
        self.comment = comment
    }
}

/// What became of a decision.
public enum DecisionOutcome: Sendable, Hashable {
    /// It counts.
    case stored
    /// The person had decided so before.
    case repeated
    /// The person had decided otherwise before.
    case changedMind
    /// It was decided already, or its time was over.
    case tooLate
    /// The run has ended, or was started again since it was looked at.
    case runEnded
}

/// What a step finds that waits for people.
public struct ApprovalLook: Sendable, Hashable {
    /// The decisions, in their order.
    public var decisions: [DecisionRow]
    /// How long is left, in milliseconds by the database's clock; `nil` for no end.
    public var leftMilliseconds: Int64?
    /// When its time is over, in milliseconds since 1970.
    public var expiresMilliseconds: Int64?
}
