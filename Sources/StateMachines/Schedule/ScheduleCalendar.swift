// When a schedule ticks: its rules, laid over the clocks of its time zone. Pure.

public import PulserIR

/// The ticks of a schedule, in whole seconds since 1970.
///
/// Intervals count from the anchor. What a cron expression does when clocks are turned is decided as
/// Vixie's cron does, with "every hour" where that says "wildcard":
/// - An expression whose hours are not all 24 means fixed times, and each happens once. A time that
///   the clocks leave out happens at the first moment behind the gap, together with others that
///   were left out. A time that they show twice happens the first time.
/// - An expression for every hour goes by what the clocks show: what they leave out does not happen,
///   what they show twice happens twice.
public struct ScheduleCalendar: Sendable, Hashable {
    /// When it ticks; a moment that several rules name is one tick.
    public var rules: [ScheduleRule]
    /// Whose clocks the cron expressions mean.
    public var zone: TimeZoneRules
    /// What intervals count from. Default 1970-01-01T00:00:00Z.
    public var anchor: Int64
    /// The first second with a tick; `nil` for no bound.
    public var start: Int64?
    /// The first second without one again; `nil` for no bound.
    public var end: Int64?

    /// Lays rules over a zone.
    public init(
        _ rules: [ScheduleRule],
        zone: TimeZoneRules = .utc,
        anchor: Int64 = 0,
        start: Int64? = nil,
        end: Int64? = nil
    ) {
        self.rules = rules
        self.zone = zone
        self.anchor = anchor
        self.start = start
        self.end = end
    }

    /// How far ahead is looked: a fifth Monday in February may take forty years.
    private static let horizon: Int64 = 41 * 366 * 86_400

    /// The first tick after a moment.
    ///
    /// - Parameter second: Since 1970.
    /// - Returns: `nil` when there is none within 41 years.
    public func next(after second: Int64) -> Int64? {
        let first = max(second + 1, self.start ?? .min)
        let limit = min(first + Self.horizon, self.end ?? .max)
        var found: Int64?
        for rule in self.rules {
            let tick: Int64?
            switch rule {
            case .cron(let expression):
                tick = self.next(expression, from: first, before: found ?? limit)
            case .every(let seconds):
                let steps = (first - 1 - self.anchor).flooringDivide(by: seconds) + 1
                tick = self.anchor + steps * seconds
            }
            if let tick, tick < found ?? limit { found = tick }
        }
        return found
    }

    /// The last tick at a moment or before it.
    ///
    /// - Parameters:
    ///   - second: Since 1970.
    ///   - lower: Only ticks after this.
    /// - Returns: `nil` when there is none in between.
    public func last(at second: Int64, after lower: Int64) -> Int64? {
        guard let first = self.next(after: lower), first <= second else { return nil }
        // The last one so far is at `low` or before it; behind `high` there is none.
        var (low, high, found) = (lower, second, first)
        while low < high {
            let middle = low + (high - low) / 2
            if let tick = self.next(after: middle), tick <= second {
                (low, found) = (tick, tick)
            } else {
                high = middle
            }
        }
        return found
    }

    /// Ticks of a stretch of time.
    ///
    /// - Parameters:
    ///   - lower: Only ticks after this.
    ///   - second: Only ticks up to this.
    ///   - limit: Not more than these.
    /// - Returns: The first of them, ascending.
    public func ticks(after lower: Int64, upTo second: Int64, limit: Int) -> [Int64] {
        var ticks: [Int64] = []
        var moment = lower
        while ticks.count < limit, let tick = self.next(after: moment), tick <= second {
            ticks.append(tick)
            moment = tick
        }
        return ticks
    }

    private func next(
        _ expression: CronExpression,
        from first: Int64,
        before limit: Int64
    ) -> Int64? {
        var segment = self.zone.segment(at: first)
        while segment.start < limit {
            // Wall times of this stretch; what an earlier one showed already is not shown anew.
            let shown = segment.start + segment.offset
            var wall = max(first, segment.start) + segment.offset
            if !expression.fitsEveryHour {
                let highest = self.highestWall(before: segment)
                if let highest, highest < shown, first <= segment.start,
                    expression.next(from: highest, before: shown) != nil
                {
                    return segment.start < limit ? segment.start : nil
                }
                if let highest { wall = max(wall, highest) }
            }
            let end = min(segment.end, limit) + segment.offset
            if wall < end, let found = expression.next(from: wall, before: end) {
                return found - segment.offset
            }
            guard segment.end < limit else { return nil }
            segment = self.zone.segment(at: segment.end)
        }
        return nil
    }

    /// The wall time before which every one was shown, or left out, before a stretch began.
    private func highestWall(before segment: TimeZoneRules.Segment) -> Int64? {
        guard segment.start > -TimeZoneRules.secondsMax else { return nil }
        var highest: Int64?
        var end = segment.start
        // Clocks differ by two days at most: what ended earlier than that cannot have shown more.
        while end > segment.start - 2 * 86_400, end > -TimeZoneRules.secondsMax {
            let earlier = self.zone.segment(at: end - 1)
            highest = max(highest ?? .min, end + earlier.offset)
            end = earlier.start
        }
        return highest
    }
}
