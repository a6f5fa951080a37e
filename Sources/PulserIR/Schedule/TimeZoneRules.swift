// What the clocks of a place show at any moment: offsets, with the moments they change.

/// A time zone as a value: stretches of time, each with one offset from UTC.
///
/// Times are whole seconds since 1970, UTC, without leap seconds. After the last change that is
/// listed the rules of the footer go on for ever.
public struct TimeZoneRules: Sendable, Hashable {
    /// A stretch of time in which the clocks keep one offset.
    public struct Segment: Sendable, Hashable {
        /// Its first second.
        public var start: Int64
        /// The second behind its last.
        public var end: Int64
        /// Seconds that the clocks are ahead of UTC.
        public var offset: Int64
    }

    /// A change of the offset.
    struct Transition: Sendable, Hashable {
        /// The first second with the new offset.
        var at: Int64
        /// Seconds ahead of UTC from then on.
        var offset: Int64
    }

    /// The zone's IANA name, such as `Europe/Berlin`.
    public let name: String
    /// The offset before the first change.
    let firstOffset: Int64
    /// Ascending, each with another offset than the one before.
    let transitions: [Transition]
    /// What holds after the last of them; `nil` means that its offset stays.
    let footer: TimeZoneFooter?

    init(
        name: String,
        firstOffset: Int64,
        transitions: [Transition],
        footer: TimeZoneFooter?
    ) {
        self.name = name
        self.firstOffset = firstOffset
        self.footer = footer
        var kept: [Transition] = []
        var offset = firstOffset
        for transition in transitions where transition.offset != offset {
            kept.append(transition)
            offset = transition.offset
        }
        self.transitions = kept
    }

    /// Coordinated universal time: one offset for ever.
    public static let utc = TimeZoneRules(
        name: "UTC",
        firstOffset: 0,
        transitions: [],
        footer: nil
    )

    /// Seconds that the clocks are ahead of UTC at a moment.
    public func offset(at second: Int64) -> Int64 { self.segment(at: second).offset }

    /// The stretch that a moment lies in.
    ///
    /// - Parameter second: Since 1970. Moments beyond ``secondsMax`` are taken as that.
    /// - Returns: The stretch; an end of ``secondsMax`` means that none is known.
    public func segment(at second: Int64) -> Segment {
        let moment = max(-Self.secondsMax, min(second, Self.secondsMax - 1))
        let next = self.firstIndex(after: moment)
        if next < self.transitions.count {
            let before = next > 0 ? self.transitions[next - 1] : nil
            return Segment(
                start: before?.at ?? -Self.secondsMax,
                end: self.transitions[next].at,
                offset: before?.offset ?? self.firstOffset
            )
        }
        let last =
            self.transitions.last ?? Transition(at: -Self.secondsMax, offset: self.firstOffset)
        guard let footer = self.footer else {
            return Segment(start: last.at, end: Self.secondsMax, offset: last.offset)
        }
        return footer.segment(at: moment, since: last)
    }

    /// Later moments, and earlier ones on the other side, are not told apart: the year 5138.
    public static let secondsMax: Int64 = 100_000_000_000

    private func firstIndex(after second: Int64) -> Int {
        var low = 0
        var high = self.transitions.count
        while low < high {
            let middle = (low + high) / 2
            if self.transitions[middle].at <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
