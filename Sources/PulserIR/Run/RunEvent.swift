// What happened in a run, as one line of JSON in its lane's log.

/// One event of a lane's log.
///
/// As text: `{"seq":7,"at":"2026-11-20T12:00:00.000Z","type":"step.succeeded","run":"…",`
/// `"step":"build","attempt":1,"data":{…}}`; `step`, `attempt` and `data` only where they apply.
public struct RunEvent: Sendable, Hashable {
    /// The kinds of events; their words are stable.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case runStarted = "run.started"
        case runResumed = "run.resumed"
        case runWaiting = "run.waiting"
        case runPaused = "run.paused"
        case runUnpaused = "run.unpaused"
        case runRetrying = "run.retrying"
        case runRequeued = "run.requeued"
        case runProgress = "run.progress"
        case runRollingBack = "run.rolling_back"
        case runSucceeded = "run.succeeded"
        case runFailed = "run.failed"
        case runCancelled = "run.cancelled"
        case runTimedOut = "run.timed_out"
        case stepStarted = "step.started"
        case stepOutput = "step.output"
        case stepVerified = "step.verified"
        case stepRetrying = "step.retrying"
        case stepSucceeded = "step.succeeded"
        case stepFailed = "step.failed"
        case stepSkipped = "step.skipped"
        case stepCancelled = "step.cancelled"
        case stepUnknown = "step.unknown"
        case signalTaken = "signal.taken"
        case approvalDecided = "approval.decided"
        case artifactStored = "artifact.stored"
        /// Stands where something was told of the run that then was not stored: another claim had it.
        case writeRefused = "write.refused"
    }

    /// What happened.
    public var kind: Kind
    /// When, in milliseconds since 1970, by the owner's clock.
    public var atMilliseconds: Int64
    /// In which run.
    public var run: RunID
    /// In which step, if in one.
    public var step: String?
    /// In which attempt of the step.
    public var attempt: Int?
    /// More about it.
    public var data: JSONValue?

    /// Makes an event.
    public init(
        _ kind: Kind,
        at milliseconds: Int64,
        run: RunID,
        step: String? = nil,
        attempt: Int? = nil,
        data: JSONValue? = nil
    ) {
        self.kind = kind
        self.atMilliseconds = milliseconds
        self.run = run
        self.step = step
        self.attempt = attempt
        self.data = data
    }

    /// Appends the event's line, with its newline, to `bytes`.
    public func write(sequence: Int64, to bytes: inout [UInt8]) {
        Self.writeHead(sequence: sequence, to: &bytes)
        self.writeTail(to: &bytes)
    }

    /// Appends what a line begins with: all that is known only when the event gets its number.
    public static func writeHead(sequence: Int64, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: Self.head)
        JSONValue.writeInteger(sequence, to: &bytes)
    }

    /// Appends the rest of a line, with its newline.
    public func writeTail(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: Self.at)
        Timestamp.write(milliseconds: self.atMilliseconds, to: &bytes)
        bytes.append(contentsOf: Self.type)
        bytes.append(contentsOf: self.kind.rawValue.utf8)
        bytes.append(contentsOf: Self.ofRun)
        self.run.write(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        if let step = self.step {
            bytes.append(contentsOf: Self.ofStep)
            JSONValue.writeString(step, to: &bytes)
        }
        if let attempt = self.attempt {
            bytes.append(contentsOf: Self.ofAttempt)
            JSONValue.writeInteger(Int64(attempt), to: &bytes)
        }
        if let data = self.data {
            bytes.append(contentsOf: Self.withData)
            data.writeCanonical(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
    }

    // Made once: this is on the way of every event.
    private static let head = Array("{\"seq\":".utf8)
    private static let at = Array(",\"at\":\"".utf8)
    private static let type = Array("\",\"type\":\"".utf8)
    private static let ofRun = Array("\",\"run\":\"".utf8)
    private static let ofStep = Array(",\"step\":".utf8)
    private static let ofAttempt = Array(",\"attempt\":".utf8)
    private static let withData = Array(",\"data\":".utf8)
}

/// Points in time as RFC 3339 text in UTC.
public enum Timestamp {
    /// Appends `2026-11-20T12:00:00.000Z` for milliseconds since 1970.
    public static func write(milliseconds: Int64, to bytes: inout [UInt8]) {
        let day = Self.floorDivide(milliseconds, 86_400_000)
        var rest = Int(milliseconds - day * 86_400_000)
        // Howard Hinnant's civil-from-days: March-based years of eras of 400 years.
        let shifted = Int(day) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func append(_ number: Int, digits: Int, then end: UInt8) {
            var scale = 1
            for _ in 1..<digits { scale *= 10 }
            while scale > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(number / scale % 10))
                scale /= 10
            }
            bytes.append(end)
        }
        append(year, digits: 4, then: UInt8(ascii: "-"))
        append(month, digits: 2, then: UInt8(ascii: "-"))
        append(dayOfMonth, digits: 2, then: UInt8(ascii: "T"))
        append(rest / 3_600_000, digits: 2, then: UInt8(ascii: ":"))
        rest %= 3_600_000
        append(rest / 60_000, digits: 2, then: UInt8(ascii: ":"))
        rest %= 60_000
        append(rest / 1_000, digits: 2, then: UInt8(ascii: "."))
        append(rest % 1_000, digits: 3, then: UInt8(ascii: "Z"))
    }

    /// `2026-11-20T12:00:00.000Z` for milliseconds since 1970.
    public static func text(milliseconds: Int64) -> String {
        var bytes: [UInt8] = []
        Self.write(milliseconds: milliseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        value >= 0 ? value / by : (value - by + 1) / by
    }
}
