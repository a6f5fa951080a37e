// Reads pages of a run's log, its end, and what a search finds, by bounded pieces of the lane's log.

import PulserIR
import Store

/// Some lines of a log.
struct LinePage: Sendable {
    /// The lines.
    var lines: [LogLine] = []
    /// The line to go on with; `nil` when there are no more and none can come.
    var next: Int64?
}

/// What a search found.
struct LogFinding: Sendable {
    /// The line.
    var line: LogLine
    /// Lines before it, whatever the filter.
    var before: [LogLine]
    /// Lines after it.
    var after: [LogLine] = []
}

/// What a search found so far.
struct LogFindings: Sendable {
    /// What was found, in order.
    var matches: [LogFinding] = []
    /// Lines that were looked at.
    var scanned: Int64 = 0
    /// The line to go on with; `nil` when all was searched.
    var next: Int64?
}

/// A line where it stands in the lane's log, not yet read.
struct FoundLine: Sendable {
    /// Counts the run's lines from 1.
    var number: Int64
    /// The event's number in the lane's log.
    var sequence: Int64
    /// The event.
    var event: ArraySlice<UInt8>

    /// The line, read; `nil` when it cannot be.
    var line: LogLine? {
        LogLine(number: self.number, sequence: self.sequence, event: self.event)
    }
}

/// Reads logs.
struct LogReader: Sendable {
    /// What one request may read and take; then it answers with what it has and where to go on.
    struct Budget: Sendable {
        /// Of the lane's log. Default 64 MiB.
        var bytes = 64 << 20
        /// Default 2 s.
        var time: Duration = .seconds(2)
        /// Of the lines answered. Default 4 MiB.
        var answerBytes = 4 << 20
    }

    /// Bytes of the lane's log in memory at once, and one chunk.
    static let pieceBytesMax = 2 << 20

    let store: Store
    let index: LogIndex
    var budget = Budget()

    /// Lines of a run that stand together in the lane's log.
    struct Piece {
        var lines: [FoundLine] = []
        var next: LogPosition
        var bytes = 0
    }

    /// The next lines from a position on.
    ///
    /// - Returns: `nil` at the end of the run's log, as far as it is stored.
    func piece(_ run: RunRow, from position: LogPosition) async throws -> Piece? {
        if run.status.isTerminal, let last = run.lastSequence, position.sequence > last {
            return nil
        }
        let chunks = try await self.store.events(
            lane: run.lane,
            from: position.sequence,
            bytesMax: Self.pieceBytesMax
        )
        guard !chunks.isEmpty else { return nil }
        let mark = LineMark(run: run.id)
        var piece = Piece(next: position)
        for chunk in chunks {
            piece.next.sequence = max(piece.next.sequence, chunk.firstSequence)
            self.index.note(run.id, piece.next)
            piece.bytes += chunk.bytes.count
            for (sequence, event) in chunk.lines where sequence >= piece.next.sequence {
                piece.next.sequence = sequence + 1
                guard mark.isLine(event) else { continue }
                piece.lines.append(
                    FoundLine(number: piece.next.line, sequence: sequence, event: event)
                )
                piece.next.line += 1
            }
        }
        return piece
    }

    /// Where reading begins to reach a line.
    func start(_ run: RunRow, line: Int64) -> LogPosition? {
        guard let first = run.firstSequence else { return nil }
        return self.index.nearest(run.id, line: line) ?? LogPosition(line: 1, sequence: first)
    }

    /// A page from a line on.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - from: The first line's number, from 1; negative counts wanted lines from the end.
    ///   - count: Lines at most.
    ///   - filter: Which lines.
    /// - Returns: The page; it may be short of lines and still have a next one.
    /// - Throws: `unavailable` when the database cannot answer in time.
    func page(
        _ run: RunRow,
        from: Int64,
        count: Int,
        filter: LogFilter
    ) async throws -> LinePage {
        guard from < 0 else {
            return try await self.page(run, after: from, count: count, filter: filter)
        }
        guard let end = try await self.end(run) else { return self.ended(run, []) }
        if filter.isEmpty {
            let first = max(1, end.line + from)
            return try await self.page(run, after: first, count: count, filter: filter)
        }
        guard let first = try await self.tail(run, -from, before: end, filter) else {
            var page = self.ended(run, [])
            if page.next != nil { page.next = end.line }
            return page
        }
        return try await self.page(run, after: first, count: count, filter: filter)
    }

    private func page(
        _ run: RunRow,
        after from: Int64,
        count: Int,
        filter: LogFilter
    ) async throws -> LinePage {
        guard var position = self.start(run, line: from) else { return self.ended(run, []) }
        var meter = LogMeter(self.budget)
        var sieve = LogSieve(run.id, filter)
        var lines: [LogLine] = []
        while let piece = try await self.piece(run, from: position) {
            for found in piece.lines where found.number >= from && sieve.admits(found.event) {
                guard let line = found.line else { continue }
                lines.append(line)
                if lines.count >= count || meter.answers(line.text.utf8.count) {
                    return LinePage(lines: lines, next: found.number + 1)
                }
            }
            position = piece.next
            if meter.reads(piece.bytes) {
                return LinePage(lines: lines, next: max(from, position.line))
            }
        }
        var page = self.ended(run, lines)
        if page.next != nil { page.next = max(from, position.line) }
        return page
    }

    /// A page at the log's end; a live run may print more.
    private func ended(_ run: RunRow, _ lines: [LogLine]) -> LinePage {
        LinePage(
            lines: lines,
            next: run.status.isTerminal ? nil : (lines.last.map { $0.number + 1 } ?? 1)
        )
    }

    /// Where the log ends now: the number that its next line would have.
    ///
    /// - Throws: `timedOut` when that cannot be found in five times the budget.
    func end(_ run: RunRow) async throws -> LogPosition? {
        guard var position = self.start(run, line: .max) else { return nil }
        var meter = LogMeter(self.budget, times: 5)
        while let piece = try await self.piece(run, from: position) {
            position = piece.next
            if meter.reads(piece.bytes) {
                throw Self.tooLong
            }
        }
        return position
    }

    static var tooLong: Problem {
        Problem(
            .timedOut,
            "the log is too long to count from its end at once",
            next: "ask again, or count from the beginning: where it ends is remembered"
        )
    }

    /// The number of the first of the last `count` wanted lines before a position.
    ///
    /// Only numbers are kept: the lines may be a hundred thousand times 64 KiB.
    private func tail(
        _ run: RunRow,
        _ count: Int64,
        before end: LogPosition,
        _ filter: LogFilter
    ) async throws -> Int64? {
        var meter = LogMeter(self.budget, times: 5)
        var sieve = LogSieve(run.id, filter)
        var stop = end
        var numbers: [Int64] = []
        var starts = self.index.positions(run.id)
        // What was forgotten in between is read from the beginning.
        if let first = run.firstSequence, starts.first?.line != 1 {
            starts.insert(LogPosition(line: 1, sequence: first), at: 0)
        }
        for start in starts.reversed() where start.sequence < stop.sequence {
            var part: [Int64] = []
            var position = start
            while position.line < stop.line, let piece = try await self.piece(run, from: position) {
                for found in piece.lines
                where found.number < stop.line && sieve.admits(found.event) {
                    part.append(found.number)
                }
                position = piece.next
                guard !meter.reads(piece.bytes) else { throw Self.tooLong }
            }
            numbers = part + numbers
            if numbers.count >= count { break }
            stop = start
        }
        return numbers.suffix(Int(count)).first
    }

    /// Searches from a line on.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - pattern: What to look for.
    ///   - from: The first line's number, from 1.
    ///   - count: Findings at most.
    ///   - context: Lines before and after each.
    ///   - filter: Which lines may be findings.
    /// - Returns: What was found; when time or bytes ran out, with the line to go on with.
    /// - Throws: `unavailable` when the database cannot answer in time.
    func search(
        _ run: RunRow,
        _ pattern: LinePattern,
        from: Int64,
        count: Int,
        context: Int,
        filter: LogFilter
    ) async throws -> LogFindings {
        var result = LogFindings()
        guard var position = self.start(run, line: max(1, from - Int64(context))) else {
            return result
        }
        var meter = LogMeter(self.budget)
        var sieve = LogSieve(run.id, filter, pattern)
        var recent: [FoundLine] = []
        // As many as are wanted, or as many bytes as are answered at once.
        var isFull = false
        while let piece = try await self.piece(run, from: position) {
            for found in piece.lines where found.number >= from - Int64(context) {
                result.extend(found, context: context)
                if isFull, found.number > (result.matches.last?.line.number ?? 0) + Int64(context) {
                    result.next = result.matches.last.map { $0.line.number + 1 }
                    return result
                }
                if found.number >= from {
                    result.scanned += 1
                    if !isFull, sieve.admits(found.event), let line = found.line {
                        let before = recent.compactMap(\.line)
                        result.matches.append(LogFinding(line: line, before: before))
                        let bytes = before.reduce(line.text.utf8.count) { $0 + $1.text.utf8.count }
                        isFull = meter.answers(2 * bytes) || result.matches.count >= count
                        if context == 0, isFull {
                            result.next = found.number + 1
                            return result
                        }
                    }
                    if await meter.works(pattern.steps(found.event.count)) {
                        result.next = result.goOn(found.number + 1, isFull)
                        return result
                    }
                }
                guard context > 0 else { continue }
                recent.append(found)
                if recent.count > context { recent.removeFirst() }
            }
            position = piece.next
            if meter.reads(piece.bytes) {
                result.next = result.goOn(max(from, position.line), isFull)
                return result
            }
        }
        if isFull {
            result.next = result.matches.last.map { $0.line.number + 1 }
        } else if !run.status.isTerminal {
            result.next = max(from, position.line)
        }
        return result
    }
}

extension LogFindings {
    /// Adds a line behind the findings it still belongs to.
    fileprivate mutating func extend(_ found: FoundLine, context: Int) {
        for index in self.matches.indices.reversed() {
            guard found.number <= self.matches[index].line.number + Int64(context) else { break }
            if let line = found.line { self.matches[index].after.append(line) }
        }
    }

    /// Where to go on when the budget is spent.
    fileprivate func goOn(_ line: Int64, _ isFull: Bool) -> Int64 {
        isFull ? (self.matches.last?.line.number ?? line) + 1 : line
    }
}
