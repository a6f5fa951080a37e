// How a path is written in a command that people copy.

/// A word as a shell takes it.
public enum ShellWord {
    /// The word itself where it is plain, otherwise in single quotes.
    public static func quoted(_ word: String) -> String {
        if word.wholeMatch(of: /[A-Za-z0-9_.,:\/@%+=-]+/) != nil { return word }
        return "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
