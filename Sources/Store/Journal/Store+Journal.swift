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
        var journal: [JournalRow] = []
        for index in 0..<rows.count {
            let row = StoreRow(rows: rows, index: index)
            let step = try row.text(0)
            let body: StepRecord.Body
            do {
                body = try JSONValue(parsing: try row.text(3)).decode(StepRecord.Body.self)
            } catch {
                throw StoreError(.corrupt, "the journal of step '\(step)' cannot be read")
            }
            journal.append(
                JournalRow(
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
            )
        }
        return journal
    }
}
