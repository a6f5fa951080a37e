// Decides which part of a representation a request wants (RFC 9110, 14).

/// What a `range` field asks of a representation.
enum ByteRange: Sendable, Hashable {
    /// The whole: no range, or one that must be ignored.
    case whole
    /// These bytes.
    case part(Range<Int64>)
    /// A range that lies outside.
    case outside

    /// Reads a field.
    ///
    /// One range is answered; several at once are answered with the whole, as the RFC allows.
    init(_ field: String?, size: Int64) {
        self = .whole
        guard let field, field.lowercased().hasPrefix("bytes=") else { return }
        let text = field.dropFirst(6).filter { $0 != " " }
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, !text.contains(",") else { return }
        if halves[0].isEmpty {
            guard let count = Self.number(halves[1]) else { return }
            self = count == 0 || size == 0 ? .outside : .part(max(0, size - count)..<size)
            return
        }
        guard let first = Self.number(halves[0]) else { return }
        var last = size - 1
        if !halves[1].isEmpty {
            guard let given = Self.number(halves[1]), given >= first else { return }
            last = min(given, last)
        }
        self = first < size ? .part(first..<(last + 1)) : .outside
    }

    /// Digits only; a number too large for us lies behind every end.
    private static func number(_ text: some StringProtocol) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text) ?? .max
    }
}
