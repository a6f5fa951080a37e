// What a SQL text says about itself without a database: its parameters and whether it only reads.

/// A SQL text taken apart as far as needed to find `:name` parameters and keywords.
///
/// Texts, quoted names, comments and dollar quotes hold neither; `::type` is a cast.
public struct SQLText: Sendable, Hashable {
    /// One `:name` in the text.
    public struct Parameter: Sendable, Hashable {
        /// The name, without the colon.
        public var name: String
        /// The byte range of colon and name.
        public var range: Range<Int>
    }

    /// Every parameter, in the order of the text; a name may come more than once.
    public let parameters: [Parameter]
    /// The words of each statement, lower case; empty statements are left out.
    public let statements: [[String]]

    /// Takes `text` apart. Never fails: what is not SQL has odd words.
    public init(_ text: String) {
        var scanner = SQLScanner(text)
        scanner.scan()
        self.parameters = scanner.parameters
        self.statements = scanner.statements.filter { !$0.isEmpty }
    }

    /// Whether every statement begins like one that only reads.
    ///
    /// A function that writes is not seen; that is what a step's `effects` is for.
    public var readsOnly: Bool {
        !self.statements.isEmpty && self.statements.allSatisfy(Self.readsOnly)
    }

    private static func readsOnly(_ words: [String]) -> Bool {
        let writes = ["insert", "update", "delete", "merge", "create", "into"]
        switch words.first {
        case "select", "table", "values": return !words.contains("into")
        case "show": return true
        case "with", "explain": return !words.contains(where: writes.contains)
        default: return false
        }
    }
}

private struct SQLScanner {
    private let bytes: [UInt8]
    private var index = 0
    var parameters: [SQLText.Parameter] = []
    var statements: [[String]] = [[]]

    init(_ text: String) { self.bytes = Array(text.utf8) }

    mutating func scan() {
        while let byte = self.peek() {
            switch byte {
            case 0x27: self.skipQuoted(by: byte, escapes: false)
            case 0x22: self.skipQuoted(by: byte, escapes: false)
            case 0x2D where self.peek(1) == 0x2D: self.skipLine()
            case 0x2F where self.peek(1) == 0x2A: self.skipComment()
            case 0x24: self.skipDollar()
            case 0x3A: self.colon()
            case 0x3B:
                self.statements.append([])
                self.index += 1
            case _ where Self.isLetter(byte): self.word()
            case _ where Self.isDigit(byte): while self.isInWord { self.index += 1 }
            default: self.index += 1
            }
        }
    }

    private mutating func colon() {
        let start = self.index
        self.index += 1
        if self.peek() == 0x3A || self.peek() == 0x3D {
            self.index += 1
            return
        }
        guard let first = self.peek(), Self.isLetter(first) else { return }
        while let byte = self.peek(), Self.isLetter(byte) || Self.isDigit(byte) { self.index += 1 }
        let name = String(decoding: self.bytes[(start + 1)..<self.index], as: UTF8.self)
        self.parameters.append(SQLText.Parameter(name: name, range: start..<self.index))
    }

    private mutating func word() {
        let start = self.index
        while self.isInWord { self.index += 1 }
        let word = String(decoding: self.bytes[start..<self.index], as: UTF8.self).lowercased()
        if word == "e", self.peek() == 0x27 {
            self.skipQuoted(by: 0x27, escapes: true)
        } else {
            self.statements[self.statements.count - 1].append(word)
        }
    }

    private mutating func skipQuoted(by quote: UInt8, escapes: Bool) {
        self.index += 1
        while let byte = self.peek() {
            self.index += escapes && byte == 0x5C ? 2 : 1
            if byte == quote {
                if self.peek() != quote { return }
                self.index += 1
            }
        }
    }

    private mutating func skipLine() {
        while let byte = self.peek(), byte != 0x0A { self.index += 1 }
    }

    /// Comments nest in PostgreSQL.
    private mutating func skipComment() {
        var depth = 0
        while let byte = self.peek() {
            if byte == 0x2F, self.peek(1) == 0x2A {
                depth += 1
                self.index += 2
            } else if byte == 0x2A, self.peek(1) == 0x2F {
                depth -= 1
                self.index += 2
                if depth == 0 { return }
            } else {
                self.index += 1
            }
        }
    }

    /// `$tag$ … $tag$`; `$1` is a parameter of another style.
    private mutating func skipDollar() {
        var end = self.index + 1
        while end < self.bytes.count,
            Self.isLetter(self.bytes[end]) || Self.isDigit(self.bytes[end])
        {
            end += 1
        }
        let isTag = end < self.bytes.count && self.bytes[end] == 0x24
        guard isTag, !Self.isDigit(self.bytes[self.index + 1]) else {
            self.index += 1
            return
        }
        let tag = Array(self.bytes[self.index...end])
        self.index = end + 1
        while self.index < self.bytes.count {
            if self.bytes[self.index] == 0x24, self.bytes[self.index...].starts(with: tag) {
                self.index += tag.count
                return
            }
            self.index += 1
        }
    }

    private var isInWord: Bool {
        guard let byte = self.peek() else { return false }
        return Self.isLetter(byte) || Self.isDigit(byte) || byte == 0x24
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        let place = self.index + ahead
        return place < self.bytes.count ? self.bytes[place] : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Bytes above ASCII are letters of names.
    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F || byte >= 0x80
    }
}
