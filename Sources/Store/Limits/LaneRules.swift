// What a lane's runs are held to beside its width.

public import PulserIR

/// Limits of a lane, and how its queue ages.
public struct LaneRules: Sendable, Hashable {
    /// Runs of one key at once; `nil`: as many as the lane is wide.
    public var keyWidth: Int?
    /// How many of its runs may begin in a time.
    public var rate: Rate?
    /// The same of each key.
    public var keyRate: Rate?
    /// Limits that it shares with other lanes, by name.
    public var limits: [String]
    /// What a level of priority is worth, in milliseconds of waiting; `nil`: more than any waiting.
    /// It counts for runs that are queued from now on. Default a minute.
    public var ageingMilliseconds: Int64?

    /// The longest that a level can be worth.
    public static let ageingMillisecondsMax: Int64 = 365 * 86_400_000
    /// Names of limits of one lane.
    public static let limitsMax = 16

    /// Rules of a lane that has none.
    public init() {
        self.limits = []
        self.ageingMilliseconds = 60_000
    }

    /// Reads what the database has.
    init(stored text: String) throws(StoreError) {
        guard let values = (try? JSONValue(parsing: text))?.arrayValue, values.count == 9 else {
            throw StoreError(.corrupt, "a lane's rules cannot be read")
        }
        func rate(_ at: Int) -> Rate? {
            guard let count = values[at].integerValue, let time = values[at + 1].integerValue,
                let burst = values[at + 2].integerValue
            else { return nil }
            return Rate(count: count, milliseconds: time, burst: burst)
        }
        self.keyWidth = values[0].integerValue.map { Int($0) }
        self.rate = rate(1)
        self.keyRate = rate(4)
        self.ageingMilliseconds = values[7].integerValue
        self.limits = (values[8].arrayValue ?? []).compactMap(\.stringValue)
    }

    /// As the database reads them.
    var stored: String {
        func rate(_ rate: Rate?) -> [JSONValue] {
            guard let rate else { return [.null, .null, .null] }
            return [.integer(rate.count), .integer(rate.milliseconds), .integer(rate.burst)]
        }
        let values =
            [self.keyWidth.map { JSONValue.integer(Int64($0)) } ?? .null] + rate(self.rate)
            + rate(self.keyRate) + [
                self.ageingMilliseconds.map { .integer($0) } ?? .null,
                .array(self.limits.map { .string($0) }),
            ]
        return JSONValue.array(values).canonicalText
    }
}

/// A limit that lanes share.
public struct NamedLimit: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// How many runs may begin in a time, in all lanes that name it together.
    public var rate: Rate
    /// How long until one may.
    public var waitMilliseconds: Int64
    /// How many lanes name it.
    public var lanes: Int64
}

/// How long a lane waits for a rate.
public struct LaneWait: Sendable, Hashable {
    /// What it waits for.
    public enum Scope: String, Sendable, Hashable {
        /// Its own rate.
        case lane
        /// A limit that it shares.
        case limit
        /// The rate of the key that is open next.
        case key
    }

    /// What it waits for.
    public var scope: Scope
    /// The limit's or the key's name; empty for the lane's own rate.
    public var name: String
    /// For how long; zero when something can be taken.
    public var time: Duration
}
