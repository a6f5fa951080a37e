// Which word was meant where another one was written.

/// The known word nearest to a misspelt one.
public enum Nearest {
    /// The word that somebody may have meant.
    ///
    /// - Parameters:
    ///   - word: What they wrote.
    ///   - words: What there is.
    /// - Returns: The nearest; `nil` when none is near.
    public static func word(to word: String, among words: [String]) -> String? {
        // Of two that are as near, letters are rather swapped than left out.
        let near = words.map { ($0, Self.distance(word, $0)) }
            .min { ($0.1, abs($0.0.count - word.count)) < ($1.1, abs($1.0.count - word.count)) }
        guard let near, near.1 <= max(1, word.count / 3 + 1) else { return nil }
        return near.0
    }

    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let changed = previous + (letter == other ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = min(changed, previous + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
