// Decides how one row is read: the same readers as the result, without repeating the row.

/// One row of a result.
public struct PostgresRow: Sendable {
    /// The result it belongs to.
    public let rows: PostgresRows
    /// Its position in the result.
    public let index: Int

    /// Whether the cell is `NULL`.
    public func isNull(_ column: Int) -> Bool { self.rows.isNull(self.index, column) }

    /// See `PostgresRows.int64`.
    public func int64(_ column: Int) throws(PostgresError) -> Int64 {
        try self.rows.int64(self.index, column)
    }

    /// See `PostgresRows.text`.
    public func text(_ column: Int) throws(PostgresError) -> String {
        try self.rows.text(self.index, column)
    }

    /// See `PostgresRows.bytes`.
    public func bytes(_ column: Int) throws(PostgresError) -> [UInt8] {
        try self.rows.bytes(self.index, column)
    }

    /// See `PostgresRows.bool`.
    public func bool(_ column: Int) throws(PostgresError) -> Bool {
        try self.rows.bool(self.index, column)
    }

    /// See `PostgresRows.double`.
    public func double(_ column: Int) throws(PostgresError) -> Double {
        try self.rows.double(self.index, column)
    }

    /// See `PostgresRows.timestampMicrosecondsSinceEpoch`.
    public func timestampMicrosecondsSinceEpoch(_ column: Int) throws(PostgresError) -> Int64 {
        try self.rows.timestampMicrosecondsSinceEpoch(self.index, column)
    }
}
