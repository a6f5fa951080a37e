// What makes a run the only one of its kind, and what becomes of a second one.

public import PulserIR

/// A run that no second one of its kind may stand beside.
public struct Uniqueness: Sendable, Hashable {
    /// Where there is one of a kind.
    public enum Scope: String, Sendable, Hashable, CaseIterable {
        /// In each lane.
        case lane
        /// In each session, whatever the lane.
        case session
    }

    /// What becomes of a run whose key is taken.
    public enum Conflict: String, Sendable, Hashable, CaseIterable {
        /// It is refused; the other one is named.
        case reject
        /// The other one gets its plan, inputs, lane, priority, key, deadlines and time, if nobody has
        /// claimed it, and loses what was decided about it and sent to it; else the new one is refused.
        case replace
        /// The other one is the answer.
        case join
        /// As `replace`, and the other one begins a delay after this moment, but no later than
        /// ``Uniqueness/debounceMilliseconds`` after the key was taken.
        case debounce
    }

    /// Bytes of a key.
    public static let keyBytesMax = 255
    /// The longest time for which a key is taken: 30 days.
    public static let periodMillisecondsMax: Int64 = 2_592_000_000

    /// What runs of the kind have in common.
    public var key: String
    /// Where there is one of them. Default lane.
    public var scope: Scope
    /// For how long the key is taken from the enqueuing on, whatever becomes of the run; `nil`, the
    /// default, means until it has ended.
    public var periodMilliseconds: Int64?
    /// What becomes of another one. Default reject.
    public var onConflict: Conflict
    /// How long a run may be put off in all. Default an hour.
    public var debounceMilliseconds: Int64

    /// Describes a kind of runs.
    public init(
        key: String,
        scope: Scope = .lane,
        periodMilliseconds: Int64? = nil,
        onConflict: Conflict = .reject,
        debounceMilliseconds: Int64 = 3_600_000
    ) {
        self.key = key
        self.scope = scope
        self.periodMilliseconds = periodMilliseconds
        self.onConflict = onConflict
        self.debounceMilliseconds = debounceMilliseconds
    }

    /// The same, with the key that it has when none was given: made of what the run does.
    ///
    /// - Parameters:
    ///   - plan: The run's plan.
    ///   - inputs: All its inputs, defaults filled in.
    /// - Returns: The same kind of runs, with a key.
    public func named(plan: Digest, inputs: JSONValue) -> Uniqueness {
        guard self.key.isEmpty else { return self }
        var named = self
        let same = JSONValue.object(["plan": .string(plan.description), "inputs": inputs])
        named.key = Digest(of: same.canonicalBytes).description
        return named
    }

    /// What a run that was stored says of itself.
    ///
    /// - Parameters:
    ///   - stored: The key with its scope.
    ///   - period: For how long it is taken.
    init?(stored: String?, period: Int64?) {
        guard let stored, let colon = stored.firstIndex(of: ":") else { return nil }
        self.init(
            key: String(stored[stored.index(after: colon)...]),
            scope: stored.hasPrefix("s") ? .session : .lane,
            periodMilliseconds: period
        )
    }
}

/// What became of a run that was asked for.
public enum StartOutcome: String, Sendable, Hashable, CaseIterable {
    /// It was made.
    case made
    /// An earlier request with the same idempotency key made it.
    case replayed
    /// Another one with its unique key is the answer.
    case joined
    /// Another one with its unique key became what was asked for.
    case replaced
    /// The same, and it begins later.
    case debounced
    /// Nothing was done: another one has its unique key.
    case held
}
