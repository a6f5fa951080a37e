// How a command line says that a run is to be the only one of its kind.

import ArgumentParser
import PulserIR
import Store

struct UniqueOptions: ParsableArguments {
    /// Where there is one of a kind.
    enum Scope: String, ExpressibleByArgument, CaseIterable {
        case lane
        case session
    }

    /// What becomes of another one.
    enum Conflict: String, ExpressibleByArgument, CaseIterable {
        case reject
        case replace
        case join
        case debounce
    }

    @Option(
        name: .customLong("unique"),
        help: ArgumentHelp(
            "Only one run of this key at a time; 'same' means of this plan with these inputs.",
            valueName: "key"
        )
    )
    var key: String?
    @Option(
        name: .customLong("unique-in"),
        help: "Where: in the lane, or in the whole session."
    )
    var scope = Scope.lane
    @Option(
        name: .customLong("unique-for"),
        help: ArgumentHelp(
            "For so long from now on, whatever becomes of it; else until it has ended.",
            valueName: "duration"
        )
    )
    var period: DurationOption?
    @Option(
        name: .customLong("on-conflict"),
        help: "When there is one: reject this, replace what nobody has begun, join it, or debounce."
    )
    var conflict = Conflict.reject
    @Option(
        name: .customLong("debounce-max"),
        help: ArgumentHelp(
            "How long debounce puts it off in all. Default 1h.",
            valueName: "duration"
        )
    )
    var debounce: DurationOption?

    /// What was asked for; `nil` when nothing was.
    var value: Uniqueness? {
        guard let key else { return nil }
        return Uniqueness(
            key: key == "same" ? "" : key,
            scope: Uniqueness.Scope(rawValue: self.scope.rawValue) ?? .lane,
            periodMilliseconds: self.period?.milliseconds,
            onConflict: Uniqueness.Conflict(rawValue: self.conflict.rawValue) ?? .reject,
            debounceMilliseconds: self.debounce?.milliseconds ?? 3_600_000
        )
    }

    /// - Parameters:
    ///   - delayMilliseconds: How long the run is to wait.
    ///   - isWhole: Whether that is all that is said of it, not a change of what is there.
    /// - Throws: What does not fit together.
    func check(delayMilliseconds: Int64, isWhole: Bool = true) throws {
        guard let key else {
            guard self.period == nil, self.conflict == .reject, self.debounce == nil,
                self.scope == .lane
            else { throw ValidationError("say --unique KEY, or --unique same") }
            return
        }
        guard (1...Uniqueness.keyBytesMax).contains(key.utf8.count) else {
            throw ValidationError("--unique takes 1 to \(Uniqueness.keyBytesMax) bytes")
        }
        if isWhole, self.conflict == .debounce, delayMilliseconds == 0 {
            throw ValidationError("--on-conflict debounce needs --delay, such as 30s")
        }
        let most = Uniqueness.periodMillisecondsMax
        if let period, !(1...most).contains(period.milliseconds) {
            throw ValidationError("--unique-for is from 1ms to 30d")
        }
    }

    /// As the API takes it.
    static func json(_ unique: Uniqueness) -> JSONValue {
        var members: [String: JSONValue] = [
            "scope": .string(unique.scope.rawValue),
            "on_conflict": .string(unique.onConflict.rawValue),
            "debounce_max_ms": .integer(unique.debounceMilliseconds),
        ]
        if !unique.key.isEmpty { members["key"] = .string(unique.key) }
        members["for_ms"] = unique.periodMilliseconds.map { .integer($0) }
        return .object(members)
    }
}
