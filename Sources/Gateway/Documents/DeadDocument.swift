// A dead letter as JSON: the run, what of it failed, and who put it aside.

public import PulserIR
public import Store

/// Dead letters' documents.
public enum DeadDocument {
    /// A run that failed for good.
    ///
    /// - Parameters:
    ///   - row: The run.
    ///   - store: Where its steps are.
    /// - Returns: The run with `failed_steps` and `discarded`, and its version.
    /// - Throws: What the store threw.
    public static func json(_ row: RunRow, _ store: Store) async throws(StoreError) -> JSONValue {
        guard case .object(var members) = RunDocument.json(row) else { return .null }
        members["version"] = .integer(1)
        let journal = try await store.journal(row.id)
        members["failed_steps"] = .array(
            journal.filter { !$0.isSuperseded && $0.record.state == .failed }.map(RunDocument.json)
        )
        members["discarded"] =
            try await store.discarded(row).map { note in
                .object([
                    "by": .string(note.by), "note": .string(note.note),
                    "at": .string(Timestamp.text(milliseconds: note.milliseconds)),
                ])
            } ?? .null
        return .object(members)
    }
}
