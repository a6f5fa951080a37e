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

    /// Describes a row.
    public init(
        record: StepRecord,
        isSuperseded: Bool,
        begunMilliseconds: Int64,
        endedMilliseconds: Int64?
    ) {
        self.record = record
        self.isSuperseded = isSuperseded
        self.begunMilliseconds = begunMilliseconds
        self.endedMilliseconds = endedMilliseconds
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
    }

    /// The text of the `record` column.
    /// Written by hand in the shape that ``Body`` reads: this is on the way of every step.
    var bodyText: String {
        var members: [String: JSONValue] = [:]
        if self.result != .null { members["result"] = self.result }
        if !self.outputs.isEmpty { members["outputs"] = .object(self.outputs) }
        if !self.verifiers.isEmpty {
            members["verifiers"] = .array(
                self.verifiers.map { outcome in
                    .object([
                        "id": .string(outcome.id), "kind": .string(outcome.kind),
                        "required": .bool(outcome.required),
                        "result": .string(outcome.result.rawValue),
                        "expected": .string(outcome.expected),
                        "observed": .string(outcome.observed),
                    ])
                }
            )
        }
        if let failure = self.failure { members["failure"] = .string(failure) }
        if let kind = self.failureKind { members["failureKind"] = .string(kind.rawValue) }
        return members.isEmpty ? "{}" : JSONValue.object(members).canonicalText
    }
}

extension Store {
    /// All rows of a run's journal in the order they were begun, superseded ones included.
    ///
    /// - Throws: `corrupt` when a row cannot be read.
    public func journal(_ run: RunID) async throws(StoreError) -> [JournalRow] {
        let rows = try await self.execute(JournalSQL.read, [.int8(run.number)])
        return try rows.decode { row throws(StoreError) in try JournalRow(row) }
    }

    /// A page of a run's journal, in the order of ``journal(_:)``.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - step: Only this step.
    ///   - cursor: The place of the last row before the page.
    ///   - limit: At most so many.
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
                step.map { .text($0.storable) } ?? .null, .int8(Int64(limit) + 1),
            ]
        )
        let all = try rows.decode { row throws(StoreError) in
            (
                row: try JournalRow(row),
                place: JournalPlace(
                    begunMicroseconds: try row.int64(7),
                    step: try row.text(0),
                    attempt: try row.int64(1)
                )
            )
        }
        let page = all.prefix(limit)
        return (page.map(\.row), all.count > limit ? page.last?.place : nil)
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

extension JournalRow {
    init(_ row: StoreRow) throws(StoreError) {
        let step = try row.text(0)
        let body: StepRecord.Body
        do {
            body = try JSONValue(parsing: try row.text(3)).decode(StepRecord.Body.self)
        } catch {
            throw StoreError(.corrupt, "the journal of step '\(step)' cannot be read")
        }
        self.init(
            record: StepRecord(
                step: step,
                attempt: try row.int(1),
                state: StepRecord.State(rawValue: try row.text(2)) ?? .unknown,
                result: body.result ?? .null,
                outputs: body.outputs ?? [:],
                verifiers: body.verifiers ?? [],
                failure: body.failure,
                failureKind: body.failureKind
            ),
            isSuperseded: try row.bool(4),
            begunMilliseconds: try row.int64(5),
            endedMilliseconds: try row.int64IfPresent(6)
        )
    }
}
