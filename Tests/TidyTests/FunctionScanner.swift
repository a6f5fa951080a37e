// Where functions begin and end, by counting braces. Pure: lines of code in, line numbers out.

/// Finds function bodies in code without comments and string contents.
enum FunctionScanner {
    /// The lines, from 1, of every function, initialiser, deinitialiser and subscript with a body.
    static func functions(in code: [String]) -> [ClosedRange<Int>] {
        code.indices.compactMap { line in
            guard let column = Self.declaration(in: code[line]) else { return nil }
            return Self.end(of: line, column, in: code).map { line + 1...$0 + 1 }
        }
    }

    private static func declaration(in line: String) -> Int? {
        let pattern =
            /^\s*(?:(?:@\w+(?:\([^)]*\))?|[a-z]+(?:\([a-z]+\))?)\s+)*(?:func\s|init[?(<]|deinit\b|subscript[(<])/
        guard let match = line.prefixMatch(of: pattern) else { return nil }
        return line.utf8.distance(from: line.startIndex, to: match.range.upperBound) - 1
    }

    /// The last line of the declaration; `nil` when it has no body.
    private static func end(of start: Int, _ column: Int, in code: [String]) -> Int? {
        var parentheses = 0
        var braces = 0
        for line in start..<code.count {
            // Another declaration before a body: a protocol's requirement.
            if line > start && braces == 0 && parentheses == 0 {
                if code[line].contains(/^\s*(?:@|func\s|init|var\s|static\s|mutating\s|associated)/)
                {
                    return nil
                }
            }
            for byte in code[line].utf8.dropFirst(line == start ? column : 0) {
                switch byte {
                case UInt8(ascii: "("): parentheses += 1
                case UInt8(ascii: ")"): parentheses -= 1
                case UInt8(ascii: "{") where parentheses == 0 || braces > 0: braces += 1
                case UInt8(ascii: "}") where parentheses == 0 || braces > 0:
                    braces -= 1
                    if braces < 0 { return nil }
                    if braces == 0 { return line }
                default: break
                }
            }
        }
        return nil
    }
}
