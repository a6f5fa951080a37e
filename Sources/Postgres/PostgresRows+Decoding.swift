// Decides how binary and text cells become Swift values.

/// Microseconds from 1970, Unix's epoch, to 2000, Postgres'.
let postgresEpochMicroseconds: Int64 = 946_684_800_000_000

extension PostgresRows {
    /// A whole number: `int2`, `int4`, `int8`, `oid`, or its text form.
    public func int64(_ row: Int, _ column: Int) throws(PostgresError) -> Int64 {
        try self.required(self.int64IfPresent(row, column), row, column)
    }

    /// A whole number, or nil for `NULL`.
    public func int64IfPresent(_ row: Int, _ column: Int) throws(PostgresError) -> Int64? {
        try unsafe self.decode(row, column, "a whole number") { cell, type, isBinary in
            guard isBinary else { return unsafe Int64(Self.string(cell)) }
            switch (type, cell.count) {
            case (.int2, 2): return unsafe Int64(Int16(truncatingIfNeeded: Self.integer(cell)))
            case (.int4, 4): return unsafe Int64(Int32(truncatingIfNeeded: Self.integer(cell)))
            case (.oid, 4): return unsafe Int64(UInt32(truncatingIfNeeded: Self.integer(cell)))
            case (.int8, 8): return unsafe Int64(bitPattern: Self.integer(cell))
            default: return nil
            }
        }
    }

    /// Text: any textual type, `json`, `jsonb`, `uuid`, whole numbers; every type in text format.
    public func text(_ row: Int, _ column: Int) throws(PostgresError) -> String {
        try self.required(self.textIfPresent(row, column), row, column)
    }

    /// Text, or nil for `NULL`.
    public func textIfPresent(_ row: Int, _ column: Int) throws(PostgresError) -> String? {
        try unsafe self.decode(row, column, "text") { cell, type, isBinary in
            guard isBinary else { return unsafe Self.string(cell) }
            switch type {
            case .text, .varchar, .bpchar, .name, .json, .unknown, PostgresType(rawValue: 705):
                return unsafe Self.string(cell)
            case .jsonb:
                // A version byte precedes the text.
                return unsafe Self.string(UnsafeRawBufferPointer(rebasing: cell.dropFirst()))
            case .uuid: return unsafe Self.uuidText(cell)
            case .int2: return unsafe String(Int16(truncatingIfNeeded: Self.integer(cell)))
            case .int4: return unsafe String(Int32(truncatingIfNeeded: Self.integer(cell)))
            case .int8: return unsafe String(Int64(bitPattern: Self.integer(cell)))
            default: return nil
            }
        }
    }

    /// The cell's text when the result is in text format (`query` with `.text`); nil for `NULL`.
    public func columnText(_ row: Int, _ column: Int) -> String? {
        unsafe self.withCell(row, column) { cell in unsafe Self.string(cell) }
    }

    /// Bytes: `bytea`, `uuid`, textual types; other types in their binary form.
    public func bytes(_ row: Int, _ column: Int) throws(PostgresError) -> [UInt8] {
        try self.required(self.bytesIfPresent(row, column), row, column)
    }

    /// Bytes, or nil for `NULL`.
    public func bytesIfPresent(_ row: Int, _ column: Int) throws(PostgresError) -> [UInt8]? {
        try unsafe self.decode(row, column, "bytes") { cell, type, isBinary in
            if !isBinary, type == .bytea { return unsafe Self.bytesFromHex(cell) }
            if isBinary, type == .jsonb { return unsafe [UInt8](cell.dropFirst()) }
            return unsafe [UInt8](cell)
        }
    }

    /// A boolean.
    public func bool(_ row: Int, _ column: Int) throws(PostgresError) -> Bool {
        try self.required(self.boolIfPresent(row, column), row, column)
    }

    /// A boolean, or nil for `NULL`.
    public func boolIfPresent(_ row: Int, _ column: Int) throws(PostgresError) -> Bool? {
        try unsafe self.decode(row, column, "a boolean") { cell, type, isBinary in
            guard type == .bool, let first = unsafe cell.first else { return nil }
            return isBinary ? first != 0 : first == UInt8(ascii: "t")
        }
    }

    /// A number: `float4`, `float8`, whole numbers, and every number in text format.
    public func double(_ row: Int, _ column: Int) throws(PostgresError) -> Double {
        try self.required(self.doubleIfPresent(row, column), row, column)
    }

    /// A number, or nil for `NULL`.
    public func doubleIfPresent(_ row: Int, _ column: Int) throws(PostgresError) -> Double? {
        try unsafe self.decode(row, column, "a number") { cell, type, isBinary in
            guard isBinary else { return unsafe Double(Self.string(cell)) }
            switch (type, cell.count) {
            case (.float8, 8): return unsafe Double(bitPattern: Self.integer(cell))
            case (.float4, 4):
                let bits = unsafe UInt32(truncatingIfNeeded: Self.integer(cell))
                return Double(Float(bitPattern: bits))
            case (.int2, 2): return unsafe Double(Int16(truncatingIfNeeded: Self.integer(cell)))
            case (.int4, 4): return unsafe Double(Int32(truncatingIfNeeded: Self.integer(cell)))
            case (.int8, 8): return unsafe Double(Int64(bitPattern: Self.integer(cell)))
            default: return nil
            }
        }
    }

    /// A `timestamptz` (binary) as microseconds since 1970.
    public func timestampMicrosecondsSinceEpoch(
        _ row: Int,
        _ column: Int
    ) throws(PostgresError) -> Int64 {
        try self.required(
            self.timestampMicrosecondsSinceEpochIfPresent(row, column),
            row,
            column
        )
    }

    /// A `timestamptz` (binary) as microseconds since 1970, or nil for `NULL`.
    public func timestampMicrosecondsSinceEpochIfPresent(
        _ row: Int,
        _ column: Int
    ) throws(PostgresError) -> Int64? {
        try unsafe self.decode(row, column, "a timestamp in binary") { cell, type, isBinary in
            guard isBinary, cell.count == 8, type == .timestamptz || type == .timestamp else {
                return nil
            }
            let sinceY2K = unsafe Int64(bitPattern: Self.integer(cell))
            // Infinity is the largest value; it stays so instead of wrapping.
            let (sum, overflow) = sinceY2K.addingReportingOverflow(postgresEpochMicroseconds)
            return overflow ? Int64.max : sum
        }
    }

    // MARK: Shared by the readers

    /// Decodes one cell; nil for `NULL`, an error when `body` cannot read the type.
    func decode<Value>(
        _ row: Int,
        _ column: Int,
        _ expected: String,
        _ body: (UnsafeRawBufferPointer, PostgresType, Bool) -> Value?
    ) throws(PostgresError) -> Value? {
        let type = self.columnType(column)
        let isBinary = self.isBinary(column)
        let decoded: Value?? = unsafe self.withCell(row, column) { cell in
            unsafe body(cell, type, isBinary)
        }
        switch decoded {
        case .none:
            guard row >= 0, row < self.count, column >= 0, column < self.columnCount else {
                throw PostgresError(
                    .protocolViolation,
                    "the result has no row \(row), column \(column)"
                )
            }
            return nil
        case .some(.none):
            throw PostgresError(
                .protocolViolation,
                "column \(column) has type \(type.rawValue), which cannot be read as \(expected)"
            )
        case .some(.some(let value)): return value
        }
    }

    func required<Value>(
        _ value: Value?,
        _ row: Int,
        _ column: Int
    ) throws(PostgresError) -> Value {
        guard let value else {
            throw PostgresError(.protocolViolation, "row \(row), column \(column) is NULL")
        }
        return value
    }

    static func string(_ cell: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: cell, as: UTF8.self)
    }

    /// Up to eight big-endian bytes.
    static func integer(_ cell: UnsafeRawBufferPointer) -> UInt64 {
        var value: UInt64 = 0
        for index in cell.indices { value = value << 8 | UInt64(unsafe cell[index]) }
        return value
    }

    private static func uuidText(_ cell: UnsafeRawBufferPointer) -> String? {
        guard cell.count == 16 else { return nil }
        var text = ""
        text.reserveCapacity(36)
        for index in cell.indices {
            let byte = unsafe cell[index]
            if [4, 6, 8, 10].contains(index) { text.append("-") }
            text.append(byte < 16 ? "0" : "")
            text.append(String(byte, radix: 16))
        }
        return text
    }

    private static func bytesFromHex(_ cell: UnsafeRawBufferPointer) -> [UInt8]? {
        let text = unsafe Self.string(cell)
        guard text.hasPrefix("\\x"), text.utf8.count.isMultiple(of: 2) else { return nil }
        return ParameterEncoder.bytes(hex: text.dropFirst(2))
    }
}
