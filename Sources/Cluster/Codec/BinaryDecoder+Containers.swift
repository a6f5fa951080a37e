// Where types read their fields, elements and single values.

/// The fields of an object. Types mostly ask for them in the order in which they were written: each
/// search begins behind the field found last.
final class BinaryKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let state: BinaryDecoding
    /// Where the first field begins.
    private let start: Int
    private var cursor: Int

    init(_ state: BinaryDecoding, at place: Int) throws {
        guard state.scanner.bytes[place] == BinaryByte.object else {
            throw state.mismatch([String: Any].self, at: place)
        }
        self.state = state
        self.start = place + 1
        self.cursor = place + 1
    }

    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] {
        var keys: [Key] = []
        var place = self.start
        while self.state.scanner.bytes[place] != BinaryByte.end {
            if let name = try? self.state.text(at: place), let key = Key(stringValue: name) {
                keys.append(key)
            }
            place = self.state.scanner.end(
                ofValueAt: self.state.scanner.end(ofValueAt: place)
            )
        }
        return keys
    }

    /// The place of a field's value; `nil` when there is no such field.
    private func find(_ name: String) -> Int? {
        let first = self.cursor
        var place = first
        var hasWrapped = false
        while true {
            if self.state.scanner.bytes[place] == BinaryByte.end {
                guard !hasWrapped, first != self.start else { return nil }
                hasWrapped = true
                place = self.start
            }
            if hasWrapped, place >= first { return nil }
            let value = self.state.scanner.end(ofValueAt: place)
            if self.state.isText(at: place, name) {
                self.cursor = self.state.scanner.end(ofValueAt: value)
                return value
            }
            place = self.state.scanner.end(ofValueAt: value)
        }
    }

    private func value(_ key: Key) throws -> Int {
        guard let place = self.find(key.stringValue) else {
            throw DecodingError.keyNotFound(
                key,
                .init(codingPath: [], debugDescription: "the field '\(key.stringValue)' is missing")
            )
        }
        return place
    }

    func contains(_ key: Key) -> Bool {
        // The field is asked for next: it stays where the search begins.
        let cursor = self.cursor
        defer { self.cursor = cursor }
        return self.find(key.stringValue) != nil
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        let cursor = self.cursor
        defer { self.cursor = cursor }
        return self.state.isNull(at: try self.value(key))
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try self.state.decode(type, at: self.value(key))
    }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        Float(try self.state.double(at: self.value(key)))
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Inner> {
        KeyedDecodingContainer(try BinaryKeyedDecoding<Inner>(self.state, at: self.value(key)))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try BinaryUnkeyedDecoding(self.state, at: self.value(key))
    }

    func superDecoder() throws -> any Decoder {
        guard let place = self.find("super") else {
            throw BinaryScanner.corrupted("the fields of the superclass are missing")
        }
        return BinaryValueDecoder(state: self.state, place: place)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        BinaryValueDecoder(state: self.state, place: try self.value(key))
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try self.state.bool(at: self.value(key))
    }
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try self.state.text(at: self.value(key))
    }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try self.state.double(at: self.value(key))
    }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
        try self.state.integer(at: self.value(key))
    }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
        try self.state.integer(at: self.value(key))
    }
}

/// The elements of a list.
struct BinaryUnkeyedDecoding: UnkeyedDecodingContainer {
    private let state: BinaryDecoding
    private var place: Int
    private(set) var currentIndex = 0

    init(_ state: BinaryDecoding, at place: Int) throws {
        guard state.scanner.bytes[place] == BinaryByte.list else {
            throw state.mismatch([Any].self, at: place)
        }
        self.state = state
        self.place = place + 1
    }

    var codingPath: [any CodingKey] { [] }
    /// Not known before the end, so that nobody reserves memory for what a peer claims.
    var count: Int? { nil }
    var isAtEnd: Bool { self.state.scanner.bytes[self.place] == BinaryByte.end }

    private mutating func next<Value>(_ body: (Int) throws -> Value) throws -> Value {
        guard !self.isAtEnd else { throw BinaryScanner.corrupted("the list has no more elements") }
        let value = try body(self.place)
        self.place = self.state.scanner.end(ofValueAt: self.place)
        self.currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard !self.isAtEnd, self.state.isNull(at: self.place) else { return false }
        return try self.next { _ in true }
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let state = self.state
        return try self.next { try state.decode(type, at: $0) }
    }

    mutating func decode(_ type: Float.Type) throws -> Float { Float(try self.decode(Double.self)) }

    mutating func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type
    ) throws -> KeyedDecodingContainer<Inner> {
        let state = self.state
        return try self.next { KeyedDecodingContainer(try BinaryKeyedDecoding(state, at: $0)) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let state = self.state
        return try self.next { try BinaryUnkeyedDecoding(state, at: $0) }
    }

    mutating func superDecoder() throws -> any Decoder {
        let state = self.state
        return try self.next { BinaryValueDecoder(state: state, place: $0) }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool {
        let state = self.state
        return try self.next { try state.bool(at: $0) }
    }
    mutating func decode(_ type: String.Type) throws -> String {
        let state = self.state
        return try self.next { try state.text(at: $0) }
    }
    mutating func decode(_ type: Double.Type) throws -> Double {
        let state = self.state
        return try self.next { try state.double(at: $0) }
    }
    mutating func decode(_ type: Int.Type) throws -> Int {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: Int8.Type) throws -> Int8 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: Int16.Type) throws -> Int16 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: Int32.Type) throws -> Int32 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: Int64.Type) throws -> Int64 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: UInt.Type) throws -> UInt {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 {
        let state = self.state
        return try self.next { try state.integer(at: $0) }
    }
}

/// A value that is neither list nor object.
extension BinaryValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { self.state.isNull(at: self.place) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try self.state.decode(type, at: self.place)
    }

    func decode(_ type: Float.Type) throws -> Float {
        Float(try self.state.double(at: self.place))
    }

    func decode(_ type: Bool.Type) throws -> Bool { try self.state.bool(at: self.place) }
    func decode(_ type: String.Type) throws -> String { try self.state.text(at: self.place) }
    func decode(_ type: Double.Type) throws -> Double { try self.state.double(at: self.place) }
    func decode(_ type: Int.Type) throws -> Int { try self.state.integer(at: self.place) }
    func decode(_ type: Int8.Type) throws -> Int8 { try self.state.integer(at: self.place) }
    func decode(_ type: Int16.Type) throws -> Int16 { try self.state.integer(at: self.place) }
    func decode(_ type: Int32.Type) throws -> Int32 { try self.state.integer(at: self.place) }
    func decode(_ type: Int64.Type) throws -> Int64 { try self.state.integer(at: self.place) }
    func decode(_ type: UInt.Type) throws -> UInt { try self.state.integer(at: self.place) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try self.state.integer(at: self.place) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try self.state.integer(at: self.place) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try self.state.integer(at: self.place) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try self.state.integer(at: self.place) }
}
