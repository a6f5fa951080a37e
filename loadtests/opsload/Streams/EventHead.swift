// Reads from an event what the harness needs, without reading the event.

import PulserIR

/// Where an event stands and when it happened.
struct EventHead: Sendable, Hashable {
    var lane: Int64
    var sequence: Int64
    /// Milliseconds since 1970.
    var atMilliseconds: Int64

    /// Reads the head of `{"lane":7,"seq":9,"at":"2026-11-20T12:00:00.000Z",…`.
    ///
    /// - Parameters:
    ///   - json: The event.
    ///   - day: The last day that was read: most events are of the same.
    init?(_ json: UnsafeRawBufferPointer, day: inout Day) {
        var place = 0
        guard Self.skip(#"{"lane":"#, json, &place), let lane = Self.number(json, &place),
            Self.skip(#","seq":"#, json, &place), let sequence = Self.number(json, &place),
            Self.skip(#","at":""#, json, &place), json.count >= place + 24,
            let at = Self.time(json, place, &day)
        else { return nil }
        self.lane = lane
        self.sequence = sequence
        self.atMilliseconds = at
    }

    /// A day, as text and as number.
    struct Day: Sendable {
        fileprivate var text: [UInt8] = []
        fileprivate var milliseconds: Int64 = 0

        init() {}
    }

    private static func skip(
        _ text: StaticString,
        _ json: UnsafeRawBufferPointer,
        _ place: inout Int
    ) -> Bool {
        let count = text.utf8CodeUnitCount
        guard json.count >= place + count else { return false }
        for index in 0..<count where json[place + index] != text.utf8Start[index] { return false }
        place += count
        return true
    }

    private static func number(_ json: UnsafeRawBufferPointer, _ place: inout Int) -> Int64? {
        var value: Int64 = 0
        let start = place
        while place < json.count, place - start < 18 {
            let digit = json[place] &- 48
            if digit > 9 { break }
            value = value * 10 + Int64(digit)
            place += 1
        }
        return place > start ? value : nil
    }

    private static func digits(_ json: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int64 {
        range.reduce(0) { $0 * 10 + Int64(json[$1] &- 48) }
    }

    private static func time(
        _ json: UnsafeRawBufferPointer,
        _ start: Int,
        _ day: inout Day
    ) -> Int64? {
        let text = json[start..<(start + 10)]
        if !text.elementsEqual(day.text) {
            day.text = Array(text)
            day.milliseconds = Self.midnight(
                year: Self.digits(json, start..<(start + 4)),
                month: Self.digits(json, (start + 5)..<(start + 7)),
                day: Self.digits(json, (start + 8)..<(start + 10))
            )
        }
        guard json[start + 10] == UInt8(ascii: "T"), json[start + 23] == UInt8(ascii: "Z") else {
            return nil
        }
        let hours = Self.digits(json, (start + 11)..<(start + 13))
        let minutes = Self.digits(json, (start + 14)..<(start + 16))
        let seconds = Self.digits(json, (start + 17)..<(start + 19))
        let rest = Self.digits(json, (start + 20)..<(start + 23))
        return day.milliseconds + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + rest
    }

    /// Howard Hinnant's days-from-civil: March-based years of eras of 400 years.
    private static func midnight(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400_000
    }
}
