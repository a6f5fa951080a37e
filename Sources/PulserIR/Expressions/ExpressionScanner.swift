// Which bytes of an expression form one word.

/// Takes words off the front of an expression; white space behind a word is skipped with it.
struct ExpressionScanner {
    private let bytes: [UInt8]
    /// The byte offset of the next word.
    private(set) var position = 0

    init(_ source: String) { self.bytes = Array(source.utf8) }

    var isAtEnd: Bool { self.position == self.bytes.count }
    var isAtDigit: Bool { self.byte(0).map(Self.isDigit) ?? false }

    mutating func skipSpace() {
        while let byte = self.byte(0), [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            self.position += 1
        }
    }

    /// Takes this punctuation if it is next.
    mutating func take(_ punctuation: String) -> Bool {
        let wanted = Array(punctuation.utf8)
        guard self.bytes[self.position...].starts(with: wanted) else { return false }
        // `!` is not the beginning of `!=`.
        if wanted == [0x21], self.byte(1) == 0x3D { return false }
        self.position += wanted.count
        self.skipSpace()
        return true
    }

    /// Takes a name: a letter or `_`, then letters, digits, `_`, `-`.
    mutating func takeName() -> String? {
        guard let first = self.byte(0), Self.isLetter(first) else { return nil }
        let start = self.position
        while let byte = self.byte(0), Self.isLetter(byte) || Self.isDigit(byte) || byte == 0x2D {
            self.position += 1
        }
        let name = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        self.skipSpace()
        return name
    }

    /// Takes a text in single quotes; two of them inside are one.
    mutating func takeText() throws(ExpressionError) -> String? {
        guard self.byte(0) == 0x27 else { return nil }
        let start = self.position
        var text: [UInt8] = []
        self.position += 1
        while let byte = self.byte(0) {
            self.position += 1
            if byte != 0x27 {
                text.append(byte)
            } else if self.byte(0) == 0x27 {
                text.append(byte)
                self.position += 1
            } else {
                self.skipSpace()
                return String(decoding: text, as: UTF8.self)
            }
        }
        throw ExpressionError(
            message: "the text that begins here has no closing quote",
            offset: start,
            hint: "write '' for a quote inside the text"
        )
    }

    /// Takes a JSON number.
    mutating func takeNumber() throws(ExpressionError) -> JSONValue? {
        let sign = self.byte(0) == 0x2D ? 1 : 0
        guard let first = self.byte(sign), Self.isDigit(first) else { return nil }
        let start = self.position
        self.position += sign
        self.skipDigits()
        var isWhole = true
        if self.byte(0) == 0x2E, let digit = self.byte(1), Self.isDigit(digit) {
            isWhole = false
            self.position += 1
            self.skipDigits()
        }
        if let letter = self.byte(0), letter | 0x20 == 0x65 {
            isWhole = false
            self.position += 1
            if self.byte(0) == 0x2B || self.byte(0) == 0x2D { self.position += 1 }
            self.skipDigits()
        }
        let text = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        let digits = text.utf8.dropFirst(sign)
        let isBare = !(digits.first == 0x30 && digits.dropFirst().first.map(Self.isDigit) ?? false)
        let next = self.byte(0)
        guard isBare, next.map({ !Self.isLetter($0) && !Self.isDigit($0) }) ?? true,
            let number = Double(text), number.isFinite
        else {
            throw ExpressionError(
                message: "not a number",
                offset: start,
                hint: "numbers are written as in JSON; text goes in single quotes"
            )
        }
        self.skipSpace()
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        return .number(number)
    }

    /// The error for a word that does not belong at this place.
    func unexpected() -> ExpressionError {
        guard let byte = self.byte(0) else {
            return ExpressionError(message: "the expression ends too early", offset: self.position)
        }
        let rest = String(decoding: self.bytes[self.position...].prefix(4), as: UTF8.self)
        let shown = rest.first.map { "'\($0)'" } ?? "a byte"
        let hint: String? =
            switch byte {
            case UInt8(ascii: "\""): "text goes in single quotes"
            case UInt8(ascii: "="): "equality is '=='"
            case UInt8(ascii: "&"): "'and' is '&&'"
            case UInt8(ascii: "|"): "'or' is '||'"
            case UInt8(ascii: "?"): "there is no '? :'; use 'if' on the step"
            case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"),
                UInt8(ascii: "%"):
                "there is no arithmetic; join texts with format('{0}{1}', a, b)"
            case UInt8(ascii: "{"), UInt8(ascii: "}"): "the braces stand only around an expression"
            default: nil
            }
        return ExpressionError(
            message: "unexpected \(shown) in expression",
            offset: self.position,
            hint: hint
        )
    }

    private func byte(_ ahead: Int) -> UInt8? {
        let index = self.position + ahead
        return index < self.bytes.count ? self.bytes[index] : nil
    }

    private mutating func skipDigits() {
        while let byte = self.byte(0), Self.isDigit(byte) { self.position += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }
}
