// Decides which lines of a log a request wants, by their bytes as far as these tell it.

import PulserIR

/// Lets through the lines that a filter wants and in which a pattern occurs.
///
/// Keeps room to work in: one sieve serves one request.
struct LogSieve {
    /// Bytes in which all characters stand that may name a level, if nothing hidden is among them: each is
    /// two where it is escaped, or four.
    private static let levelBytes = 4 * 96 + 8

    private let mark: LineMark
    private let filter: LogFilter
    private let levels: Set<LogLine.Level>
    private let steps: [[UInt8]]
    private let wantsOutput: Bool
    private let wantsErrors: Bool
    private let seesEscapes: Bool
    private var finder: LineFinder?
    private var raw: [UInt8] = []

    /// Makes a sieve.
    ///
    /// - Parameters:
    ///   - run: The run whose lines come.
    ///   - filter: Which lines.
    ///   - pattern: What occurs in them; `nil` for anything.
    init(_ run: RunID, _ filter: LogFilter, _ pattern: LinePattern? = nil) {
        self.mark = LineMark(run: run)
        self.filter = filter
        self.levels = Set(filter.levels)
        let streams = filter.sources.filter { LogFilter.streams.contains($0) }
        self.wantsOutput = streams.isEmpty || streams.contains("stdout")
        self.wantsErrors = streams.isEmpty || streams.contains("stderr")
        self.steps = filter.sources.filter { !LogFilter.streams.contains($0) }.map {
            Array($0.utf8)
        }
        self.finder = pattern.map(LineFinder.init)
        self.seesEscapes = pattern?.seesEscapes ?? false
    }

    /// Whether every line of the run is wanted.
    var isOpen: Bool { self.filter.isEmpty && self.finder == nil }

    /// Whether a line of the run, without its newline, is wanted.
    mutating func admits(_ event: ArraySlice<UInt8>) -> Bool {
        if self.isOpen { return true }
        guard let start = self.mark.end(of: event), let glance = LineGlance(event, from: start)
        else { return self.admitsRead(event) }
        guard self.wantsPlace(glance) else { return false }
        if self.levels.isEmpty, self.finder == nil { return true }
        if glance.isPlain { return self.admits(text: event[glance.text]) }
        var bytes = self.raw
        self.raw = []
        bytes.removeAll(keepingCapacity: true)
        LineText.unescape(self.wanted(of: event[glance.text]), into: &bytes)
        let isWanted = self.admits(escaped: &bytes)
        self.raw = bytes
        return isWanted
    }

    /// As much of a text as is looked at: its beginning says the level, unless colours make that long.
    private func wanted(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard self.finder == nil, text.count > Self.levelBytes else { return text }
        let beginning = text.prefix(Self.levelBytes)
        let escapes = zip(beginning, beginning.dropFirst()).contains { $0 == 0x5C && $1 == 0x75 }
        return escapes ? text : beginning
    }

    private func wantsPlace(_ glance: LineGlance) -> Bool {
        guard glance.isError ? self.wantsErrors : self.wantsOutput else { return false }
        if !self.filter.attempts.isEmpty, !self.filter.attempts.contains(glance.attempt) {
            return false
        }
        if self.steps.isEmpty { return true }
        let step = glance.event[glance.step]
        return self.steps.contains {
            step.starts(with: $0)
                && (step.count == $0.count || step[step.startIndex + $0.count] == 0x5B)
        }
    }

    private mutating func admits(text: ArraySlice<UInt8>) -> Bool {
        if !self.levels.isEmpty, !self.levels.contains(LineText.level(text)) { return false }
        return self.finder?.occurs(in: text) ?? true
    }

    private mutating func admits(escaped bytes: inout [UInt8]) -> Bool {
        // Who searches for an escape sequence finds it; all others see through it.
        if self.seesEscapes, let found = self.finder?.occurs(in: bytes[...]) {
            guard found else { return false }
            LineText.strip(&bytes)
            return self.levels.isEmpty || self.levels.contains(LineText.level(bytes[...]))
        }
        LineText.strip(&bytes)
        return self.admits(text: bytes[...])
    }

    /// The same for an event that is written in a way of its own.
    private mutating func admitsRead(_ event: ArraySlice<UInt8>) -> Bool {
        guard let line = LogLine(number: 0, sequence: 0, event: event), self.filter.wants(line)
        else { return false }
        var bytes = Array(line.text.utf8)
        if !self.seesEscapes { LineText.strip(&bytes) }
        return self.finder?.occurs(in: bytes[...]) ?? true
    }
}
