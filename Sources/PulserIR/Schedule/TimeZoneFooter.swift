// Which rule a zone's clocks follow after the last change its file lists: a POSIX TZ text.

/// The rule for all years to come, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct TimeZoneFooter: Sendable, Hashable {
    /// A day of each year.
    enum Day: Sendable, Hashable {
        /// `Jn`: 1 to 365, February 29 is never counted.
        case julian(Int64)
        /// `n`: 0 to 365, February 29 is counted.
        case ordinal(Int64)
        /// `Mm.w.d`: the w-th (5: last) weekday d of month m.
        case weekday(month: Int64, week: Int64, weekday: Int64)
    }

    /// A change of each year.
    struct Change: Sendable, Hashable {
        var day: Day
        /// Seconds after midnight of the clocks before the change; -167 to 167 hours.
        var time: Int64
    }

    /// Seconds ahead of UTC outside summer time.
    var standard: Int64
    /// Summer time, if there is any: its offset, when it begins, when it ends.
    var summer: Summer?

    struct Summer: Sendable, Hashable {
        var offset: Int64
        var begin: Change
        var end: Change
    }

    /// The stretch around a moment that is not before the last change of the table.
    func segment(
        at second: Int64,
        since last: TimeZoneRules.Transition
    ) -> TimeZoneRules.Segment {
        let limit = TimeZoneRules.secondsMax
        guard let summer = self.summer else {
            return TimeZoneRules.Segment(start: last.at, end: limit, offset: self.standard)
        }
        let year = CivilDate(second: second).year
        // What comes first of two changes at one moment is undone by the second.
        var changes: [TimeZoneRules.Transition] = []
        for year in (year - 2)...(year + 2) {
            let begin = self.moment(of: summer.begin, year, offset: self.standard)
            let end = self.moment(of: summer.end, year, offset: summer.offset)
            changes.append(.init(at: end, offset: self.standard))
            changes.append(.init(at: begin, offset: summer.offset))
        }
        changes.sort { left, right in
            if left.at != right.at { return left.at < right.at }
            return left.offset != summer.offset && right.offset == summer.offset
        }
        var segment = TimeZoneRules.Segment(start: last.at, end: limit, offset: last.offset)
        for change in changes where change.at > last.at {
            if change.at > second {
                // Summer time all the year round has no change at all.
                if change.offset == segment.offset || Self.isUndone(change, changes) { continue }
                segment.end = change.at
                return segment
            }
            if change.offset == segment.offset { continue }
            segment.start = change.at
            segment.offset = change.offset
        }
        return segment
    }

    private static func isUndone(
        _ change: TimeZoneRules.Transition,
        _ changes: [TimeZoneRules.Transition]
    ) -> Bool {
        changes.last { $0.at == change.at } != change
    }

    /// When a change happens in a year, by the clocks that show `offset`.
    private func moment(of change: Change, _ year: Int64, offset: Int64) -> Int64 {
        let first = CivilDate(year: year, month: 1, day: 1).number
        let day: Int64
        switch change.day {
        case .julian(let number):
            day = first + number - (CivilDate.isLeap(year) && number >= 60 ? 0 : 1)
        case .ordinal(let number): day = first + number
        case .weekday(let month, let week, let weekday):
            let start = CivilDate(year: year, month: month, day: 1)
            let ahead = (weekday - Int64(start.weekday) + 7) % 7
            var date = 1 + ahead + (week - 1) * 7
            if date > start.daysOfMonth { date -= 7 }
            day = start.number + date - 1
        }
        return day * 86_400 + change.time - offset
    }
}

extension TimeZoneFooter {
    /// Reads the text.
    ///
    /// - Returns: `nil` when it is not one.
    init?(_ text: some Collection<UInt8>) {
        var reader = FooterReader(bytes: Array(text))
        guard reader.takeName(), let standard = reader.takeTime(hoursMax: 24) else { return nil }
        self.standard = -standard
        if reader.isAtEnd { return }
        guard reader.takeName() else { return nil }
        var offset = self.standard + 3_600
        if !reader.isAt(UInt8(ascii: ",")) {
            guard let given = reader.takeTime(hoursMax: 24) else { return nil }
            offset = -given
        }
        guard reader.take(UInt8(ascii: ",")), let begin = reader.takeChange(),
            reader.take(UInt8(ascii: ",")), let end = reader.takeChange(), reader.isAtEnd
        else { return nil }
        self.summer = Summer(offset: offset, begin: begin, end: end)
    }
}

/// Takes the parts of a POSIX TZ text off its front.
private struct FooterReader {
    let bytes: [UInt8]
    var position = 0

    private var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }
    var isAtEnd: Bool { self.next == nil }
    func isAt(_ byte: UInt8) -> Bool { self.next == byte }

    mutating func take(_ byte: UInt8) -> Bool {
        guard self.next == byte else { return false }
        self.position += 1
        return true
    }

    /// `CET` or `<+01>`.
    mutating func takeName() -> Bool {
        let isQuoted = self.take(UInt8(ascii: "<"))
        let start = self.position
        while let byte = self.next {
            let letter = byte | 0x20
            let isLetter = letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
            let isQuotable =
                byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            guard isLetter || isQuoted && isQuotable else { break }
            self.position += 1
        }
        guard self.position - start >= 3 else { return false }
        return !isQuoted || self.take(UInt8(ascii: ">"))
    }

    private mutating func takeNumber(_ range: ClosedRange<Int64>) -> Int64? {
        var value: Int64 = 0
        let start = self.position
        while let byte = self.next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"),
            self.position - start < 3
        {
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            self.position += 1
        }
        return self.position > start && range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func takeTime(hoursMax: Int64) -> Int64? {
        let isNegative = self.take(UInt8(ascii: "-"))
        if !isNegative { _ = self.take(UInt8(ascii: "+")) }
        guard let hours = self.takeNumber(0...hoursMax) else { return nil }
        var seconds = hours * 3_600
        for unit in [Int64(60), 1] where self.take(UInt8(ascii: ":")) {
            guard let number = self.takeNumber(0...59) else { return nil }
            seconds += number * unit
        }
        return isNegative ? -seconds : seconds
    }

    mutating func takeChange() -> TimeZoneFooter.Change? {
        guard let day = self.takeDay() else { return nil }
        guard self.take(UInt8(ascii: "/")) else { return .init(day: day, time: 7_200) }
        return self.takeTime(hoursMax: 167).map { .init(day: day, time: $0) }
    }

    private mutating func takeDay() -> TimeZoneFooter.Day? {
        if self.take(UInt8(ascii: "J")) { return self.takeNumber(1...365).map { .julian($0) } }
        guard self.take(UInt8(ascii: "M")) else {
            return self.takeNumber(0...365).map { .ordinal($0) }
        }
        guard let month = self.takeNumber(1...12), self.take(UInt8(ascii: ".")),
            let week = self.takeNumber(1...5), self.take(UInt8(ascii: ".")),
            let weekday = self.takeNumber(0...6)
        else { return nil }
        return .weekday(month: month, week: week, weekday: weekday)
    }
}
