// Reading a run's step journal.

internal import Postgres
public import PulserIR

/// One journal row.
public struct JournalRow: Sendable, Hashable {
    /// What was recorded.
    public var record: StepRecord
    /// Whether a person had the step run again since.
    public var isSuperseded: Bool
    /// When the attempt began, in milliseconds since 1970.
    public var begunMilliseconds: Int64
    /// When it ended.
    public var endedMilliseconds: Int64?
    /// The claim under which it was written; one that a person wrote has that of the run's queueing.
    public var claimNumber: Int64

    /// Describes a row.
    public init(
        record: StepRecord,
        isSuperseded: Bool,
        begunMilliseconds: Int64,
        endedMilliseconds: Int64?,
        claimNumber: Int64 = 0
    ) {
        self.record = record
        self.isSuperseded = isSuperseded
        self.begunMilliseconds = begunMilliseconds
        self.endedMilliseconds = endedMilliseconds
        self.claimNumber = claimNumber
    }
}

extension StepRecord {
    /// What the `record` column holds: everything but the key and the state.
    struct Body: Codable {
        var result: JSONValue?
        var outputs: [String: JSONValue]?
        var verifiers: [VerifierOutcome]?
        var failure: String?
        var failureKind: RetryPolicy.Failure?
        var byHand: ByHand?
    }

    /// The text of the `record` column.
    /// Written by hand in the shape that ``Body`` reads, keys in order: this is on the way of every step.
    var bodyText: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        func key(_ name: StaticString) {
            bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
            bytes.append(UInt8(ascii: "\""))
            name.withUTF8Buffer { bytes.append(contentsOf: $0) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
        }
        if let byHand = self.byHand {
            key("byHand")
            byHand.json.writeCanonical(to: &bytes)
        }
        if let failure = self.failure {
            key("failure")
            JSONValue.writeString(failure, to: &bytes)
        }
        if let kind = self.failureKind {
            key("failureKind")
            JSONValue.writeString(kind.rawValue, to: &bytes)
        }
        if !self.outputs.isEmpty {
            key("outputs")
            JSONValue.object(self.outputs).writeCanonical(to: &bytes)
        }
        if self.result != .null {
            key("result")
            self.result.writeCanonical(to: &bytes)
        }
        if !self.verifiers.isEmpty {
            key("verifiers")
            JSONValue.array(self.verifiers.map(\.json)).writeCanonical(to: &bytes)
        }
        if bytes.isEmpty { return "{}" }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension StepRecord.ByHand {
    fileprivate var json: JSONValue {
        .object([
            "atMilliseconds": .integer(self.atMilliseconds), "by": .string(self.by),
            "note": .string(self.note),
        ])
    }
}

extension VerifierOutcome {
    fileprivate var json: JSONValue {
        .object([
            "id": .string(self.id), "kind": .string(self.kind), "required": .bool(self.required),
            "result": .string(self.result.rawValue), "expected": .string(self.expected),
            "observed": .string(self.observed),
        ])
    }
}

extension Store {
    /// All rows of a run's journal in the order they were begun, superseded ones included.
    ///
    /// - Throws: `corrupt` when a row cannot be read.
    public func journal(_ run: RunID) async throws(StoreError) -> [JournalRow] {
        let rows = try await self.execute(JournalSQL.read, [.int8(run.number)])
        var journal: [JournalRow] = []
        for step in try FoldedStep.all(rows) {
            journal.append(try JournalRow(step, of: run, self.seal))
        }
        return journal
    }

    /// A page of a run's journal, in the order of ``journal(_:)``. That of a run that has not ended comes
    /// whole: what is written next may stand before what was read.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - step: Only this step.
    ///   - cursor: The place of the last row before the page.
    ///   - limit: At most so many of a run that has ended.
    /// - Returns: The rows, and the place to go on from; `nil` when there are no more.
    /// - Throws: `unavailable` when the database cannot answer in time.
    public func journalPage(
        _ run: RunID,
        step: String?,
        after cursor: JournalPlace?,
        limit: Int
    ) async throws(StoreError) -> (rows: [JournalRow], next: JournalPlace?) {
        let rows = try await self.bounded(
            JournalSQL.page,
            [
                .int8(run.number), cursor.map { .int8($0.begunMicroseconds) } ?? .null,
                .text((cursor?.step ?? "").storable), .int8(cursor?.attempt ?? 0),
                step.map { .text($0.storable) } ?? .null,
            ]
        )
        var hasEnded = false
        if rows.count > 0 { hasEnded = try rows.first().textIfPresent(8) != nil }
        // What an ended run keeps comes whole from the database.
        let all = try FoldedStep.all(rows).filter { kept in
            (step == nil || kept.key.step == step) && (cursor.map { $0 < kept.place } ?? true)
        }
        let page = hasEnded ? all.prefix(limit) : all[...]
        var journal: [JournalRow] = []
        for kept in page { journal.append(try JournalRow(kept, of: run, self.seal)) }
        return (journal, all.count > page.count ? page.last?.place : nil)
    }
}

/// Where in a journal a row stands.
public struct JournalPlace: Sendable, Hashable {
    /// When it began, in microseconds since 1970.
    public var begunMicroseconds: Int64
    /// Its step.
    public var step: String
    /// Its attempt.
    public var attempt: Int64

    /// Describes a place.
    public init(begunMicroseconds: Int64, step: String, attempt: Int64) {
        self.begunMicroseconds = begunMicroseconds
        self.step = step
        self.attempt = attempt
    }
}
