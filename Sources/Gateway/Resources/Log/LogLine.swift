// What a line of a run's log is, and how it is found among the events of a lane.

import PulserIR

/// One line that a step of a run printed.
struct LogLine: Sendable, Hashable {
    /// How grave a line says it is.
    enum Level: String, Sendable, Hashable, CaseIterable {
        case error
        case warning
        case info
        case debug
        /// It does not say.
        case none
    }

    /// Counts the run's lines from 1, whatever is filtered.
    var number: Int64
    /// The event's number in the lane's log.
    var sequence: Int64
    /// When it was printed, as text.
    var at: String
    /// The step; `id[3]` for an item of a fan-out.
    var step: String
    /// The attempt of the step.
    var attempt: Int64
    /// `stdout` or `stderr`.
    var stream: String
    /// The line.
    var text: String
    /// Whether the rest was cut here.
    var isCut: Bool

    /// Reads the event of a line.
    init?(number: Int64, sequence: Int64, event: ArraySlice<UInt8>) {
        guard let json = try? JSONValue(parsing: event), let data = json["data"] else { return nil }
        self.number = number
        self.sequence = sequence
        self.at = json["at"]?.stringValue ?? ""
        self.step = json["step"]?.stringValue ?? ""
        self.attempt = json["attempt"]?.integerValue ?? 1
        self.stream = data["stream"]?.stringValue ?? "stdout"
        self.text = data["line"]?.stringValue ?? ""
        self.isCut = data["truncated"]?.boolValue ?? false
    }

    /// What it says of itself, whatever colours it has.
    var level: Level {
        var bytes = Array(self.text.utf8)
        LineText.strip(&bytes)
        return LineText.level(bytes[...])
    }
}

/// Which lines are wanted; empty and `nil` mean any.
struct LogFilter: Sendable, Hashable {
    /// Sources that are no steps.
    static let streams: Set<String> = ["stdout", "stderr"]

    /// Attempts of the step.
    var attempts: [Int64] = []
    /// Levels.
    var levels: [LogLine.Level] = []
    /// Steps, an item's step for all of its items; or `stdout` and `stderr`.
    var sources: [String] = []

    /// Wants every line.
    init() {}

    /// Whether every line is wanted.
    var isEmpty: Bool {
        self.attempts.isEmpty && self.levels.isEmpty && self.sources.isEmpty
    }

    /// Whether a line is wanted.
    func wants(_ line: LogLine) -> Bool {
        if !self.attempts.isEmpty, !self.attempts.contains(line.attempt) { return false }
        if !self.levels.isEmpty, !self.levels.contains(line.level) { return false }
        let streams = self.sources.filter { $0 == "stdout" || $0 == "stderr" }
        if !streams.isEmpty, !streams.contains(line.stream) { return false }
        let steps = self.sources.filter { $0 != "stdout" && $0 != "stderr" }
        if steps.isEmpty { return true }
        return steps.contains { line.step == $0 || line.step.hasPrefix("\($0)[") }
    }
}

/// Tells the lines of one run among the events of its lane without reading them.
struct LineMark: Sendable {
    private static let time = "2026-11-20T12:00:00.000Z".utf8.count
    private let head: [UInt8]

    init(run: RunID) {
        self.head = Array("\",\"type\":\"step.output\",\"run\":\"\(run)\"".utf8)
    }

    /// Whether an event is a line of the run.
    func isLine(_ event: ArraySlice<UInt8>) -> Bool { self.end(of: event) != nil }

    /// The place behind the run in an event that is a line of it, else `nil`.
    ///
    /// An event is `{"seq":7,"at":"…24…","type":"step.output","run":"…"`.
    func end(of event: ArraySlice<UInt8>) -> Int? {
        let comma = UInt8(ascii: ",")
        guard let end = event.prefix(32).firstIndex(of: comma) else { return nil }
        // Behind the comma: "at":" is 6 bytes.
        let start = end + 1 + 6 + Self.time
        guard start + self.head.count <= event.endIndex,
            event[start..<(start + self.head.count)].elementsEqual(self.head)
        else { return nil }
        return start + self.head.count
    }
}
