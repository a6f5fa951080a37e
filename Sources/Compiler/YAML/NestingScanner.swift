// Whether a text is safe to give to the YAML composer, which recurses once per level.

internal import PulserIR

/// Walks YAML text token by token, without recursion, and measures how deep it nests.
///
/// It errs on the side of depth: text that YAML would refuse may be counted deeper than it is.
/// Aliases are followed only where a value stands alone in block style, so that no key can hold
/// one: the composer hashes keys, and hashing an alias bomb takes for ever.
struct NestingScanner {
    /// Why a text is refused.
    struct Refusal {
        var offset: Int
        var message: String
        var hint: String?
    }

    private let bytes: [UInt8]
    private var index = 0
    private var lineStart = 0
    private var indents: [Int] = []
    private var flow = 0
    private var aliasLevels = 0
    private var hasComplexKey = false
    /// Whether the next token is the first of its line, or of what follows `- `.
    private var isFirst = true
    /// The column of that token.
    private var firstColumn = 0
    /// The column of the list item or key that the next value belongs to.
    private var parent = -1

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first reason to refuse `bytes`, if there is one.
    static func refusal(of bytes: [UInt8]) -> Refusal? {
        var scanner = NestingScanner(bytes)
        return scanner.scan()
    }

    private mutating func scan() -> Refusal? {
        if self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { self.index = 3 }
        self.lineStart = self.index
        while let byte = self.peek() {
            switch byte {
            case 0x20, 0x09: self.index += 1
            case 0x0A, 0x0D:
                self.index += 1
                self.lineStart = self.index
                self.isFirst = true
            case 0x23: self.skipLine()
            default:
                if let refusal = self.flow > 0 ? self.token(byte) : self.blockToken(byte) {
                    return refusal
                }
            }
        }
        return nil
    }

    /// A token outside brackets, where columns count.
    private mutating func blockToken(_ byte: UInt8) -> Refusal? {
        let column = self.index - self.lineStart
        if self.isFirst {
            if column == 0, self.skipDirectiveOrMarker(byte) { return nil }
            while let last = self.indents.last, last >= column { self.indents.removeLast() }
            self.indents.append(column)
            self.firstColumn = column
            self.isFirst = false
        }
        if self.indents.count > Limits.planDepthMax { return self.tooDeep }
        if byte == 0x2D || byte == 0x3F, self.isSpace(self.peek(1)) {
            if byte == 0x3F { self.hasComplexKey = true }
            self.parent = column
            self.index += 1
            // What follows on this line is a level of its own, at its own column.
            self.isFirst = true
            return nil
        }
        if byte == 0x3A, self.isSpace(self.peek(1)) { self.parent = self.firstColumn }
        return self.token(byte)
    }

    private mutating func token(_ byte: UInt8) -> Refusal? {
        switch byte {
        case 0x22: self.skipDoubleQuoted()
        case 0x27: self.skipSingleQuoted()
        case 0x5B, 0x7B:
            self.flow += 1
            if self.indents.count + self.flow > Limits.planDepthMax { return self.tooDeep }
            self.index += 1
        case 0x5D, 0x7D:
            self.flow = max(0, self.flow - 1)
            self.index += 1
        case 0x2C, 0x3A, 0x3F:
            if byte == 0x3F, self.flow > 0 { self.hasComplexKey = true }
            if self.flow > 0 || self.isSpace(self.peek(1)) {
                self.index += 1
            } else {
                self.skipPlain()
            }
        case 0x7C, 0x3E:
            if self.flow == 0 { self.skipBlockScalar() } else { self.index += 1 }
        case 0x26, 0x21: self.skipWord()
        case 0x2A: return self.alias()
        default: self.skipPlain()
        }
        return nil
    }

    // MARK: Tokens

    private mutating func alias() -> Refusal? {
        let start = self.index
        self.skipWord()
        let end = self.index
        while let byte = self.peek(), byte == 0x20 || byte == 0x09 { self.index += 1 }
        let next = self.peek()
        let standsAlone = next == nil || next == 0x0A || next == 0x0D || next == 0x23
        guard self.flow == 0, standsAlone, !self.hasComplexKey, end > start + 1 else {
            return Refusal(
                offset: start,
                message: "an alias may only stand alone as the value of a block key or list item",
                hint: "repeat the value, or put text that begins with '*' in quotes"
            )
        }
        // The composed tree can be as deep as all these levels together.
        self.aliasLevels += self.indents.count
        guard self.aliasLevels <= 512 else {
            return Refusal(offset: start, message: "too many aliases", hint: "repeat the values")
        }
        return nil
    }

    private mutating func skipDoubleQuoted() {
        self.index += 1
        while let byte = self.peek() {
            self.advanceLine(byte)
            self.index += byte == 0x5C ? 2 : 1
            if byte == 0x22 { return }
        }
    }

    private mutating func skipSingleQuoted() {
        self.index += 1
        while let byte = self.peek() {
            self.advanceLine(byte)
            self.index += 1
            if byte == 0x27 {
                if self.peek() != 0x27 { return }
                self.index += 1
            }
        }
    }

    /// A plain scalar goes on over line ends while lines are indented more than its parent.
    private mutating func skipPlain() {
        while true {
            while let byte = self.peek(), byte != 0x0A, byte != 0x0D {
                if byte == 0x23, self.isAfterSpace { return }
                if byte == 0x3A {
                    let next = self.peek(1)
                    if self.isSpace(next) { return }
                    if self.flow > 0, let next, [0x2C, 0x5B, 0x5D, 0x7B, 0x7D].contains(next) {
                        return
                    }
                }
                if self.flow > 0, [0x2C, 0x5B, 0x5D, 0x7B, 0x7D].contains(byte) { return }
                self.index += 1
            }
            guard let next = self.nextContent() else { return }
            guard self.bytes[next] != 0x23 else { return }
            let start = self.start(ofLineAt: next)
            if self.flow == 0, next - start <= self.parent { return }
            self.index = next
            self.lineStart = start
        }
    }

    /// Skips the header of a block scalar and every line that belongs to it.
    private mutating func skipBlockScalar() {
        var content: Int?
        while let byte = self.peek(), byte != 0x0A, byte != 0x0D {
            if (0x31...0x39).contains(byte), content == nil {
                content = max(self.parent, 0) + Int(byte - 0x30)
            }
            if byte == 0x23 { break }
            self.index += 1
        }
        self.skipLine()
        while let next = self.nextContent() {
            let start = self.start(ofLineAt: next)
            let column = next - start
            guard column > self.parent, column >= content ?? 0 else { return }
            content = content ?? column
            self.index = next
            self.skipLine()
        }
        self.index = self.bytes.count
    }

    // MARK: Bytes

    private var isAfterSpace: Bool {
        self.index == self.lineStart || self.isSpace(self.bytes[self.index - 1])
    }

    /// Skips `%…` lines, and `---` or `...`; what follows a marker on its line is content.
    private mutating func skipDirectiveOrMarker(_ byte: UInt8) -> Bool {
        if byte == 0x25 {
            self.skipLine()
            return true
        }
        let marker = self.bytes[self.index...].prefix(3)
        guard
            marker.elementsEqual([0x2D, 0x2D, 0x2D]) || marker.elementsEqual([0x2E, 0x2E, 0x2E]),
            self.isSpace(self.peek(3))
        else { return false }
        self.index += 3
        self.indents = []
        self.parent = -1
        return true
    }

    private func isSpace(_ byte: UInt8?) -> Bool {
        byte == nil || byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        let place = self.index + ahead
        return place < self.bytes.count ? self.bytes[place] : nil
    }

    private mutating func skipWord() {
        while let byte = self.peek(), !self.isSpace(byte) {
            if self.flow > 0, [0x2C, 0x5B, 0x5D, 0x7B, 0x7D].contains(byte) { return }
            self.index += 1
        }
    }

    private mutating func skipLine() {
        while let byte = self.peek(), byte != 0x0A, byte != 0x0D { self.index += 1 }
    }

    private mutating func advanceLine(_ byte: UInt8) {
        if byte == 0x0A || byte == 0x0D { self.lineStart = self.index + 1 }
    }

    /// The next byte behind this one that is neither space nor line end.
    private func nextContent() -> Int? {
        var place = self.index
        while place < self.bytes.count {
            let byte = self.bytes[place]
            if byte != 0x20, byte != 0x0A, byte != 0x0D, byte != 0x09 { return place }
            place += 1
        }
        return nil
    }

    private func start(ofLineAt offset: Int) -> Int {
        var place = offset
        while place > 0, self.bytes[place - 1] != 0x0A, self.bytes[place - 1] != 0x0D { place -= 1 }
        return place
    }

    private var tooDeep: Refusal {
        Refusal(
            offset: self.index,
            message: "nested deeper than \(Limits.planDepthMax) levels",
            hint: nil
        )
    }
}
