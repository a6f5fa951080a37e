// Which known name somebody who mistyped one probably meant.

/// Did-you-mean.
package enum Suggestion {
    /// The known name closest to `name`, if one is close enough to be meant.
    package static func closest(to name: String, among known: some Collection<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        guard !wanted.isEmpty, wanted.count <= 64, known.count <= Self.namesMax else { return nil }
        let tolerance = max(1, wanted.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in known.sorted() where candidate.utf8.count <= 64 {
            let distance = Self.distance(wanted, Array(candidate.lowercased().utf8))
            if distance <= tolerance, distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// A hint: the closest name, else the list of a few known ones, else `nil`.
    package static func hint(for name: String, among known: some Collection<String>) -> String? {
        if let closest = Self.closest(to: name, among: known) {
            return "did you mean '\(closest)'?"
        }
        guard !known.isEmpty, known.count <= 16 else { return nil }
        return "known here: \(known.sorted().joined(separator: ", "))"
    }

    /// Above this many names nobody is helped, and comparing with all of them takes too long.
    private static let namesMax = 1_000

    /// Edits between both texts; a swap of neighbours counts as one.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1)
                cost = min(cost, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
