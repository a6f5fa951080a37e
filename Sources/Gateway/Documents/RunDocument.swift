// A run as JSON: the shape that the API and `-o json` of the command line promise.

public import PulserIR
public import Store

/// A run's documents.
public enum RunDocument {
    /// A run without its steps.
    public static func json(_ row: RunRow) -> JSONValue {
        var members: [String: JSONValue] = [
            "id": .string(row.id.description), "plan": .string(row.planName),
            "plan_digest": .string(row.planDigest.description),
            "session": .string(row.sessionName), "lane": .string(row.laneName),
            "status": .string(row.status.rawValue), "attempt": .integer(Int64(row.attempt)),
            "retry_count": .integer(Int64(row.retryCount)),
            "priority": .integer(Int64(row.priority)), "key": .string(row.key),
            "enqueued_at": .string(Timestamp.text(milliseconds: row.enqueuedMilliseconds)),
            "ready_at": .string(Timestamp.text(milliseconds: row.readyMilliseconds)),
        ]
        members["inputs"] = (try? JSONValue(parsing: row.inputs)) ?? .null
        members["outputs"] = row.outputs.flatMap { try? JSONValue(parsing: $0) } ?? .null
        members["failure"] = row.failure.map { .string($0) } ?? .null
        members["wait_reason"] = row.waitReason.map { .string($0) } ?? .null
        members["paused_by"] = row.pausedBy.map { .string($0) } ?? .null
        members["parent"] = row.parent.map { .string($0.description) } ?? .null
        members["template"] = row.template.map { .string($0) } ?? .null
        members["unique"] = row.unique.map(Self.json) ?? .null
        members["due_at"] = Self.time(row.dueMilliseconds)
        members["started_at"] = Self.time(row.startedMilliseconds)
        members["finished_at"] = Self.time(row.finishedMilliseconds)
        return .object(members)
    }

    /// What makes a run the only one of its kind.
    static func json(_ unique: Uniqueness) -> JSONValue {
        .object([
            "key": .string(unique.key), "scope": .string(unique.scope.rawValue),
            "for_ms": unique.periodMilliseconds.map { .integer($0) } ?? .null,
        ])
    }

    /// A run with its journal and artifacts.
    public static func full(_ row: RunRow, _ store: Store) async throws(StoreError) -> JSONValue {
        guard case .object(var members) = Self.json(row) else { return .null }
        members["version"] = .integer(1)
        members["steps"] = .array(try await store.journal(row.id).map(Self.json))
        members["artifacts"] = .array(try await store.artifacts(row.id).map(Self.json))
        let schedule = try await store.schedule(of: row.id)
        members["schedule"] = schedule.map(ScheduleDocument.json)
        members["worker"] = try await store.worker(of: row).map(WorkerDocument.json)
        members["deadline"] = DeadlineBody.json(try await store.deadlines(of: row.id))
        return .object(members)
    }

    /// One attempt of a step.
    public static func json(_ row: JournalRow) -> JSONValue {
        let record = row.record
        var members: [String: JSONValue] = [
            "step": .string(record.step), "attempt": .integer(Int64(record.attempt)),
            "state": .string(record.state.rawValue), "result": record.result,
            "outputs": .object(record.outputs), "superseded": .bool(row.isSuperseded),
            "begun_at": .string(Timestamp.text(milliseconds: row.begunMilliseconds)),
            "ended_at": Self.time(row.endedMilliseconds),
            "failure": record.failure.map { .string($0) } ?? .null,
            "snoozed_ms": record.snoozedMilliseconds.map { .integer($0) } ?? .null,
        ]
        if let byHand = record.byHand {
            members["by_hand"] = .object([
                "by": .string(byHand.by), "note": .string(byHand.note),
                "at": .string(Timestamp.text(milliseconds: byHand.atMilliseconds)),
            ])
        }
        members["verifiers"] = .array(
            record.verifiers.map { outcome in
                .object([
                    "id": .string(outcome.id), "kind": .string(outcome.kind),
                    "required": .bool(outcome.required),
                    "result": .string(outcome.result.rawValue),
                    "expected": .string(outcome.expected),
                    "observed": .string(outcome.observed),
                ])
            }
        )
        return .object(members)
    }

    /// An artifact without its bytes.
    public static func json(_ artifact: ArtifactRow) -> JSONValue {
        .object([
            "step": .string(artifact.step), "name": .string(artifact.name),
            "digest": .string(artifact.digest.description), "size": .integer(artifact.size),
            "media_type": .string(artifact.mediaType),
        ])
    }

    static func time(_ milliseconds: Int64?) -> JSONValue {
        milliseconds.map { .string(Timestamp.text(milliseconds: $0)) } ?? .null
    }
}
