// How a connection string is shown: without what nobody may read over somebody's shoulder.

/// Connection strings of libpq, as URLs and as keyword=value pairs.
enum ConnectionText {
    /// Whether it brings a password.
    static func hasPassword(_ text: String) -> Bool { Self.shown(text) != text }

    /// The text with `***` in the place of its password.
    static func shown(_ text: String) -> String {
        if let match = text.firstMatch(of: /^(postgres(?:ql)?:\/\/[^:@\/?]*:)([^@\/?]+)@/) {
            return match.1 + "***" + text[match.2.endIndex...]
        }
        return text.replacing(/(\bpassword\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&']+)/) {
            $0.1 + "***"
        }
    }
}
