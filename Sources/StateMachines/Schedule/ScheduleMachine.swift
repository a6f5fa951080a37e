// Which ticks of a schedule are due, which of them get a run, which are dropped and why. Pure.

public import PulserIR

/// Decides about the ticks of one schedule.
public struct ScheduleMachine: Sendable, Hashable {
    /// A tick and when its run begins.
    public struct Tick: Sendable, Hashable {
        /// The moment its rule names, in seconds since 1970.
        public var second: Int64
        /// That and its share of the jitter, in milliseconds since 1970.
        public var dueMilliseconds: Int64

        package init(second: Int64, dueMilliseconds: Int64) {
            self.second = second
            self.dueMilliseconds = dueMilliseconds
        }
    }

    /// Ticks that get no run.
    public struct Dropped: Sendable, Hashable {
        /// The last of them.
        public var last: Int64
        /// How many; ``ScheduleMachine/countMax`` means as many or more.
        public var count: Int
        /// Why.
        public var reason: TickDrop

        package init(last: Int64, count: Int, reason: TickDrop) {
            self.last = last
            self.count = count
            self.reason = reason
        }
    }

    /// What is to be done now.
    public struct Decision: Sendable, Hashable {
        /// Ticks that get a run, in their order.
        public var fire: [Tick] = []
        /// Ticks that do not.
        public var dropped: [Dropped] = []
        /// Whether open runs are to be cancelled first.
        public var cancelsOpen = false
        /// The last tick that is decided about.
        public var cursor: Int64
        /// When the next one is due, in milliseconds since 1970; `nil` when there is none.
        public var nextMilliseconds: Int64?
    }

    /// How late a run may begin without its tick being called missed: a minute.
    public static let lateMilliseconds: Int64 = 60_000
    /// Ticks that get a run at once; more are left for the next decision.
    public static let fireMax = 100
    /// Up to here dropped ticks are counted.
    public static let countMax = 1_000
    /// The longest jitter: a day.
    public static let jitterMillisecondsMax: Int64 = 86_400_000
    /// How many missed ticks a schedule may ask to catch up with.
    public static let catchUpMax = 1_000

    /// When it ticks.
    public var calendar: ScheduleCalendar
    /// Its number: two schedules of one rule are spread apart.
    public var id: Int64
    /// How far runs are spread behind their ticks, never beyond the next one. Default 0.
    public var jitterMilliseconds: Int64
    /// What becomes of missed ticks. Default: one run for all.
    public var misfire: MisfirePolicy
    /// Ticks that were missed longer ago are dropped. Default a day.
    public var catchUpMilliseconds: Int64
    /// How many missed ticks get a run each under ``MisfirePolicy/all``. Default 100.
    public var limit: Int
    /// What becomes of a tick while a run is open. Default: it is dropped.
    public var overlap: OverlapPolicy

    /// Describes a schedule.
    public init(
        calendar: ScheduleCalendar,
        id: Int64,
        jitterMilliseconds: Int64 = 0,
        misfire: MisfirePolicy = .latest,
        catchUpMilliseconds: Int64 = 86_400_000,
        limit: Int = 100,
        overlap: OverlapPolicy = .skip
    ) {
        self.calendar = calendar
        self.id = id
        self.jitterMilliseconds = jitterMilliseconds
        self.misfire = misfire
        self.catchUpMilliseconds = catchUpMilliseconds
        self.limit = limit
        self.overlap = overlap
    }

    /// When the run of a tick begins: the same on every node and in every replay.
    ///
    /// The spread ends at the next tick, so runs begin in the order of their ticks.
    public func dueMilliseconds(of tick: Int64) -> Int64 {
        guard self.jitterMilliseconds > 0 else { return tick * 1_000 }
        let next = self.calendar.next(after: tick)
        let room = next.map { ($0 - tick) * 1_000 } ?? .max
        let spread = UInt64(min(self.jitterMilliseconds, room))
        let share = Self.mix(
            UInt64(bitPattern: self.id) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: tick)
        )
        return tick * 1_000 + Int64(share % spread)
    }

    /// When the first tick after a moment is due, in milliseconds since 1970.
    public func nextMilliseconds(after second: Int64) -> Int64? {
        self.calendar.next(after: second).map { self.dueMilliseconds(of: $0) }
    }

    /// Decides about what is due.
    ///
    /// - Parameters:
    ///   - cursor: The last tick that was decided about, or the moment from which on it ticks.
    ///   - now: In milliseconds since 1970.
    ///   - hasOpenRun: Whether a run of an earlier tick has not ended.
    /// - Returns: What to do; the same for the same values.
    public func decide(after cursor: Int64, now: Int64, hasOpenRun: Bool) -> Decision {
        var decision = Decision(cursor: cursor)
        guard let last = self.lastDue(after: cursor, now: now) else {
            decision.nextMilliseconds = self.nextMilliseconds(after: cursor)
            return decision
        }
        var from = cursor
        // What is due later than this is not late; jitter moves a tick by less than its interval.
        let missedBefore = now - Self.lateMilliseconds
        if let first = self.calendar.next(after: cursor), self.isMissed(first, missedBefore) {
            let lastMissed = self.lastMissed(after: cursor, upTo: last, missedBefore)
            from = self.settle(first...lastMissed, last: last, now: now, into: &decision)
        }
        self.take(after: from, upTo: last, into: &decision)
        self.applyOverlap(hasOpenRun, &decision)
        decision.nextMilliseconds = self.nextMilliseconds(after: decision.cursor)
        return decision
    }

    /// Decides about missed ticks.
    ///
    /// - Returns: Ticks behind this one get their runs.
    private func settle(
        _ missed: ClosedRange<Int64>,
        last: Int64,
        now: Int64,
        into decision: inout Decision
    ) -> Int64 {
        var from = missed.lowerBound - 1
        func drop(upTo end: Int64, _ reason: TickDrop) {
            let ticks = self.calendar.ticks(after: from, upTo: end, limit: Self.countMax)
            if !ticks.isEmpty {
                let last = ticks.count < Self.countMax ? ticks[ticks.count - 1] : end
                decision.dropped.append(Dropped(last: last, count: ticks.count, reason: reason))
            }
            from = max(from, end)
        }
        guard self.misfire != .skip else {
            drop(upTo: missed.upperBound, .missed)
            return from
        }
        let oldest = (now - self.catchUpMilliseconds).flooringDivide(by: 1_000)
        drop(upTo: min(oldest - 1, missed.upperBound), .tooOld)
        guard from < missed.upperBound else { return from }
        if self.misfire == .latest {
            // What is on time stands for what is not.
            drop(upTo: last - 1, .missed)
            return from
        }
        if let first = self.last(self.limit, upTo: missed.upperBound, after: from) {
            drop(upTo: first - 1, .overLimit)
        }
        return from
    }

    /// The first of the last `count` ticks of a stretch, when there are more than these.
    private func last(_ count: Int, upTo end: Int64, after lower: Int64) -> Int64? {
        var first = end + 1
        for _ in 0..<max(1, count) {
            guard let tick = self.calendar.last(at: first - 1, after: lower) else { return nil }
            first = tick
        }
        return first
    }

    private func take(after from: Int64, upTo last: Int64, into decision: inout Decision) {
        decision.cursor = max(decision.cursor, from)
        let ticks = self.calendar.ticks(after: from, upTo: last, limit: Self.fireMax)
        decision.fire = ticks.map {
            Tick(second: $0, dueMilliseconds: self.dueMilliseconds(of: $0))
        }
        if let tick = ticks.last { decision.cursor = max(decision.cursor, tick) }
    }

    private func applyOverlap(_ hasOpenRun: Bool, _ decision: inout Decision) {
        guard let first = decision.fire.first, let last = decision.fire.last else { return }
        let kept: [Tick]
        switch self.overlap {
        case .queue: return
        case .skip: kept = hasOpenRun ? [] : [first]
        case .cancel:
            kept = [last]
            decision.cancelsOpen = hasOpenRun
        }
        let dropped = decision.fire.filter { !kept.contains($0) }
        decision.fire = kept
        guard let end = dropped.last else { return }
        decision.dropped.append(
            Dropped(last: end.second, count: dropped.count, reason: .overlap)
        )
    }

    private func lastDue(after cursor: Int64, now: Int64) -> Int64? {
        let second = now.flooringDivide(by: 1_000)
        guard let last = self.calendar.last(at: second, after: cursor) else { return nil }
        if self.dueMilliseconds(of: last) <= now { return last }
        // Its jitter is not over; the one before it was due before this tick.
        return self.calendar.last(at: last - 1, after: cursor)
    }

    private func isMissed(_ tick: Int64, _ missedBefore: Int64) -> Bool {
        self.dueMilliseconds(of: tick) < missedBefore
    }

    private func lastMissed(after cursor: Int64, upTo last: Int64, _ missedBefore: Int64) -> Int64 {
        let second = min(last, missedBefore.flooringDivide(by: 1_000))
        guard let tick = self.calendar.last(at: second, after: cursor) else { return cursor + 1 }
        if self.isMissed(tick, missedBefore) { return tick }
        return self.calendar.last(at: tick - 1, after: cursor) ?? tick
    }

    /// SplitMix64's finish: neighbouring numbers become far ones.
    private static func mix(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
