// Decides what a person sees of a line: its text without what only colours it, and its level.

/// What people see of a line.
enum LineText {
    /// Characters of a line that may name its level.
    private static let levelScalarsMax = 96
    /// Words of a line that may name its level.
    private static let levelWordsMax = 12
    private static let escape: UInt8 = 0x1B

    /// Appends a text as JSON writes it, without its escapes.
    static func unescape(_ bytes: ArraySlice<UInt8>, into text: inout [UInt8]) {
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let plain = place
            place += Self.plainCount(bytes[place...])
            if plain < place { text.append(contentsOf: bytes[plain..<place]) }
            guard place + 1 < bytes.endIndex else { return }
            let mark = bytes[place + 1]
            place += 2
            switch mark {
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "u"):
                let digits = bytes[place..<min(place + 4, bytes.endIndex)]
                place = digits.endIndex
                let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
                let scalar = number.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
                text.append(contentsOf: String(Character(scalar)).utf8)
            default: text.append(mark)
            }
        }
    }

    private static func plainCount(_ text: ArraySlice<UInt8>) -> Int {
        let bytes = text.span
        var count = 0
        while count < bytes.count, bytes[count] != 0x5C { count += 1 }
        return count
    }

    /// Takes out of a text what a terminal does not show: colours, titles, movements (ECMA-48).
    ///
    /// A sequence that does not end is shown, so that nobody can hide the rest of a line behind it.
    static func strip(_ text: inout [UInt8]) {
        guard let first = text.firstIndex(of: Self.escape) else { return }
        var kept = first
        var place = first
        while place < text.count {
            if text[place] == Self.escape, let end = Self.end(ofSequence: text, at: place) {
                place = end
                continue
            }
            text[kept] = text[place]
            kept += 1
            place += 1
        }
        text.removeSubrange(kept...)
    }

    /// The place behind an escape sequence; `nil` when it has no end.
    private static func end(ofSequence text: [UInt8], at start: Int) -> Int? {
        guard start + 1 < text.count else { return nil }
        var place = start + 2
        switch text[start + 1] {
        case UInt8(ascii: "["):
            while place < text.count, (0x20...0x3F).contains(text[place]) { place += 1 }
            return place < text.count && (0x40...0x7E).contains(text[place]) ? place + 1 : nil
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"),
            UInt8(ascii: "_"):
            while place < text.count {
                if text[place] == 0x07 { return place + 1 }
                if text[place] == Self.escape {
                    return place + 1 < text.count && text[place + 1] == 0x5C ? place + 2 : nil
                }
                place += 1
            }
            return nil
        case 0x20...0x2F:
            while place < text.count, (0x20...0x2F).contains(text[place]) { place += 1 }
            return place < text.count && (0x30...0x7E).contains(text[place]) ? place + 1 : nil
        case 0x30...0x7E: return place
        default: return nil
        }
    }

    /// What a line says of itself: the first word among its first that names a level. The line comes
    /// in UTF-8 without escape sequences.
    static func level(_ text: ArraySlice<UInt8>) -> LogLine.Level {
        var scalars = 0
        var words = 0
        var start = text.startIndex
        var place = text.startIndex
        while true {
            let isOver = place >= text.endIndex || scalars >= Self.levelScalarsMax
            let length = isOver ? 1 : Self.length(text, at: place)
            if isOver || !Self.isWord(text, at: place, length) {
                if start < place {
                    if let level = Self.level(named: text[start..<place]) { return level }
                    words += 1
                }
                start = place + length
                if isOver || words >= Self.levelWordsMax { return .none }
            }
            place = min(place + length, text.endIndex)
            scalars += 1
        }
    }

    private static func length(_ text: ArraySlice<UInt8>, at place: Int) -> Int {
        switch text[place] {
        case 0xC0...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xFF: 4
        default: 1
        }
    }

    private static func isWord(_ text: ArraySlice<UInt8>, at place: Int, _ length: Int) -> Bool {
        switch text[place] {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: return true
        case 0..<0x80: return false
        default:
            let bytes = text[place..<min(place + length, text.endIndex)]
            guard let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first else {
                return false
            }
            return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        }
    }

    private static let levels: [(level: LogLine.Level, names: [[UInt8]])] = [
        (.error, Self.words("error err fatal panic critical severe")),
        (.warning, Self.words("warn warning")), (.info, Self.words("info notice")),
        (.debug, Self.words("debug trace")),
    ]

    private static func words(_ text: String) -> [[UInt8]] {
        text.split(separator: " ").map { Array($0.utf8) }
    }

    private static func level(named word: ArraySlice<UInt8>) -> LogLine.Level? {
        guard (3...8).contains(word.count) else { return nil }
        for (level, names) in Self.levels {
            for name in names where name.count == word.count {
                if zip(name, word).allSatisfy({ $0 == $1 | 0x20 }) { return level }
            }
        }
        return nil
    }
}
