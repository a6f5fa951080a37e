// How a cron expression is read; every mistake is told with its place and what to write instead.

extension CronExpression {
    /// The longest text that is read.
    public static let bytesMax = 256

    /// Reads an expression.
    ///
    /// - Parameter text: Five fields (minute, hour, day of month, month, weekday), six with the
    ///   second first, or one of `@hourly @daily @midnight @weekly @monthly @yearly @annually`.
    /// - Throws: ``ScheduleError`` with the place of the mistake.
    public init(_ text: String) throws(ScheduleError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw ScheduleError(
                "a cron expression has at most \(Self.bytesMax) characters",
                hint: "use several expressions"
            )
        }
        self.init(source: text)
        var fields = Self.fields(of: text)
        if let first = fields.first, first.text.hasPrefix("@") {
            fields = Self.fields(of: try Self.nickname(first, isAlone: fields.count == 1))
        }
        guard (5...6).contains(fields.count) else {
            throw ScheduleError(
                "a cron expression has five fields, or six with the second first; "
                    + "this one has \(fields.count)",
                at: fields.count > 6 ? fields[6].offset : text.utf8.count,
                hint: "write minute, hour, day of month, month, weekday, such as '30 6 * * mon-fri'"
            )
        }
        if fields.count == 6 { self.seconds = try CronField.second.read(fields.removeFirst()).bits }
        self.minutes = try CronField.minute.read(fields[0]).bits
        self.hours = try CronField.hour.read(fields[1]).bits
        self.months = try CronField.month.read(fields[3]).bits
        let ofMonth = try CronField.dayOfMonth.read(fields[2])
        let ofWeek = try CronField.weekday.read(fields[4])
        self.days = Days(
            ofMonth: ofMonth.bits,
            isLastOfMonth: ofMonth.isLast,
            ofWeek: (ofWeek.bits | ofWeek.bits >> 7) & 0x7F,
            nth: ofWeek.nth,
            isAnyOfMonth: ofMonth.isAny,
            isAnyOfWeek: ofWeek.isAny
        )
        // Every year there can be, by its leap day and its first weekday, is among these.
        let first = CivilDate(year: 2000, month: 1, day: 1).number * 86_400
        guard self.next(from: first, before: first + 29 * 366 * 86_400) != nil else {
            throw ScheduleError(
                "no day fits '\(text)'",
                at: fields[2].offset,
                hint: "no such day is in these months; for the last day of a month write 'L'"
            )
        }
    }

    /// A word of the text.
    struct Field {
        var text: String
        /// Where it begins, in bytes.
        var offset: Int
    }

    private static func fields(of text: String) -> [Field] {
        var fields: [Field] = []
        var start: Int?
        let bytes = Array(text.utf8)
        for index in 0...bytes.count {
            let isSpace = index == bytes.count || bytes[index] == 0x20 || bytes[index] == 0x09
            if !isSpace {
                start = start ?? index
            } else if let begin = start {
                let word = String(decoding: bytes[begin..<index], as: UTF8.self)
                fields.append(Field(text: word.lowercased(), offset: begin))
                start = nil
            }
        }
        return fields
    }

    private static func nickname(_ field: Field, isAlone: Bool) throws(ScheduleError) -> String {
        guard isAlone else {
            throw ScheduleError(
                "'\(field.text)' stands alone",
                at: field.offset,
                hint: "remove what is beside it"
            )
        }
        let known = [
            "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
            "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
            "@annually": "0 0 1 1 *",
        ]
        if let meant = known[field.text] { return meant }
        let isInterval = field.text == "@every"
        throw ScheduleError(
            "'\(field.text)' is not known",
            at: field.offset,
            hint: isInterval
                ? "write 'every 10m' for an interval"
                : Suggestion.hint(for: field.text, among: known.keys) ?? "write five fields"
        )
    }
}

/// What one field of an expression may hold.
private struct CronField {
    /// What was read.
    struct Meaning {
        var bits: UInt64 = 0
        var nth: UInt64 = 0
        var isLast = false
        var isAny = false
    }

    var title: String
    var range: ClosedRange<Int>
    /// Names of the numbers from ``firstName`` on.
    var names: [String] = []
    var firstName = 0

    static let second = CronField(title: "second", range: 0...59)
    static let minute = CronField(title: "minute", range: 0...59)
    static let hour = CronField(title: "hour", range: 0...23)
    static let dayOfMonth = CronField(title: "day of month", range: 1...31)
    static let month = CronField(
        title: "month",
        range: 1...12,
        names: "jan feb mar apr may jun jul aug sep oct nov dec".split(separator: " ")
            .map(String.init),
        firstName: 1
    )
    static let weekday = CronField(
        title: "weekday",
        range: 0...7,
        names: "sun mon tue wed thu fri sat".split(separator: " ").map(String.init)
    )

    private var isDay: Bool { self.title == Self.dayOfMonth.title }
    private var isWeekday: Bool { self.title == Self.weekday.title }

    func read(_ field: CronExpression.Field) throws(ScheduleError) -> Meaning {
        var meaning = Meaning()
        meaning.isAny = field.text.hasPrefix("*") || field.text.hasPrefix("?")
        var offset = field.offset
        for item in field.text.split(separator: ",", omittingEmptySubsequences: false) {
            try self.read(item, offset, into: &meaning)
            offset += item.utf8.count + 1
        }
        return meaning
    }

    private func read(
        _ item: Substring,
        _ offset: Int,
        into meaning: inout Meaning
    ) throws(ScheduleError) {
        if try self.readSpecial(item, offset, into: &meaning) { return }
        let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var step = 1
        if parts.count == 2 {
            guard let given = Self.number(parts[1]), (1...self.range.upperBound).contains(given)
            else {
                throw self.error(
                    "'\(parts[1])' is not a step",
                    offset + parts[0].utf8.count + 1,
                    hint: "write a number from 1 to \(self.range.upperBound) behind the '/'"
                )
            }
            step = given
        }
        let bounds = try self.bounds(parts[0], offset, isOpen: parts.count == 2)
        for value in stride(from: bounds.lowerBound, through: bounds.upperBound, by: step) {
            meaning.bits |= 1 << UInt64(value)
        }
    }

    /// Takes what only days have: `L`, `friL`, `fri#2`.
    private func readSpecial(
        _ item: Substring,
        _ offset: Int,
        into meaning: inout Meaning
    ) throws(ScheduleError) -> Bool {
        if self.isDay, item == "l" {
            meaning.isLast = true
            return true
        }
        guard self.isWeekday else { return false }
        if item.hasSuffix("l"), item.utf8.count > 1 {
            meaning.nth |= 1 << UInt64(try self.value(item.dropLast(), offset) % 7)
            return true
        }
        let parts = item.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        let weekday = try self.value(parts[0], offset) % 7
        guard let place = Self.number(parts[1]), (1...5).contains(place) else {
            throw self.error(
                "'\(parts[1])' is not a place in a month",
                offset + parts[0].utf8.count + 1,
                hint: "write 1 to 5 behind the '#'"
            )
        }
        meaning.nth |= 1 << UInt64(8 * place + weekday)
        return true
    }

    private func bounds(
        _ text: Substring,
        _ offset: Int,
        isOpen: Bool
    ) throws(ScheduleError) -> ClosedRange<Int> {
        // Sunday is 0 here: with 7 as well `*/2` would mean other days than in every other cron.
        let upper = self.isWeekday ? 6 : self.range.upperBound
        if text == "*" || text == "?" && (self.isDay || self.isWeekday) {
            return self.range.lowerBound...upper
        }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let low = try self.value(ends[0], offset)
        guard ends.count == 2 else { return low...(isOpen ? max(low, upper) : low) }
        let place = offset + ends[0].utf8.count + 1
        var high = try self.value(ends[1], place)
        // A week may end on Sunday.
        if self.isWeekday, high == 0, low > 0 { high = 7 }
        guard low <= high else {
            throw self.error(
                "the range '\(text)' ends before it begins",
                offset,
                hint: "write two ranges, such as '\(ends[0])-\(upper),"
                    + "\(self.range.lowerBound)-\(ends[1])'"
            )
        }
        return low...high
    }

    private func value(_ text: Substring, _ offset: Int) throws(ScheduleError) -> Int {
        if let index = self.names.firstIndex(where: { $0 == text }) {
            return index + self.firstName
        }
        if let number = Self.number(text) {
            if self.range.contains(number) { return number }
            throw self.error(
                "\(self.title) \(number) does not exist",
                offset,
                hint: "it is a number from \(self.range.lowerBound) to \(self.range.upperBound)"
            )
        }
        let forms = self.names.isEmpty ? "a number" : "a number or a name like '\(self.names[1])'"
        throw self.error(
            text.isEmpty ? "a \(self.title) is missing here" : "'\(text)' is not a \(self.title)",
            offset,
            hint: Suggestion.closest(to: String(text), among: self.names)
                .map { "did you mean '\($0)'?" }
                ?? "write \(forms), '*', a range 'a-b', a step '/n', or a list of these"
        )
    }

    private func error(_ message: String, _ offset: Int, hint: String) -> ScheduleError {
        ScheduleError(message, at: offset, hint: hint)
    }

    /// Up to four digits and nothing else.
    private static func number(_ text: Substring) -> Int? {
        let isNumber =
            (1...4).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return isNumber ? Int(text) : nil
    }
}
