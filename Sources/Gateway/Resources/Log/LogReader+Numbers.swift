// Decides which numbers the wanted lines of a log have, without answering the lines.

import PulserIR
import Store

/// The numbers of wanted lines.
struct LogNumbers: Sendable, Hashable {
    /// Lines of the log, as far as it was read.
    var total: Int64 = 0
    /// Wanted lines among them.
    var hits: Int64 = 0
    /// Their numbers, in order and apart.
    var ranges: [ClosedRange<Int64>] = []
    /// The line to go on with; `nil` when all was read and all ranges are told.
    var next: Int64?
}

extension LogReader {
    /// Ranges of one answer.
    static let rangesMax = 20_000

    /// Counts the lines of a log and finds the numbers of those that are wanted.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - pattern: What occurs in them; `nil` for anything.
    ///   - from: The first line's number, from 1; lines before it are counted as lines alone.
    ///   - filter: Which lines.
    /// - Returns: The numbers; when time, bytes or ranges ran out, with the line to go on with.
    /// - Throws: `unavailable` when the database cannot answer in time.
    func numbers(
        _ run: RunRow,
        _ pattern: LinePattern?,
        from: Int64,
        filter: LogFilter
    ) async throws -> LogNumbers {
        var result = LogNumbers()
        guard var position = self.start(run, line: from) else { return result }
        var meter = LogMeter(self.budget, times: 5)
        var sieve = LogSieve(run.id, filter, pattern)
        while let piece = try await self.piece(run, from: position) {
            for found in piece.lines where found.number >= from {
                if let pattern, await meter.works(pattern.steps(found.event.count)) {
                    result.total = found.number - 1
                    result.next = result.next ?? found.number
                    return result
                }
                guard sieve.admits(found.event) else { continue }
                result.hits += 1
                result.add(found.number)
            }
            position = piece.next
            if meter.reads(piece.bytes) {
                result.next = result.next ?? max(from, position.line)
                break
            }
        }
        result.total = position.line - 1
        return result
    }
}

extension LogNumbers {
    fileprivate mutating func add(_ number: Int64) {
        if self.next == nil, let last = self.ranges.last, last.upperBound == number - 1 {
            self.ranges[self.ranges.count - 1] = last.lowerBound...number
        } else if self.ranges.count < LogReader.rangesMax {
            self.ranges.append(number...number)
        } else if self.next == nil {
            self.next = number
        }
    }
}
