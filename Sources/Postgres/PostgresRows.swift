// Decides how a result's cells are read: by position, checked against the column's type.

import CLibpq
import Glibc

/// The rows of one result.
///
/// Owns libpq's result and releases it with the last reference. Cells are decoded when asked for.
@safe public final class PostgresRows {
    private let result: OpaquePointer
    /// How many rows there are.
    public let count: Int
    let columnCount: Int

    /// Takes ownership of `result`.
    init(taking result: OpaquePointer) {
        unsafe self.result = result
        self.count = Int(unsafe PQntuples(result))
        self.columnCount = Int(unsafe PQnfields(result))
    }

    deinit { unsafe PQclear(self.result) }

    /// The column names, in order.
    public var columns: [String] {
        (0..<self.columnCount).map { column in
            guard let name = unsafe PQfname(self.result, Int32(column)) else { return "" }
            return unsafe String(cString: name)
        }
    }

    /// How many rows the command inserted, updated, deleted or selected.
    public var affected: Int {
        guard let text = unsafe PQcmdTuples(self.result) else { return 0 }
        return Int(unsafe atoll(text))
    }

    /// The type of a column; `.unknown` outside the columns.
    public func columnType(_ column: Int) -> PostgresType {
        PostgresType(rawValue: unsafe PQftype(self.result, Int32(clamping: column)))
    }

    /// Whether the cell is `NULL` (or outside the result).
    public func isNull(_ row: Int, _ column: Int) -> Bool {
        unsafe PQgetisnull(self.result, Int32(clamping: row), Int32(clamping: column)) != 0
    }

    /// The cell's bytes as they came; empty for `NULL`.
    public func rawBytes(_ row: Int, _ column: Int) -> [UInt8] {
        unsafe self.withCell(row, column) { cell in unsafe [UInt8](cell) } ?? []
    }

    // MARK: Inside the module

    /// What kind of result this is.
    var status: ExecStatusType { unsafe PQresultStatus(self.result) }

    /// The result as an error of the server.
    func serverError(statement: String?) -> PostgresError {
        let message = self.errorField(.message)
        let detail = unsafe PQresultErrorMessage(self.result).map { unsafe String(cString: $0) }
        return PostgresError(
            .server,
            message ?? detail.map(LibpqConnection.tidy) ?? "the server reported an error",
            sqlState: self.errorField(.sqlState),
            constraint: self.errorField(.constraint),
            statement: statement
        )
    }

    /// The letters of the wire protocol; libpq's names for them are character macros, which Swift cannot see.
    private enum ErrorField: UInt8 {
        case message = 0x4D
        case sqlState = 0x43
        case constraint = 0x6E
    }

    private func errorField(_ field: ErrorField) -> String? {
        guard let text = unsafe PQresultErrorField(self.result, Int32(field.rawValue)) else {
            return nil
        }
        return unsafe String(cString: text)
    }

    /// Whether the column travels in binary.
    func isBinary(_ column: Int) -> Bool {
        unsafe PQfformat(self.result, Int32(clamping: column)) == 1
    }

    /// Lends the cell's bytes; nil for `NULL` and outside the result.
    func withCell<Value>(
        _ row: Int,
        _ column: Int,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value? {
        guard row >= 0, row < self.count, column >= 0, column < self.columnCount,
            !self.isNull(row, column),
            let cell = unsafe PQgetvalue(self.result, Int32(row), Int32(column))
        else { return nil }
        let byteCount = unsafe Int(PQgetlength(self.result, Int32(row), Int32(column)))
        return unsafe body(UnsafeRawBufferPointer(start: cell, count: byteCount))
    }
}

// SAFETY: a finished PGresult is never written again, and libpq allows reading it from several threads.
extension PostgresRows: @unchecked Sendable {}

extension PostgresRows: RandomAccessCollection {
    /// The first row's position.
    public var startIndex: Int { 0 }
    /// The position after the last row.
    public var endIndex: Int { self.count }
    /// The row at `position`.
    public subscript(position: Int) -> PostgresRow { PostgresRow(rows: self, index: position) }
}
