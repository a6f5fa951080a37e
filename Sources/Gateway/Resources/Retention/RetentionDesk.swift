// `/v1/retention` and `opsroom retention`: for how long history is kept, what there is of it, what goes.

public import PulserIR
public import Store

/// Shows and changes for how long history is kept, for both doors.
public struct RetentionDesk: Sendable {
    private static let dayMilliseconds: Int64 = 86_400_000
    private let store: Store

    /// A desk over durable state.
    public init(store: Store) { self.store = store }

    /// What is kept, and what the next look of a node drops.
    ///
    /// - Returns: The document, with its version.
    /// - Throws: ``StoreError``.
    public func document() async throws(StoreError) -> JSONValue {
        let settings = try await self.store.retention()
        return try await self.document(settings, isDry: false)
    }

    /// Changes for how long something is kept, or shows what that would drop.
    ///
    /// - Parameters:
    ///   - runs: Of runs; `nil` leaves it.
    ///   - events: Of events; `nil` leaves it.
    ///   - isDry: Whether nothing is changed.
    ///   - revision: The revision its editor saw; `nil` does not compare.
    /// - Returns: The document as it is, or would be.
    /// - Throws: `stale` when somebody changed it meanwhile.
    public func change(
        runs: Retention?,
        events: Retention?,
        isDry: Bool,
        revision: Int64? = nil
    ) async throws(StoreError) -> JSONValue {
        guard isDry else {
            let settings = try await self.store.setRetention(
                runs: runs,
                events: events,
                revision: revision
            )
            return try await self.document(settings, isDry: false)
        }
        var settings = try await self.store.retention()
        settings.runs = runs ?? settings.runs
        settings.events = events ?? settings.events
        return try await self.document(settings, isDry: true)
    }

    private func document(
        _ settings: RetentionSettings,
        isDry: Bool
    ) async throws(StoreError) -> JSONValue {
        let parts = try await self.store.historyParts()
        let overdue = try await self.store.overdueHistory(
            runs: settings.runs,
            events: settings.events
        )
        let names = Set(overdue.map(\.name))
        var members: [String: JSONValue] = [
            "version": .integer(1), "revision": .integer(settings.revision),
            "dry_run": .bool(isDry),
            "drops": .array(
                parts.filter { names.contains($0.name) && $0.rows > 0 }.map { part in
                    .object([
                        "kind": .string(part.kind.rawValue),
                        "day": part.day.map { .string($0) } ?? .null,
                        "rows": .integer(part.rows), "bytes": .integer(part.bytes),
                    ])
                }
            ),
        ]
        for kind in HistoryKind.allCases {
            members[kind.rawValue] = Self.json(parts.filter { $0.kind == kind }, settings[kind])
        }
        return .object(members)
    }

    private static func json(_ parts: [HistoryPart], _ kept: Retention) -> JSONValue {
        // Days that were made ahead are empty.
        let filled = parts.filter { $0.rows > 0 && $0.day != nil }
        var next = JSONValue.null
        if let days = kept.days, let oldest = filled.first?.dayMilliseconds {
            let due = oldest + (Int64(days) + 1) * Self.dayMilliseconds
            next = .string(Timestamp.text(milliseconds: due))
        }
        return .object([
            "keep": .string(kept.description),
            "rows": .integer(parts.reduce(0) { $0 + $1.rows }),
            "bytes": .integer(parts.reduce(0) { $0 + $1.bytes }),
            "days": .integer(Int64(filled.count)),
            "oldest": filled.first?.day.map { .string($0) } ?? .null,
            "newest": filled.last?.day.map { .string($0) } ?? .null, "next_drop": next,
        ])
    }
}
