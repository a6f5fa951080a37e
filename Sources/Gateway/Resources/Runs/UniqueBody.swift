// How a request says that a run is to be the only one of its kind.

import PulserIR
import Store

enum UniqueBody {
    static let schema = Schema.object(
        [
            "key": Schema.text, "scope": Schema.choice(Uniqueness.Scope.allCases.map(\.rawValue)),
            "for_ms": Schema.integer(1...Uniqueness.periodMillisecondsMax),
            "on_conflict": Schema.choice(Uniqueness.Conflict.allCases.map(\.rawValue)),
            "debounce_max_ms": Schema.integer(1...RunsResource.delayMillisecondsMax),
        ],
        optional: ["key", "scope", "for_ms", "on_conflict", "debounce_max_ms"]
    )
    /// As a schedule's document has it.
    static let asked = Schema.object([
        "key": Schema.optional(Schema.text), "scope": Schema.text,
        "for_ms": Schema.optional(Schema.integer), "on_conflict": Schema.text,
        "debounce_max_ms": Schema.integer,
    ])
    /// As a run's document has it.
    static let stored = Schema.object([
        "key": Schema.text, "scope": Schema.text, "for_ms": Schema.optional(Schema.integer),
    ])

    /// Reads the member `unique`.
    ///
    /// - Parameters:
    ///   - body: The request; the caller ends it.
    ///   - delay: How long the run is to wait, in milliseconds.
    /// - Returns: What was asked for, without a key when none was given; `nil` when nothing was.
    static func read(_ body: inout JSONBody, delay: Int64) -> Uniqueness? {
        let unique = Self.read(&body)
        Self.check(unique, delay: delay, &body)
        return unique
    }

    /// The same without what it asks of the delay.
    static func read(_ body: inout JSONBody) -> Uniqueness? {
        body.object("unique") { inner in
            var unique = Uniqueness(key: inner.text("key") ?? "")
            if unique.key.utf8.count > Uniqueness.keyBytesMax {
                inner.note("key", "a key has at most \(Uniqueness.keyBytesMax) bytes")
            }
            if let scope = ScheduleWish.choice("scope", Uniqueness.Scope.self, &inner) {
                unique.scope = scope
            }
            if let policy = ScheduleWish.choice("on_conflict", Uniqueness.Conflict.self, &inner) {
                unique.onConflict = policy
            }
            let period = Self.time("for_ms", Uniqueness.periodMillisecondsMax, &inner)
            unique.periodMilliseconds = period
            if let most = Self.time("debounce_max_ms", RunsResource.delayMillisecondsMax, &inner) {
                unique.debounceMilliseconds = most
            }
            return unique
        }
    }

    /// Notes a debounce without a delay.
    static func check(_ unique: Uniqueness?, delay: Int64, _ body: inout JSONBody) {
        if unique?.onConflict == .debounce, delay == 0 {
            body.note(
                "delay_ms",
                "a run that is put off by others needs a delay",
                hint: "say delay_ms: for how long nobody else may ask for it"
            )
        }
    }

    /// As a schedule's document has it: what was asked for, all of it.
    static func json(_ unique: Uniqueness) -> JSONValue {
        .object([
            "key": unique.key.isEmpty ? .null : .string(unique.key),
            "scope": .string(unique.scope.rawValue),
            "for_ms": unique.periodMilliseconds.map { .integer($0) } ?? .null,
            "on_conflict": .string(unique.onConflict.rawValue),
            "debounce_max_ms": .integer(unique.debounceMilliseconds),
        ])
    }

    private static func time(_ name: String, _ most: Int64, _ body: inout JSONBody) -> Int64? {
        guard let time = body.integer(name) else { return nil }
        if !(1...most).contains(time) {
            body.note(name, "'\(name)' is from 1 to \(most) milliseconds")
        }
        return time
    }
}
