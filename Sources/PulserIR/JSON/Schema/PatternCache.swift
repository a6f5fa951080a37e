// How regular expressions are read and matched: by code points, found anywhere.

/// Compiled regular expressions, by their text.
public struct PatternCache {
    private var compiled: [String: Regex<AnyRegexOutput>] = [:]

    /// Reads `pattern`.
    mutating func compile(_ pattern: String) throws(JSONSchema.SchemaError) {
        guard self.compiled[pattern] == nil else { return }
        guard let regex = Self.regex(pattern) else {
            throw JSONSchema.SchemaError(message: "'\(pattern)' is no regular expression")
        }
        self.compiled[pattern] = regex
    }

    /// Whether `pattern` matches somewhere in `text`.
    mutating func matches(
        _ pattern: String,
        _ text: String
    ) throws(JSONSchema.SchemaError) -> Bool {
        try self.compile(pattern)
        guard let regex = self.compiled[pattern] else { return false }
        return Self.isMatch(regex, text)
    }

    /// `nil` when `pattern` is no regular expression.
    public static func regex(_ pattern: String) -> Regex<AnyRegexOutput>? {
        // JSON Schema and HTTP bodies speak of code points, not of graphemes.
        (try? Regex(pattern))?.matchingSemantics(.unicodeScalar)
    }

    /// Whether it matches somewhere.
    public static func isMatch(_ regex: Regex<AnyRegexOutput>, _ text: String) -> Bool {
        ((try? regex.firstMatch(in: text)) ?? nil) != nil
    }
}
