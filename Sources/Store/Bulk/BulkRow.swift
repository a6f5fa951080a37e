// What the store tells about an action on many runs.

public import PulserIR

/// What may be done to many runs.
public enum BulkAction: String, Sendable, Hashable, CaseIterable {
    /// Ask for their end.
    case cancel
    /// Run again what did not succeed.
    case retry
    /// Hold them before their next step.
    case pause
    /// Have them go on.
    case resume
    /// Put dead letters aside.
    case discard

    /// The statuses it can do anything to.
    public var statuses: [RunStatus] {
        switch self {
        case .cancel, .pause, .resume: [.queued, .claimed, .running, .waiting]
        case .discard: RunRow.deadStatuses
        case .retry: [.failed, .cancelled, .timedOut, .succeeded, .waiting]
        }
    }
}

/// An action on many runs.
public struct BulkRow: Sendable, Hashable {
    /// Its number.
    public var id: Int64
    /// What is done.
    public var action: BulkAction
    /// Which runs were asked for, a JSON object.
    public var filter: String
    /// Why; a cancel and what puts aside keep it with each run, too.
    public var reason: String
    /// Who asked.
    public var actor: String
    /// `running`, `completed` or `cancelled`.
    public var status: String
    /// Runs it is about.
    public var total: Int64
    /// Rises when it ends.
    public var revision: Int64
    /// When it was made, in milliseconds since 1970.
    public var createdMilliseconds: Int64
    /// When it ended.
    public var endedMilliseconds: Int64?
    /// Runs it was done to.
    public var ok: Int64
    /// Runs it did not apply to.
    public var skipped: Int64
    /// Runs at which it failed.
    public var failed: Int64

    init(_ row: StoreRow) throws(StoreError) {
        guard let action = BulkAction(rawValue: try row.text(1)) else {
            throw StoreError(.corrupt, "a bulk action is of a kind this version does not know")
        }
        self.id = try row.int64(0)
        self.action = action
        self.filter = try row.text(2)
        self.reason = try row.text(3)
        self.actor = try row.text(4)
        self.status = try row.text(5)
        self.total = try row.int64(6)
        self.revision = try row.int64(7)
        self.createdMilliseconds = try row.int64(8)
        self.endedMilliseconds = try row.int64IfPresent(9)
        self.ok = try row.int64(10)
        self.skipped = try row.int64(11)
        self.failed = try row.int64(12)
    }
}

/// What came of one run.
public struct BulkItem: Sendable, Hashable {
    /// How far it is.
    public enum State: String, Sendable, Hashable, CaseIterable {
        case pending
        case ok
        case skipped
        case failed
    }

    /// The run.
    public var run: RunID
    /// How far it is.
    public var state: State
    /// Why it was skipped or failed, one sentence.
    public var reason: String?

    /// Describes a result.
    public init(run: RunID, state: State, reason: String? = nil) {
        self.run = run
        self.state = state
        self.reason = reason
    }
}

/// The right to work on an action.
public struct BulkClaim: Sendable, Hashable {
    /// The action's number.
    public var id: Int64
    /// Rises with every worker.
    public var claimNumber: Int64
    /// What is done.
    public var action: BulkAction
    /// Why.
    public var reason: String
    /// Who asked for it.
    public var actor: String
}

/// What came of asking for an action.
public struct BulkSelection: Sendable, Hashable {
    /// The action's number; `nil` when none was made.
    public var id: Int64?
    /// Runs that fit.
    public var count: BoundedCount
}
