// Limits of lanes as JSON.

public import PulserIR
public import Store

/// The documents of limits.
public enum LimitDocument {
    /// A limit that lanes share.
    public static func json(_ limit: NamedLimit) -> JSONValue {
        .object([
            "name": .string(limit.name), "rate": .string(limit.rate.description),
            "wait_ms": .integer(limit.waitMilliseconds), "lanes": .integer(limit.lanes),
        ])
    }

    /// The members of a lane that its rules are.
    static func members(_ rules: LaneRules) -> [String: JSONValue] {
        [
            "key_width": rules.keyWidth.map { .integer(Int64($0)) } ?? .null,
            "rate": rules.rate.map { .string($0.description) } ?? .null,
            "key_rate": rules.keyRate.map { .string($0.description) } ?? .null,
            "ageing_ms": rules.ageingMilliseconds.map { .integer($0) } ?? .null,
            "limits": .array(rules.limits.map { .string($0) }),
        ]
    }
}
