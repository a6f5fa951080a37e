// The bytes of a plan file, and where a character of a value stands in them.

internal import PulserIR

/// A plan file's text with its line starts.
struct SourceFile {
    let name: String
    let bytes: [UInt8]
    private let lineStarts: [Int]

    /// Takes text that is known to be UTF-8.
    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        var starts = [0]
        for (index, byte) in bytes.enumerated() {
            let isLoneReturn =
                byte == 0x0D && !(index + 1 < bytes.count && bytes[index + 1] == 0x0A)
            if byte == 0x0A || isLoneReturn { starts.append(index + 1) }
        }
        self.lineStarts = starts
    }

    /// The place of a byte.
    func mark(at offset: Int) -> SourceMark {
        var low = 0
        var high = self.lineStarts.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if self.lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
        }
        let end = min(offset, self.bytes.count)
        let start = min(self.lineStarts[low], end)
        let scalars = self.bytes[start..<end].count { $0 & 0xC0 != 0x80 }
        return SourceMark(line: low + 1, column: scalars + 1)
    }

    /// The byte at a place; `nil` outside the text.
    func offset(of mark: SourceMark) -> Int? {
        guard self.lineStarts.indices.contains(mark.line - 1) else { return nil }
        var offset = self.lineStarts[mark.line - 1]
        var column = 1
        while column < mark.column {
            offset += 1
            while offset < self.bytes.count, self.bytes[offset] & 0xC0 == 0x80 { offset += 1 }
            column += 1
        }
        return offset < self.bytes.count ? offset : nil
    }

    /// Where byte `offset` of a text's value stands, by walking source and value side by side;
    /// the beginning of the value when quoting is too clever to follow.
    func mark(in node: SourceNode, at offset: Int) -> SourceMark {
        guard let text = node.text, let start = self.offset(of: node.mark) else { return node.mark }
        var walk = ValueWalk(source: self.bytes, index: start, style: node.style)
        guard let place = walk.place(of: offset, in: Array(text.utf8)) else { return node.mark }
        return self.mark(at: place)
    }
}

/// Walks a scalar's source and its value side by side.
private struct ValueWalk {
    let source: [UInt8]
    var index: Int
    let style: SourceNode.Style

    mutating func place(of offset: Int, in value: [UInt8]) -> Int? {
        self.skipProperties()
        switch self.style {
        case .plain: break
        case .singleQuoted, .doubleQuoted: self.index += 1
        case .block: while let byte = self.byte(0), byte != 0x0A { self.index += 1 }
        }
        var read = 0
        while read < offset, read < value.count {
            guard let byte = self.byte(0) else { return nil }
            if self.style == .doubleQuoted, byte == 0x5C {
                read += self.skipEscape(value[read])
            } else if byte == value[read] {
                let isPair = self.style == .singleQuoted && byte == 0x27
                self.index += isPair ? 2 : 1
                read += 1
            } else if Self.isSpace(byte) {
                self.index += 1
            } else if Self.isSpace(value[read]) {
                read += 1
            } else {
                return nil
            }
        }
        guard read < value.count, !Self.isSpace(value[read]) else { return self.index }
        while let byte = self.byte(0), Self.isSpace(byte) { self.index += 1 }
        return self.index
    }

    /// Skips one escape; how many bytes of the value it stands for.
    private mutating func skipEscape(_ next: UInt8) -> Int {
        let lengths: [UInt8: Int] = [0x78: 4, 0x75: 6, 0x55: 10]
        switch self.byte(1) {
        case .some(let byte) where byte == next:
            self.index += 1  // \" \\ \/: the character itself is matched next.
            return 0
        case .some(let byte):
            self.index += lengths[byte] ?? 2
            if Self.isSpace(byte) { return 0 }
            return next < 0x80 ? 1 : next < 0xE0 ? 2 : next < 0xF0 ? 3 : 4
        case nil:
            self.index += 1
            return 0
        }
    }

    /// An anchor or a tag before the value.
    private mutating func skipProperties() {
        while let byte = self.byte(0), byte == 0x26 || byte == 0x21 {
            while let byte = self.byte(0), !Self.isSpace(byte) { self.index += 1 }
            while let byte = self.byte(0), Self.isSpace(byte) { self.index += 1 }
        }
    }

    private func byte(_ ahead: Int) -> UInt8? {
        let place = self.index + ahead
        return place < self.source.count ? self.source[place] : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}
