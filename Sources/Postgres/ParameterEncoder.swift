// Decides how parameter values become bytes on the wire.

/// Collects the encoded parameters of one execution.
struct ParameterEncoder {
    /// All parameters one after the other; each is followed by a zero so that text is a C string.
    private(set) var bytes: [UInt8] = []
    /// Where each parameter starts; -1 for `NULL`.
    private(set) var offsets: [Int] = []
    /// Each parameter's byte count.
    private(set) var byteCounts: [Int32] = []
    /// 1 for binary, 0 for text.
    private(set) var formats: [Int32] = []
    /// The types to declare, for one-shot queries.
    private(set) var types: [UInt32] = []

    /// Encodes the values of `request` as the types its statement declares.
    mutating func encode(_ request: PostgresRequest) throws(PostgresError) {
        let statement = request.statement
        self.removeAll()
        guard statement.parameters.count == request.values.count else {
            throw PostgresError(
                .invalidParameter,
                "the statement takes \(statement.parameters.count) values, not \(request.values.count)",
                statement: statement.name
            )
        }
        for (index, value) in request.values.enumerated() {
            let type = statement.parameters[index]
            let fits =
                type == .unknown
                ? self.appendText(value) || self.append(value, as: value.naturalType)
                : self.append(value, as: type)
            guard fits else {
                throw PostgresError(
                    .invalidParameter,
                    "the value of $\(index + 1) does not fit type \(type.rawValue)",
                    statement: statement.name
                )
            }
        }
    }

    /// Encodes `values` for a one-shot query: scalars as text of a type the server infers, arrays as themselves.
    mutating func encodeUntyped(_ values: [PostgresValue]) throws(PostgresError) {
        self.removeAll()
        for (index, value) in values.enumerated() {
            if self.appendText(value) {
                self.types.append(0)
            } else if self.append(value, as: value.naturalType) {
                self.types.append(value.naturalType.rawValue)
            } else {
                throw PostgresError(
                    .invalidParameter,
                    "the value of $\(index + 1) cannot be sent (text with a zero byte?)"
                )
            }
        }
    }

    /// Forgets what was encoded and keeps the memory.
    mutating func removeAll() {
        self.bytes.removeAll(keepingCapacity: self.bytes.capacity <= 1 << 20)
        self.offsets.removeAll(keepingCapacity: true)
        self.byteCounts.removeAll(keepingCapacity: true)
        self.formats.removeAll(keepingCapacity: true)
        self.types.removeAll(keepingCapacity: true)
    }

    // MARK: One parameter

    private mutating func append(_ value: PostgresValue, as type: PostgresType) -> Bool {
        if case .null = value {
            self.finish(start: -1, format: 1)
            return true
        }
        let start = self.bytes.count
        let fits =
            if let element = type.element, !value.isScalar {
                self.putArray(value, element)
            } else {
                self.putScalar(value, type)
            }
        if fits { self.finish(start: start, format: 1) }
        return fits
    }

    /// False for arrays, which have no simple text form, and for text with a zero byte.
    private mutating func appendText(_ value: PostgresValue) -> Bool {
        let start = self.bytes.count
        switch value {
        case .null:
            self.finish(start: -1, format: 0)
            return true
        case .bool(let value): self.bytes += (value ? "true" : "false").utf8
        case .int4(let value): self.bytes += String(value).utf8
        case .int8(let value): self.bytes += String(value).utf8
        case .float8(let value):
            // Swift writes `inf`, Postgres reads `Infinity` and `inf` alike; `nan` too.
            self.bytes += String(value).utf8
        case .text(let value), .jsonb(let value):
            guard !value.utf8.contains(0) else { return false }
            self.bytes += value.utf8
        case .bytes(let value):
            self.bytes += "\\x".utf8
            for byte in value {
                self.bytes.append(Self.hexDigits[Int(byte >> 4)])
                self.bytes.append(Self.hexDigits[Int(byte & 15)])
            }
        default: return false
        }
        self.finish(start: start, format: 0)
        return true
    }

    private mutating func finish(start: Int, format: Int32) {
        self.offsets.append(start)
        self.byteCounts.append(start < 0 ? 0 : Int32(clamping: self.bytes.count - start))
        self.formats.append(format)
        self.bytes.append(0)
    }

    // MARK: Scalars

    private mutating func putScalar(_ value: PostgresValue, _ type: PostgresType) -> Bool {
        switch value {
        case .bool(let value):
            guard type == .bool else { return false }
            self.bytes.append(value ? 1 : 0)
        case .int4(let value): return self.putInteger(Int64(value), type)
        case .int8(let value): return self.putInteger(value, type)
        case .float8(let value):
            guard type == .float8 else { return false }
            self.put(value.bitPattern)
        case .text(let value), .jsonb(let value): return self.putText(value, type)
        case .bytes(let value):
            if type == .uuid, value.count != 16 { return false }
            self.bytes += value
        default: return false
        }
        return true
    }

    private mutating func putInteger(_ value: Int64, _ type: PostgresType) -> Bool {
        switch type {
        case .int2:
            guard let small = Int16(exactly: value) else { return false }
            self.put(UInt16(bitPattern: small))
        case .int4:
            guard let medium = Int32(exactly: value) else { return false }
            self.put(UInt32(bitPattern: medium))
        case .oid:
            guard let oid = UInt32(exactly: value) else { return false }
            self.put(oid)
        case .int8: self.put(UInt64(bitPattern: value))
        case .timestamptz, .timestamp:
            let (sinceY2K, overflow) = value.subtractingReportingOverflow(postgresEpochMicroseconds)
            guard !overflow else { return false }
            self.put(UInt64(bitPattern: sinceY2K))
        case .float8: self.put(Double(value).bitPattern)
        default: return false
        }
        return true
    }

    private mutating func putText(_ value: String, _ type: PostgresType) -> Bool {
        switch type {
        case .text, .varchar, .bpchar, .name, .json: self.bytes += value.utf8
        case .jsonb:
            self.bytes.append(1)
            self.bytes += value.utf8
        case .uuid:
            guard let bytes = Self.bytes(hex: value.filter { $0 != "-" }), bytes.count == 16 else {
                return false
            }
            self.bytes += bytes
        default: return false
        }
        return true
    }

    // MARK: Arrays

    private mutating func putArray(_ value: PostgresValue, _ element: PostgresType) -> Bool {
        switch value {
        case .int4Array(let values):
            return self.putElements(values.map { .int4($0) }, element)
        case .int8Array(let values):
            return self.putElements(values.map { $0.map { .int8($0) } ?? .null }, element)
        case .textArray(let values), .jsonbArray(let values):
            return self.putElements(values.map { $0.map { .text($0) } ?? .null }, element)
        case .byteaArray(let values):
            return self.putElements(values.map { $0.map { .bytes($0) } ?? .null }, element)
        case .boolArray(let values):
            return self.putElements(values.map { .bool($0) }, element)
        case .float8Array(let values):
            return self.putElements(values.map { .float8($0) }, element)
        default: return false
        }
    }

    private mutating func putElements(_ values: [PostgresValue], _ element: PostgresType) -> Bool {
        self.put(UInt32(values.isEmpty ? 0 : 1))
        self.put(UInt32(values.contains(.null) ? 1 : 0))
        self.put(element.rawValue)
        guard !values.isEmpty else { return true }
        self.put(UInt32(truncatingIfNeeded: values.count))
        self.put(UInt32(1))
        for value in values {
            let lengthAt = self.bytes.count
            if case .null = value {
                self.put(UInt32.max)
                continue
            }
            self.put(UInt32(0))
            guard self.putScalar(value, element) else { return false }
            let length = UInt32(truncatingIfNeeded: self.bytes.count - lengthAt - 4)
            for index in 0..<4 {
                self.bytes[lengthAt + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
            }
        }
        return true
    }

    private mutating func put(_ value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            self.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    /// The bytes that pairs of hexadecimal digits spell; nil for anything else.
    static func bytes(hex: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hex {
            guard character.isASCII, let digit = character.hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        return high == nil ? bytes : nil
    }
}

extension PostgresValue {
    /// The type that fits without a declaration.
    var naturalType: PostgresType {
        switch self {
        case .null: .unknown
        case .bool: .bool
        case .int4: .int4
        case .int8: .int8
        case .float8: .float8
        case .text: .text
        case .bytes: .bytea
        case .jsonb: .jsonb
        case .int4Array: .int4Array
        case .int8Array: .int8Array
        case .textArray: .textArray
        case .byteaArray: .byteaArray
        case .jsonbArray: .jsonbArray
        case .boolArray: .boolArray
        case .float8Array: .float8Array
        }
    }

    fileprivate var isScalar: Bool { self.naturalType.element == nil }
}
