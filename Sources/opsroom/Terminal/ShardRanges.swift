// How numbers of shards read and are written: `0-340, 512`.

import ArgumentParser

/// Some of the shards.
struct ShardRanges: ExpressibleByArgument, Sendable, Hashable {
    /// Their numbers, ascending.
    let shards: [Int32]

    /// Takes the numbers in any order.
    init(_ shards: some Sequence<Int32>) { self.shards = Set(shards).sorted() }

    /// Reads `7`, `12-19` and several of these with commas between them.
    init?(argument: String) {
        var shards: [Int32] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .map { Int32($0) }
            guard (1...2).contains(ends.count), let first = ends[0],
                let last = ends[ends.count - 1],
                (0...1_023).contains(first), (first...1_023).contains(last)
            else { return nil }
            shards += first...last
        }
        self.init(shards)
    }

    /// Neighbours as one range; where there are more ranges than `limit`, how many are left out.
    func text(_ limit: Int = .max) -> String {
        var ranges: [ClosedRange<Int32>] = []
        for shard in self.shards {
            if let last = ranges.last, last.upperBound + 1 == shard {
                ranges[ranges.count - 1] = last.lowerBound...shard
            } else {
                ranges.append(shard...shard)
            }
        }
        let shown = ranges.prefix(limit).map {
            $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        }
        let left = ranges.dropFirst(limit).reduce(0) { $0 + $1.count }
        return shown.joined(separator: ", ") + (left == 0 ? "" : " and \(left) more")
    }
}
