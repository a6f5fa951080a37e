// Decides how an ended run keeps its journal: one JSON array, an object for each row.

internal import Postgres
internal import PulserIR

/// A journal row as an ended run keeps it.
///
/// A row without times travelled with the run's end: it began and ended so long before as it says.
struct FoldedStep {
    /// What tells a run's rows apart.
    struct Key: Hashable {
        var step: String
        var attempt: Int64
    }

    var key: Key
    var claim: Int64
    var state: String
    /// JSON, as in the `record` column.
    var record: String
    var isSuperseded = false
    /// Microseconds since 1970.
    var begun: Int64?
    var ended: Int64?
    /// Of a row without times how long before the run's end it began and ended, in microseconds.
    private var ago: (begun: Int64, ended: Int64)?

    /// A result that travels with its run's end.
    init(_ record: StepRecord, of run: RunID, claim: Int64, _ ring: SealRing?) {
        self.key = Key(step: record.step, attempt: Int64(record.attempt))
        self.claim = claim
        self.state = record.state.rawValue
        self.record = ring.sealed(
            record.bodyText,
            .record(run: run, step: record.step, attempt: Int64(record.attempt))
        )
        let times = record.ago(at: .now)
        // What took no time begins and ends with the run, and needs no words.
        if times.begunMicroseconds >= 1_000 {
            self.ago = (times.begunMicroseconds, times.endedMicroseconds)
        }
    }

    /// What a person did of a run that is queued again with it.
    init(_ record: StepRecord, doneInsteadOf run: RunRow, _ ring: SealRing?) {
        self.init(record, of: run.id, claim: run.claimNumber + 1, ring)
        self.begun = (record.byHand?.atMilliseconds ?? 0) * 1_000
        self.ended = self.begun
    }

    /// A row of the step journal.
    private init(row: StoreRow) throws(StoreError) {
        self.key = Key(step: try row.text(0), attempt: try row.int64(1))
        self.state = try row.text(2)
        self.record = try row.text(3)
        self.isSuperseded = try row.bool(4)
        self.begun = try row.int64(5)
        self.ended = try row.int64IfPresent(6)
        self.claim = try row.int64(7)
    }

    /// One object of what an ended run keeps.
    private init(_ value: JSONValue, runEnded: Int64) throws(StoreError) {
        guard let object = value.objectValue, case .string(let step)? = object["step"],
            case .integer(let attempt)? = object["attempt"],
            case .string(let state)? = object["state"]
        else { throw StoreError(.corrupt, "the journal that an ended run keeps cannot be read") }
        self.key = Key(step: step, attempt: attempt)
        self.state = state
        self.record = object["record"].map(Self.text) ?? "{}"
        self.isSuperseded = object["superseded"] == .bool(true)
        self.claim = object["claim"]?.integerValue ?? 0
        self.begun =
            object["begun"]?.integerValue ?? runEnded - (object["begun_ago"]?.integerValue ?? 0)
        self.ended =
            object["begun"] == nil
            ? runEnded - (object["ended_ago"]?.integerValue ?? 0) : object["ended"]?.integerValue
    }

    /// What was sealed keeps the order of its words, by which it is known.
    private static func text(_ record: JSONValue) -> String {
        guard case .string(let key)? = record["key"], case .string(let data)? = record["data"],
            record["sealed"] == .string("v1")
        else { return record.canonicalText }
        return "\(SealRing.mark)\(key)\",\"data\":\"\(data)\"}"
    }

    /// All rows of an answer to `journal.read` or `journal.page`, in the order they were begun.
    static func all(_ rows: PostgresRows) throws(StoreError) -> [FoldedStep] {
        var steps: [FoldedStep] = []
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            guard let text = try row.textIfPresent(8) else {
                steps.append(try FoldedStep(row: row))
                continue
            }
            steps += try Self.kept(text, runEnded: try row.int64(5))
        }
        return steps.sorted { $0.place < $1.place }
    }

    /// What an ended run keeps, in the order in which it was put together.
    static func kept(_ text: String, runEnded end: Int64) throws(StoreError) -> [FoldedStep] {
        guard let kept = (try? JSONValue(parsing: text))?.arrayValue else {
            throw StoreError(.corrupt, "the journal that an ended run keeps cannot be read")
        }
        return try kept.map { value throws(StoreError) in
            try FoldedStep(value, runEnded: end)
        }
    }

    /// Where it stands among the run's rows.
    var place: JournalPlace {
        JournalPlace(
            begunMicroseconds: self.begun ?? 0,
            step: self.key.step,
            attempt: self.key.attempt
        )
    }

    /// The object, without times but those before the run's end.
    var text: String {
        let ago =
            self.ago.map { ",\"begun_ago\":\($0.begun),\"ended_ago\":\($0.ended)" } ?? ""
        return """
            {"step":\(JSONValue.string(self.key.step).canonicalText),"attempt":\(self.key.attempt),\
            "claim":\(self.claim),"state":"\(self.state)"\(ago),"record":\(self.record)}
            """
    }
}

extension JournalPlace: Comparable {
    /// In the order of a journal.
    public static func < (left: JournalPlace, right: JournalPlace) -> Bool {
        (left.begunMicroseconds, left.step, left.attempt)
            < (right.begunMicroseconds, right.step, right.attempt)
    }
}

extension JournalRow {
    init(_ step: FoldedStep, of run: RunID, _ ring: SealRing?) throws(StoreError) {
        let text = try ring.opened(
            step.record,
            .record(run: run, step: step.key.step, attempt: step.key.attempt)
        )
        let body: StepRecord.Body
        do {
            body = try JSONValue(parsing: text).decode(StepRecord.Body.self)
        } catch {
            throw StoreError(.corrupt, "the journal of step '\(step.key.step)' cannot be read")
        }
        var record = StepRecord(
            step: step.key.step,
            attempt: Int(step.key.attempt),
            state: StepRecord.State(rawValue: step.state) ?? .unknown,
            result: body.result ?? .null,
            outputs: body.outputs ?? [:],
            verifiers: body.verifiers ?? [],
            failure: body.failure,
            failureKind: body.failureKind
        )
        record.byHand = body.byHand
        self.init(
            record: record,
            isSuperseded: step.isSuperseded,
            begunMilliseconds: (step.begun ?? 0) / 1_000,
            endedMilliseconds: step.ended.map { $0 / 1_000 },
            claimNumber: step.claim
        )
    }
}
