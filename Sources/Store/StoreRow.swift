// How a row is read: columns by number, a wrong type is a corrupt row in the store's words.

internal import Postgres

/// One row of an answer.
struct StoreRow {
    let rows: PostgresRows
    let index: Int
    /// Columns before those that are counted here.
    var offset = 0

    private func read<Value>(
        _ body: (PostgresRows, Int) throws(PostgresError) -> Value
    ) throws(StoreError) -> Value {
        do {
            return try body(self.rows, self.index)
        } catch {
            throw StoreError(.corrupt, "a stored row cannot be read: \(error.message)")
        }
    }

    func isNull(_ column: Int) -> Bool { self.rows.isNull(self.index, column + self.offset) }

    /// The same row, counted from a later column on.
    func from(_ column: Int) -> StoreRow {
        StoreRow(rows: self.rows, index: self.index, offset: self.offset + column)
    }

    func int64(_ column: Int) throws(StoreError) -> Int64 {
        try self.read { rows, row throws(PostgresError) in try rows.int64(row, column + self.offset)
        }
    }

    func int64IfPresent(_ column: Int) throws(StoreError) -> Int64? {
        try self.read { rows, row throws(PostgresError) in
            try rows.int64IfPresent(row, column + self.offset)
        }
    }

    func int(_ column: Int) throws(StoreError) -> Int { Int(try self.int64(column)) }

    func text(_ column: Int) throws(StoreError) -> String {
        try self.read { rows, row throws(PostgresError) in try rows.text(row, column + self.offset)
        }
    }

    func textIfPresent(_ column: Int) throws(StoreError) -> String? {
        try self.read { rows, row throws(PostgresError) in
            try rows.textIfPresent(row, column + self.offset)
        }
    }

    /// The texts of an array without nulls.
    func texts(_ column: Int) throws(StoreError) -> [String] {
        try self.read { rows, row throws(PostgresError) in
            try rows.textArray(row, column + self.offset).compactMap(\.self)
        }
    }

    func bytes(_ column: Int) throws(StoreError) -> [UInt8] {
        try self.read { rows, row throws(PostgresError) in try rows.bytes(row, column + self.offset)
        }
    }

    func bytesIfPresent(_ column: Int) throws(StoreError) -> [UInt8]? {
        try self.read { rows, row throws(PostgresError) in
            try rows.bytesIfPresent(row, column + self.offset)
        }
    }

    func bool(_ column: Int) throws(StoreError) -> Bool {
        try self.read { rows, row throws(PostgresError) in try rows.bool(row, column + self.offset)
        }
    }
}

extension PostgresRows {
    /// Reads every row.
    func decode<Value>(
        _ body: (StoreRow) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(self.count)
        for index in 0..<self.count { values.append(try body(StoreRow(rows: self, index: index))) }
        return values
    }

    /// The only row.
    ///
    /// - Throws: `corrupt` when there is none.
    func first() throws(StoreError) -> StoreRow {
        guard self.count > 0 else { throw StoreError(.corrupt, "an answer has no row") }
        return StoreRow(rows: self, index: 0)
    }
}
