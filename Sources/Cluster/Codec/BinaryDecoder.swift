// Decodes any Codable value from bytes that another build may have written.

/// Takes values from one run of bytes, one after the other.
///
/// The bytes are checked as a whole before the first value is made. Not shared between tasks.
struct BinaryDecoder {
    private let state: BinaryDecoding
    private var place: Int

    /// Checks that so many values lie behind a place, and nothing else.
    ///
    /// - Parameters:
    ///   - bytes: All bytes.
    ///   - start: Where the first value begins.
    ///   - count: How many values there are.
    ///   - limits: How deep they may be, and how many in all.
    ///   - userInfo: For types that ask for it, such as distributed actors.
    /// - Throws: `DecodingError` saying what is wrong with the bytes.
    init(
        _ bytes: [UInt8],
        from start: Int = 0,
        values count: Int = 1,
        limits: BinaryLimits,
        userInfo: [CodingUserInfoKey: any Sendable] = [:]
    ) throws {
        self.state = BinaryDecoding(BinaryScanner(bytes: bytes), userInfo)
        self.place = start
        try self.state.scanner.check(values: count, from: start, limits: limits)
    }

    /// The next value.
    ///
    /// - Throws: `DecodingError` when there is none, or another one than was expected.
    mutating func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        guard self.place < self.state.scanner.bytes.count else {
            throw BinaryScanner.corrupted("there is no further value")
        }
        let value = try self.state.decode(type, at: self.place)
        self.place = self.state.scanner.end(ofValueAt: self.place)
        return value
    }
}

/// Bytes that were checked, and what is asked of them.
final class BinaryDecoding {
    let scanner: BinaryScanner
    let userInfo: [CodingUserInfoKey: any Sendable]

    init(_ scanner: BinaryScanner, _ userInfo: [CodingUserInfoKey: any Sendable]) {
        self.scanner = scanner
        self.userInfo = userInfo
    }

    func decode<Value: Decodable>(_ type: Value.Type, at place: Int) throws -> Value {
        if type == [UInt8].self, let blob = try self.blob(at: place) as? Value { return blob }
        return try Value(from: BinaryValueDecoder(state: self, place: place))
    }

    func isNull(at place: Int) -> Bool { self.scanner.bytes[place] == BinaryByte.null }

    func bool(at place: Int) throws -> Bool {
        switch self.scanner.bytes[place] {
        case BinaryByte.yes: true
        case BinaryByte.no: false
        default: throw self.mismatch(Bool.self, at: place)
        }
    }

    func integer<Number: FixedWidthInteger>(at place: Int) throws -> Number {
        let head = self.scanner.head(at: place)
        let number: Number?
        switch head.major {
        case BinaryMajor.unsigned: number = Number(exactly: head.number)
        case BinaryMajor.negative:
            number = head.number <= UInt64(Int64.max) ? Number(exactly: ~Int64(head.number)) : nil
        default: number = nil
        }
        guard let number else { throw self.mismatch(Number.self, at: place) }
        return number
    }

    func double(at place: Int) throws -> Double {
        let head = self.scanner.head(at: place)
        switch head.first {
        case BinaryByte.double: return Double(bitPattern: head.number)
        case BinaryByte.float:
            return Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.number)))
        default: throw self.mismatch(Double.self, at: place)
        }
    }

    func text(at place: Int) throws -> String {
        let head = self.scanner.head(at: place)
        guard head.major == BinaryMajor.text else { throw self.mismatch(String.self, at: place) }
        let range = head.next..<head.next + Int(head.number)
        guard let text = String(validating: self.scanner.bytes[range], as: UTF8.self) else {
            throw BinaryScanner.corrupted("a text is not UTF-8")
        }
        return text
    }

    private func blob(at place: Int) throws -> [UInt8] {
        let head = self.scanner.head(at: place)
        guard head.major == BinaryMajor.bytes else { throw self.mismatch([UInt8].self, at: place) }
        return Array(self.scanner.bytes[head.next..<head.next + Int(head.number)])
    }

    /// Whether the text at a place is a name.
    func isText(at place: Int, _ name: String) -> Bool {
        let head = self.scanner.head(at: place)
        return Int(head.number) == name.utf8.count
            && self.scanner.bytes[head.next..<head.next + Int(head.number)].elementsEqual(name.utf8)
    }

    func mismatch(_ type: Any.Type, at place: Int) -> DecodingError {
        let found =
            switch self.scanner.head(at: place).major {
            case BinaryMajor.unsigned, BinaryMajor.negative: "a number that does not fit"
            case BinaryMajor.bytes: "bytes"
            case BinaryMajor.text: "text"
            case BinaryMajor.list: "a list"
            case BinaryMajor.object: "an object"
            default: "a constant or a floating point number"
            }
        return .typeMismatch(
            type,
            .init(codingPath: [], debugDescription: "\(type) was expected, there is \(found)")
        )
    }
}

/// One value, from which a type makes itself.
struct BinaryValueDecoder: Decoder {
    let state: BinaryDecoding
    let place: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { self.state.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try BinaryKeyedDecoding<Key>(self.state, at: self.place))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try BinaryUnkeyedDecoding(self.state, at: self.place)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }
}
