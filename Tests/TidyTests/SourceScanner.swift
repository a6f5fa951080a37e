// Where in a Swift file code, comments and string literals are. Pure: bytes in, bytes out.

/// Separates code from comments and from the insides of string and regex literals.
///
/// Knows nested comments, raw and multi-line strings and interpolation; that is all the rules need.
struct SourceScanner {
    /// The code; everything else is a space, line ends are kept.
    private(set) var code: [UInt8]
    /// The comments; everything else is a space, line ends are kept.
    private(set) var comments: [UInt8]
    private(set) var literals: [SourceFile.Literal] = []

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    /// The last byte of code that is not a space: tells a regex literal from a division.
    private var lastMeaningful = UInt8(ascii: "\n")

    private static let quote = UInt8(ascii: "\"")
    private static let hash = UInt8(ascii: "#")
    private static let slash = UInt8(ascii: "/")
    private static let backslash = UInt8(ascii: "\\")
    private static let newline = UInt8(ascii: "\n")
    private static let star = UInt8(ascii: "*")

    init(_ text: String) {
        self.bytes = Array(text.utf8)
        self.code = self.bytes.map { $0 == Self.newline ? $0 : UInt8(ascii: " ") }
        self.comments = self.code
    }

    /// Reads the whole text.
    mutating func scan() { self.scanCode(isInterpolation: false) }

    private func byte(_ ahead: Int = 0) -> UInt8? {
        self.index + ahead < self.bytes.count ? self.bytes[self.index + ahead] : nil
    }

    private mutating func skip() {
        if self.byte() == Self.newline { self.line += 1 }
        self.index += 1
    }

    private mutating func keepAsCode() {
        self.code[self.index] = self.bytes[self.index]
        if self.bytes[self.index] > UInt8(ascii: " ") {
            self.lastMeaningful = self.bytes[self.index]
        }
        self.skip()
    }

    private mutating func keepAsComment() {
        self.comments[self.index] = self.bytes[self.index]
        self.skip()
    }

    private mutating func scanCode(isInterpolation: Bool) {
        var depth = 0
        while let byte = self.byte() {
            switch byte {
            case Self.slash where self.byte(1) == Self.slash:
                while let next = self.byte(), next != Self.newline { self.keepAsComment() }
            case Self.slash where self.byte(1) == Self.star: self.scanBlockComment()
            case Self.slash where self.isRegexStart: self.scanRegex()
            case Self.quote, Self.hash: self.scanStringOrKeep()
            case UInt8(ascii: "("):
                depth += 1
                self.keepAsCode()
            case UInt8(ascii: ")"):
                if depth == 0 && isInterpolation { return }
                depth -= 1
                self.keepAsCode()
            default: self.keepAsCode()
            }
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if self.byte() == Self.slash && self.byte(1) == Self.star {
                depth += 1
                self.keepAsComment()
            } else if self.byte() == Self.star && self.byte(1) == Self.slash {
                depth -= 1
                self.keepAsComment()
            }
            if self.byte() != nil { self.keepAsComment() }
        } while depth > 0 && self.byte() != nil
    }

    /// Whether a slash begins a regex literal: nothing stands before it that could be divided.
    private var isRegexStart: Bool {
        guard let next = self.byte(1), next != UInt8(ascii: " ") else { return false }
        return Array("\n(,=:[{?".utf8).contains(self.lastMeaningful)
    }

    private mutating func scanRegex() {
        self.keepAsCode()
        while let byte = self.byte(), byte != Self.slash, byte != Self.newline {
            if byte == Self.backslash { self.skip() }
            self.skip()
        }
        if self.byte() == Self.slash { self.keepAsCode() }
    }

    private mutating func scanStringOrKeep() {
        var hashes = 0
        while self.byte(hashes) == Self.hash { hashes += 1 }
        guard self.byte(hashes) == Self.quote else { return self.keepAsCode() }
        for _ in 0..<hashes { self.keepAsCode() }
        let isLong = self.byte(1) == Self.quote && self.byte(2) == Self.quote
        for _ in 0..<(isLong ? 3 : 1) { self.keepAsCode() }
        self.scanString(hashes: hashes, isLong: isLong)
    }

    private mutating func scanString(hashes: Int, isLong: Bool) {
        let start = self.line
        var text: [UInt8] = []
        while let byte = self.byte() {
            if !isLong && byte == Self.newline { break }
            if byte == Self.quote && self.endsString(hashes, isLong) {
                for _ in 0..<(hashes + (isLong ? 3 : 1)) { self.keepAsCode() }
                break
            }
            guard byte == Self.backslash && self.isEscape(hashes) else {
                text.append(byte)
                self.skip()
                continue
            }
            for _ in 0...hashes { self.skip() }
            guard self.byte() == UInt8(ascii: "(") else {
                self.skip()
                text.append(UInt8(ascii: " "))
                continue
            }
            self.keepAsCode()
            self.scanCode(isInterpolation: true)
            if self.byte() != nil { self.keepAsCode() }
        }
        self.literals.append(.init(line: start, text: String(decoding: text, as: UTF8.self)))
    }

    private func endsString(_ hashes: Int, _ isLong: Bool) -> Bool {
        let quotes = isLong ? 3 : 1
        return (0..<quotes).allSatisfy { self.byte($0) == Self.quote }
            && (0..<hashes).allSatisfy { self.byte(quotes + $0) == Self.hash }
    }

    private func isEscape(_ hashes: Int) -> Bool {
        (0..<hashes).allSatisfy { self.byte(1 + $0) == Self.hash }
    }
}
