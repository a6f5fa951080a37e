// What a rule sees of a Swift file: its code without words, and its words without code.

/// A Swift file, taken apart once.
struct SourceFile: Sendable {
    /// Relative to the repository's root.
    let path: String
    /// The lines as they are written.
    let lines: [String]
    /// The same lines with comments and the insides of string literals blanked.
    let code: [String]
    /// The same lines with everything but comments blanked.
    let comments: [String]
    /// Every string literal; interpolated parts are left out of the text.
    let literals: [Literal]

    /// A string literal and the line it begins on, from 1.
    struct Literal: Sendable {
        var line: Int
        var text: String
    }

    init(path: String, text: String) {
        self.path = path
        var scanner = SourceScanner(text)
        scanner.scan()
        self.lines = Self.split(Array(text.utf8))
        self.code = Self.split(scanner.code)
        self.comments = Self.split(scanner.comments)
        self.literals = scanner.literals
    }

    /// The file's name without folders and ending.
    var stem: String {
        let name = self.path.split(separator: "/").last.map(String.init) ?? self.path
        return name.hasSuffix(".swift") ? String(name.dropLast(6)) : name
    }

    /// The module of a file below `Sources`, the target of one below `Tests`.
    var module: String {
        let parts = self.path.split(separator: "/")
        return parts.count > 1 ? String(parts[1]) : ""
    }

    /// A finding in this file.
    func finding(_ line: Int, _ advice: String) -> Finding {
        Finding(path: self.path, line: line, advice: advice)
    }

    /// One finding for each line of code in which `pattern` is found.
    func findings(matching pattern: Regex<Substring>, _ advice: String) -> [Finding] {
        self.code.enumerated()
            .filter { $0.element.has(pattern) }
            .map { self.finding($0.offset + 1, advice) }
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension String {
    /// Whether `pattern` is found; a word ends at anything but letters, digits and underscores.
    func has(_ pattern: Regex<Substring>) -> Bool {
        self.contains(pattern.wordBoundaryKind(.simple))
    }
}
