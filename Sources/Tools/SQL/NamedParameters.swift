// Where a statement's parameters and ends are: what is code, what is quoted or commented.

/// A scan of SQL text that knows what Postgres does not read as code.
struct NamedParameters {
    /// The text with `$1`, `$2`, … for its `:name` parameters.
    private(set) var text = ""
    /// The names, by number from `$1` on; each name once.
    private(set) var names: [String] = []
    /// The single statements of the text, for running them one by one.
    private(set) var statements: [String] = []

    private let bytes: [UInt8]
    private var index = 0
    private var output: [UInt8] = []
    private var statementStart = 0
    private var hasCode = false

    private let bindsParameters: Bool

    /// Scans `sql`; without `bindsParameters` a `:name` stays as it is.
    init(_ sql: String, bindsParameters: Bool = true) {
        self.bindsParameters = bindsParameters
        self.bytes = Array(sql.utf8)
        while self.index < self.bytes.count { self.step() }
        self.endStatement()
        self.text = String(decoding: self.output, as: UTF8.self)
    }

    private func byte(at offset: Int) -> UInt8? {
        let position = self.index + offset
        return self.bytes.indices.contains(position) ? self.bytes[position] : nil
    }

    private mutating func copy(_ count: Int) {
        let end = min(self.index + count, self.bytes.count)
        self.output += self.bytes[self.index..<end]
        self.index = end
    }

    private mutating func step() {
        let byte = self.bytes[self.index]
        switch byte {
        case UInt8(ascii: "'"):
            self.hasCode = true
            self.copyQuoted(byte, hasEscapes: self.isEscapeString)
        case UInt8(ascii: "\""):
            self.hasCode = true
            self.copyQuoted(byte, hasEscapes: false)
        case UInt8(ascii: "-") where self.byte(at: 1) == byte:
            while self.index < self.bytes.count, self.bytes[self.index] != 0x0A { self.copy(1) }
        case UInt8(ascii: "/") where self.byte(at: 1) == UInt8(ascii: "*"): self.copyComment()
        case UInt8(ascii: "$") where !self.isAfterWord: self.copyDollarQuoted()
        case UInt8(ascii: ":"): self.copyColon()
        case UInt8(ascii: ";"):
            self.endStatement()
            self.copy(1)
            self.statementStart = self.output.count
        case 0x20, 0x09, 0x0A, 0x0D: self.copy(1)
        default:
            self.hasCode = true
            self.copy(1)
        }
    }

    private mutating func endStatement() {
        if self.hasCode {
            self.statements.append(
                String(decoding: self.output[self.statementStart...], as: UTF8.self)
            )
        }
        self.hasCode = false
    }

    /// `E'…'`: a backslash escapes there, and only there.
    private var isEscapeString: Bool {
        guard let before = self.byte(at: -1),
            before == UInt8(ascii: "e") || before == UInt8(ascii: "E")
        else { return false }
        return !(self.byte(at: -2).map(Self.isWord) ?? false)
    }

    private var isAfterWord: Bool { self.byte(at: -1).map(Self.isWord) ?? false }

    /// A doubled quote is one quote inside; it works out as two quoted texts in a row.
    private mutating func copyQuoted(_ quote: UInt8, hasEscapes: Bool) {
        self.copy(1)
        while self.index < self.bytes.count {
            let byte = self.bytes[self.index]
            if hasEscapes, byte == UInt8(ascii: "\\") {
                self.copy(2)
                continue
            }
            if byte == quote, hasEscapes, self.byte(at: 1) == quote {
                self.copy(2)
                continue
            }
            self.copy(1)
            if byte == quote { return }
        }
    }

    /// Comments nest in Postgres.
    private mutating func copyComment() {
        var depth = 0
        while self.index < self.bytes.count {
            switch (self.bytes[self.index], self.byte(at: 1)) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                depth += 1
                self.copy(2)
            case (UInt8(ascii: "*"), UInt8(ascii: "/")):
                depth -= 1
                self.copy(2)
                if depth == 0 { return }
            default: self.copy(1)
            }
        }
    }

    /// `$tag$ … $tag$`; a `$` that opens none (as in `$1`) is code.
    private mutating func copyDollarQuoted() {
        self.hasCode = true
        var end = self.index + 1
        while end < self.bytes.count, Self.isWord(self.bytes[end]) { end += 1 }
        let isTag = end < self.bytes.count && self.bytes[end] == UInt8(ascii: "$")
        let startsWithDigit = self.byte(at: 1).map { (0x30...0x39).contains($0) } ?? false
        guard isTag, !startsWithDigit else { return self.copy(1) }
        let tag = self.bytes[self.index...end]
        self.copy(tag.count)
        while self.index < self.bytes.count {
            if self.bytes[self.index...].starts(with: tag) { return self.copy(tag.count) }
            self.copy(1)
        }
    }

    /// `::type` and `:=` are code, `a[1:n]` needs a space before its second bound's name.
    private mutating func copyColon() {
        self.hasCode = true
        if self.byte(at: 1) == UInt8(ascii: ":") { return self.copy(2) }
        guard self.bindsParameters, let first = self.byte(at: 1), Self.isWord(first),
            !(0x30...0x39).contains(first)
        else { return self.copy(1) }
        var end = self.index + 1
        while end < self.bytes.count, Self.isWord(self.bytes[end]) { end += 1 }
        let name = String(decoding: self.bytes[(self.index + 1)..<end], as: UTF8.self)
        let number: Int
        if let known = self.names.firstIndex(of: name) {
            number = known + 1
        } else {
            self.names.append(name)
            number = self.names.count
        }
        self.output += Array("$\(number)".utf8)
        self.index = end
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xFF:
            true
        default: false
        }
    }
}
