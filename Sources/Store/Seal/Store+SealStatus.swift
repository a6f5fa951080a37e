// What is sealed with which key.

internal import Postgres

/// Rows of one kind that one key has sealed.
public struct SealedRows: Sendable, Hashable {
    /// `inputs`, `outputs`, `failures`, `results`, `signals`, `questions`, `decisions`,
    /// `schedules`, `events`, `artifacts`.
    public var what: String
    /// The key's id.
    public var key: String
    /// How many.
    public var rows: Int64
}

extension Store {
    /// Counts what is sealed; reads every row, however long that takes, up to ten minutes.
    ///
    /// - Returns: By kind and key.
    /// - Throws: `unavailable` when it takes longer.
    public func sealed() async throws(StoreError) -> [SealedRows] {
        let rows = try await self.bounded(SealSQL.status, [], within: .seconds(600))
        return try rows.decode { row throws(StoreError) in
            SealedRows(what: try row.text(0), key: try row.text(1), rows: try row.int64(2))
        }
    }
}
