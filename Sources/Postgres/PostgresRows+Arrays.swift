// Decides how array cells become Swift arrays.

extension PostgresRows {
    /// `text[]` and its kin (`uuid[]` and `json[]` excepted); empty for `NULL`.
    public func textArray(_ row: Int, _ column: Int) throws(PostgresError) -> [String?] {
        try unsafe self.array(row, column, "an array of text") { element, type in
            switch type {
            case .jsonb:
                return unsafe Self.string(UnsafeRawBufferPointer(rebasing: element.dropFirst()))
            case .text, .varchar, .name, .json: return unsafe Self.string(element)
            default: return nil
            }
        }
    }

    /// `int2[]`, `int4[]`, `int8[]`; empty for `NULL`.
    public func int64Array(_ row: Int, _ column: Int) throws(PostgresError) -> [Int64?] {
        try unsafe self.array(row, column, "an array of whole numbers") { element, type in
            let bits = unsafe Self.integer(element)
            switch type {
            case .int2: return Int64(Int16(truncatingIfNeeded: bits))
            case .int4: return Int64(Int32(truncatingIfNeeded: bits))
            case .int8: return Int64(bitPattern: bits)
            default: return nil
            }
        }
    }

    /// `bytea[]`, or the binary form of any other element; empty for `NULL`.
    public func bytesArray(_ row: Int, _ column: Int) throws(PostgresError) -> [[UInt8]?] {
        try unsafe self.array(row, column, "an array of bytes") { element, _ in
            unsafe [UInt8](element)
        }
    }

    /// `boolean[]`; empty for `NULL`.
    public func boolArray(_ row: Int, _ column: Int) throws(PostgresError) -> [Bool?] {
        try unsafe self.array(row, column, "an array of booleans") { element, type in
            type == .bool ? unsafe element.first == 1 : nil
        }
    }

    /// `float8[]`; empty for `NULL`.
    public func doubleArray(_ row: Int, _ column: Int) throws(PostgresError) -> [Double?] {
        try unsafe self.array(row, column, "an array of numbers") { element, type in
            type == .float8 ? unsafe Double(bitPattern: Self.integer(element)) : nil
        }
    }

    /// Postgres' binary array: dimensions, null flag, element type, then length and lower bound per dimension.
    private func array<Value>(
        _ row: Int,
        _ column: Int,
        _ expected: String,
        _ body: (UnsafeRawBufferPointer, PostgresType) -> Value?
    ) throws(PostgresError) -> [Value?] {
        let decoded: [Value?]? = try unsafe self.decode(row, column, expected) {
            cell,
            _,
            isBinary in
            guard isBinary, cell.count >= 12 else { return nil }
            var rest = unsafe cell
            func take(_ byteCount: Int) -> UnsafeRawBufferPointer? {
                guard byteCount >= 0, rest.count >= byteCount else { return nil }
                defer { unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[byteCount...]) }
                return unsafe UnsafeRawBufferPointer(rebasing: rest[..<byteCount])
            }
            func takeInt32() -> Int32? {
                unsafe take(4).map { unsafe Int32(truncatingIfNeeded: Self.integer($0)) }
            }
            guard let dimensions = takeInt32(), takeInt32() != nil, let oid = takeInt32() else {
                return nil
            }
            if dimensions == 0 { return [] }
            guard dimensions == 1, let length = takeInt32(), takeInt32() != nil else { return nil }
            let type = PostgresType(rawValue: UInt32(bitPattern: oid))
            var values: [Value?] = []
            for _ in 0..<Swift.max(0, length) {
                guard let byteCount = takeInt32() else { return nil }
                if byteCount < 0 {
                    values.append(nil)
                } else if let element = unsafe take(Int(byteCount)),
                    let value = unsafe body(element, type)
                {
                    values.append(value)
                } else {
                    return nil
                }
            }
            return values
        }
        return decoded ?? []
    }
}
