// What a request says about a lane's settings: read strictly, laid over what is there.

public import PulserIR
public import Store

/// Where settings of lanes are changed. The API and the command line both come here.
public struct LaneDesk: Sendable {
    private let store: Store

    /// Opens the desk over a store.
    public init(_ store: Store) { self.store = store }

    /// How often a change is tried again that another editor was faster than.
    private static let triesMax = 5

    /// Changes a lane; what is not named stays, and null takes a limit away.
    ///
    /// - Parameters:
    ///   - lane: The lane as it was read.
    ///   - settings: The body of `PATCH /v1/sessions/{id}/lanes/{lane}`.
    ///   - isExpected: Whether the lane must still be as it was read. Default no.
    /// - Returns: The lane as it is now.
    /// - Throws: `Problem` for what does not fit, or what the store threw.
    public func change(
        _ lane: LaneRow,
        _ settings: JSONValue,
        isExpected: Bool = false
    ) async throws -> LaneRow {
        var lane = lane
        for attempt in 1...Self.triesMax {
            var body = try JSONBody(settings)
            let width = LaneBody.width(&body)
            let priority = LaneBody.priority(&body)
            let worker = LaneBody.worker(&body)
            let rules = Self.rules(&body, over: lane.rules)
            try body.finish()
            let isChanged = rules != lane.rules
            do {
                return try await self.store.updateLane(
                    lane.id,
                    width: width,
                    priority: priority,
                    worker: worker,
                    rules: isChanged ? rules : nil,
                    expected: isExpected || isChanged ? lane : nil
                )
            } catch {
                // The bounds were checked above: what is in the way is another editor.
                guard error.code == .conflict else { throw error }
                guard !isExpected, attempt < Self.triesMax,
                    let now = try await self.store.loadLanes([lane.id]).first
                else { throw Problem.edited }
                lane = now
            }
        }
        throw Problem.edited
    }

    private static func rules(_ body: inout JSONBody, over known: LaneRules) -> LaneRules {
        var rules = known
        if let width = Self.given("key_width", &body, { $0.integer("key_width") }) {
            if let width, !(1...Int64(Store.widthMax)).contains(width) {
                body.note("key_width", "a key's width is from 1 to \(Store.widthMax), or null")
            }
            rules.keyWidth = width.map { Int(clamping: $0) }
        }
        if let rate = Self.rate("rate", &body) { rules.rate = rate }
        if let rate = Self.rate("key_rate", &body) { rules.keyRate = rate }
        if let ageing = Self.given("ageing_ms", &body, { $0.integer("ageing_ms") }) {
            let longest = LaneRules.ageingMillisecondsMax
            if let ageing, !(1...longest).contains(ageing) {
                body.note("ageing_ms", "ageing is from 1 to \(longest) milliseconds, or null")
            }
            rules.ageingMilliseconds = ageing
        }
        if let limits = Self.given("limits", &body, { $0.array("limits") }) {
            let names = (limits ?? []).compactMap(\.stringValue)
            if names.count != limits?.count ?? 0 || names.count > LaneRules.limitsMax
                || Set(names).count != names.count
            {
                body.note("limits", "limits are at most \(LaneRules.limitsMax) names, each once")
            }
            rules.limits = names.sorted()
        }
        return rules
    }

    private static func rate(_ name: String, _ body: inout JSONBody) -> Rate?? {
        Self.given(name, &body) { body in
            guard let text = body.text(name) else { return nil }
            if let rate = Rate(text) { return rate }
            body.note(name, "'\(text.prefix(64))' is no rate", hint: "write \(Rate.form)")
            return nil
        }
    }

    /// A member that may be null: `nil` when it is not there.
    private static func given<Value>(
        _ name: String,
        _ body: inout JSONBody,
        _ read: (inout JSONBody) -> Value?
    ) -> Value?? {
        let isThere = body.json[name] != nil
        let value = read(&body)
        return isThere ? .some(value) : nil
    }
}
