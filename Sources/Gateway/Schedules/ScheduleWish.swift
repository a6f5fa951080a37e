// What a request says about a schedule: read strictly, laid over what is there.

import PulserIR
import StateMachines
import Store

/// What somebody wants a schedule to be; members that were not given keep what is there.
struct ScheduleWish {
    /// Bytes of a title.
    static let titleBytesMax = 256

    /// The name, the lane's session and its name, all as they shall be.
    var name: String
    var title: String
    var session: String
    var lane: String
    var priority: Int
    var settings: ScheduleSettings
    /// The plan, when one is named; `nil` keeps what is there.
    var source: PlanSource?
    /// Inputs as given; `nil` keeps what is there.
    var inputs: [String: JSONValue]?
    /// What `POST /v1/runs` says of a run, for each of them.
    var runs: ScheduledRunWish

    /// Reads the members; the caller ends the body.
    ///
    /// - Parameters:
    ///   - body: The request.
    ///   - row: What is changed; `nil` when one is made.
    init(_ body: inout JSONBody, over row: ScheduleRow?) {
        self.name = body.text("name") ?? row?.said.name ?? ""
        self.title = body.text("title") ?? row?.said.title ?? ""
        self.session = body.text("session") ?? row?.session ?? Store.defaultSession
        self.lane = body.text("lane") ?? row?.lane ?? "A"
        self.priority = LaneBody.priority(&body) ?? row?.said.priority ?? 0
        self.settings = row?.said.settings ?? ScheduleSettings(rules: [])
        if !ResourceName.isSession(self.name) {
            body.note(
                "name",
                "a schedule's name is letters, digits, '_', '.', '-', at most 64, and not a number"
            )
        }
        if self.title.utf8.count > Self.titleBytesMax {
            body.note("title", "a title has at most \(Self.titleBytesMax) bytes")
        }
        if !ResourceName.isPlain(self.session) {
            body.note("session", "this cannot name a session")
        }
        if !ResourceName.isLane(self.lane) {
            body.note("lane", "a lane's name is a text of 1 to 64 bytes without '/'")
        }
        self.inputs = body.object("inputs")
        let names = ["plan", "files", "plan_digest", "template"]
        if row == nil || names.contains(where: { body.json[$0] != nil && body.json[$0] != .null }) {
            self.source = PlanSource(&body)
        }
        self.runs = ScheduledRunWish(&body, over: row?.said)
        self.readTimes(&body, isNew: row == nil)
        self.readPolicies(&body)
        if self.runs.unique != nil, self.settings.overlap == .cancel {
            body.note(
                "overlap",
                "a run that is cancelled has its unique key until it has ended, so the tick would get none",
                hint: "say overlap 'queue' with on_conflict 'replace', or leave 'unique' out"
            )
        }
    }

    private mutating func readTimes(_ body: inout JSONBody, isNew: Bool) {
        if let values = body.array("rules") {
            self.settings.rules = values.compactMap(\.stringValue)
            if values.count != self.settings.rules.count {
                body.note("rules", "every rule is a text")
            }
        } else if isNew {
            body.note(
                "rules",
                "say when it ticks",
                hint: "a list of cron expressions, or intervals such as 'every 10m'"
            )
        }
        for (place, text) in self.settings.rules.enumerated() {
            do throws(ScheduleError) {
                _ = try ScheduleRule(text)
            } catch {
                body.note("rules/\(place)", "'\(text.prefix(80))': \(error)")
            }
        }
        if let zone = body.text("zone") { self.settings.zone = zone }
        if let anchor = Self.moment("anchor", &body) { self.settings.anchor = anchor ?? 0 }
        if let start = Self.moment("start", &body) { self.settings.start = start }
        if let end = Self.moment("end", &body) { self.settings.end = end }
    }

    private mutating func readPolicies(_ body: inout JSONBody) {
        if let jitter = body.integer("jitter_ms") { self.settings.jitterMilliseconds = jitter }
        if let policy = Self.choice("misfire", MisfirePolicy.self, &body) {
            self.settings.misfire = policy
        }
        if let window = body.integer("catch_up_ms") { self.settings.catchUpMilliseconds = window }
        if let limit = body.integer("catch_up_max") {
            self.settings.catchUpMax = Int(clamping: limit)
        }
        if let policy = Self.choice("overlap", OverlapPolicy.self, &body) {
            self.settings.overlap = policy
        }
    }

    /// A moment in whole seconds; `.some(nil)` when it is to be none, `nil` when nothing is said.
    static func moment(_ name: String, _ body: inout JSONBody) -> Int64?? {
        let isNull = body.json[name] == .null
        guard let text = body.text(name) else { return isNull ? .some(nil) : nil }
        do throws(Problem) {
            guard let time = try RunFilterReader.time(name, text) else { return nil }
            return .some(time.flooringDivide(by: 1_000))
        } catch {
            body.note(name, error.detail, hint: "write it as 2026-11-20T12:00:00Z")
            return nil
        }
    }

    static func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String,
        _ type: Value.Type,
        _ body: inout JSONBody
    ) -> Value? where Value.RawValue == String {
        guard let text = body.text(name) else { return nil }
        let value = Value(rawValue: text)
        if value == nil {
            let known = Value.allCases.map(\.rawValue)
            body.note(
                name,
                "'\(name)' is one of \(known.joined(separator: ", "))",
                hint: Suggestion.closest(to: text, among: known).map { "did you mean '\($0)'?" }
            )
        }
        return value
    }
}
