// How single values are read: each has one type, and an error stands at the value.

internal import PulserIR

extension PlanReader {
    /// The keys of a map.
    typealias Fields = [String: SourceEntry]

    /// The entries of a map whose keys are all known; `nil` when it is no map.
    mutating func fields(
        of node: SourceNode,
        _ what: String,
        _ known: [String],
        _ unsupported: [String: String] = [:]
    ) -> Fields? {
        guard case .map(let entries) = node.content else {
            self.log.error(
                "\(what) must be a map, not \(node.typeName)",
                at: node.mark,
                hint: "its keys are \(known.joined(separator: ", "))"
            )
            return nil
        }
        var fields: Fields = [:]
        for entry in entries {
            if known.contains(entry.key) {
                fields[entry.key] = entry
            } else if let noun = unsupported[entry.key] {
                self.log.error("\(noun) are not supported by this version", at: entry.mark)
            } else {
                self.log.error(
                    "unknown key '\(entry.key)' in \(what)",
                    at: entry.mark,
                    hint: Suggestion.hint(for: entry.key, among: known)
                )
            }
        }
        return fields
    }

    /// The items of a list; an absent one is empty.
    mutating func items(_ entry: SourceEntry?) -> [SourceNode] {
        guard let entry else { return [] }
        guard case .list(let items) = entry.value.content else {
            self.mismatch(entry, "a list")
            return []
        }
        return items
    }

    /// The entries of a map with free keys; an absent one is empty.
    mutating func entries(_ entry: SourceEntry?) -> [SourceEntry] {
        guard let entry else { return [] }
        guard case .map(let entries) = entry.value.content else {
            self.mismatch(entry, "a map")
            return []
        }
        return entries
    }

    /// Text without expressions.
    mutating func literalText(_ entry: SourceEntry?) -> String? {
        guard let entry else { return nil }
        guard let text = entry.value.text else {
            self.mismatch(entry, "text", hint: "put it in quotes")
            return nil
        }
        if text.contains("{{") {
            self.log.error("'\(entry.key)' cannot hold expressions", at: entry.value.mark)
            return nil
        }
        return text
    }

    mutating func boolean(_ entry: SourceEntry?) -> Bool? {
        guard let entry else { return nil }
        guard case .bool(let value) = entry.value.content else {
            self.mismatch(entry, "true or false")
            return nil
        }
        return value
    }

    mutating func integer(_ entry: SourceEntry?, in range: ClosedRange<Int>) -> Int? {
        guard let entry else { return nil }
        guard case .integer(let value) = entry.value.content, let number = Int(exactly: value)
        else {
            self.mismatch(entry, "an integer")
            return nil
        }
        guard range.contains(number) else {
            self.log.error(
                "'\(entry.key)' must be \(range.lowerBound) to \(range.upperBound), not \(number)",
                at: entry.value.mark
            )
            return nil
        }
        return number
    }

    mutating func number(_ entry: SourceEntry?, in range: ClosedRange<Double>) -> Double? {
        guard let entry else { return nil }
        let number: Double
        switch entry.value.content {
        case .integer(let value): number = Double(value)
        case .number(let value): number = value
        default:
            self.mismatch(entry, "a number")
            return nil
        }
        guard range.contains(number) else {
            let least = JSONValue.number(range.lowerBound).canonicalText
            let most = JSONValue.number(range.upperBound).canonicalText
            self.log.error("'\(entry.key)' must be \(least) to \(most)", at: entry.value.mark)
            return nil
        }
        return number
    }

    /// A duration above zero, or from zero on where that means something.
    mutating func duration(_ entry: SourceEntry?, allowsZero: Bool = false) -> Int64? {
        guard let entry else { return nil }
        let hint = "write one number and a unit: 500ms, 2s, 5m, 1h or 1d"
        guard let text = entry.value.text, let value = PlanDuration.milliseconds(text) else {
            let shown = entry.value.text.map { "'\($0.prefix(40))'" } ?? entry.value.typeName
            self.log.error(
                "'\(entry.key)' must be a duration, not \(shown)",
                at: entry.value.mark,
                hint: hint
            )
            return nil
        }
        guard value > 0 || allowsZero else {
            self.log.error("'\(entry.key)' must be above zero", at: entry.value.mark)
            return nil
        }
        return value
    }

    /// One word of a closed set.
    mutating func choice<Word>(_ entry: SourceEntry?, _ type: Word.Type) -> Word?
    where Word: RawRepresentable<String> & CaseIterable {
        guard let entry else { return nil }
        return self.choice(entry.value, "'\(entry.key)'", type)
    }

    /// One word of a closed set.
    mutating func choice<Word>(_ node: SourceNode, _ what: String, _ type: Word.Type) -> Word?
    where Word: RawRepresentable<String> & CaseIterable {
        if let text = node.text, let word = Word(rawValue: text) { return word }
        let known = Word.allCases.map(\.rawValue)
        let shown = node.text.map { "'\($0.prefix(40))'" } ?? node.typeName
        self.log.error(
            "\(what) cannot be \(shown)",
            at: node.mark,
            hint: node.text.flatMap { Suggestion.closest(to: $0, among: known) }
                .map { "did you mean '\($0)'?" } ?? "one of \(known.joined(separator: ", "))"
        )
        return nil
    }

    /// A name: a letter or `_`, then letters, digits, `_`, `-`; at most 64.
    mutating func name(_ node: SourceNode, _ what: String) -> String? {
        guard let text = node.text else {
            self.log.error("\(what) must be text, not \(node.typeName)", at: node.mark)
            return nil
        }
        guard Self.isName(text) else {
            self.log.error(
                "'\(text.prefix(80))' cannot be \(what)",
                at: node.mark,
                hint: "a letter or '_', then letters, digits, '-', '_'; at most 64"
            )
            return nil
        }
        return text
    }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        let isStart = first == 0x5F || (0x61...0x7A).contains(first | 0x20)
        return isStart
            && text.utf8.allSatisfy {
                $0 == 0x5F || $0 == 0x2D || (0x30...0x39).contains($0)
                    || (0x61...0x7A).contains($0 | 0x20)
            }
    }

    mutating func mismatch(_ entry: SourceEntry, _ wanted: String, hint: String? = nil) {
        self.log.error(
            "'\(entry.key)' must be \(wanted), not \(entry.value.typeName)",
            at: entry.value.mark,
            hint: hint
        )
    }

    mutating func missing(_ key: String, at mark: SourceMark, hint: String? = nil) {
        self.log.error("'\(key)' is missing", at: mark, hint: hint)
    }

    /// A regular expression that compiles.
    mutating func pattern(_ entry: SourceEntry?) -> String? {
        guard let entry, let text = self.literalText(entry) else { return nil }
        guard Self.isShallow(text) else {
            self.log.error(
                "'\(entry.key)' is too long or has too many brackets",
                at: entry.value.mark,
                hint: "at most 4096 bytes and 32 opening brackets"
            )
            return nil
        }
        do {
            _ = try Regex(text)
            return text
        } catch {
            self.log.error(
                "'\(entry.key)' is not a regular expression",
                at: entry.value.mark,
                hint: "a bracket or backslash meant as text is written with a backslash"
            )
            return nil
        }
    }

    /// Whether the recursive reader of regular expressions is safe with `pattern`.
    private static func isShallow(_ pattern: String) -> Bool {
        guard pattern.utf8.count <= 4_096 else { return false }
        // Closing brackets may be escaped or in a class, so only opening ones are trusted.
        return pattern.utf8.count { $0 == 0x28 || $0 == 0x5B } <= 32
    }
}
