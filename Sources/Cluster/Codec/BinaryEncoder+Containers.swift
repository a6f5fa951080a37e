// Where values write their fields, elements and single values.

/// The fields of an object.
struct BinaryKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let state: BinaryEncoding
    let serial: Int

    var codingPath: [any CodingKey] { [] }

    private func write(_ key: Key, _ body: (inout BinaryWriter) -> Void) throws {
        try self.state.focus(self.serial)
        self.state.writer.text(key.stringValue)
        body(&self.state.writer)
    }

    func encodeNil(forKey key: Key) throws {
        try self.write(key) { $0.bytes.append(BinaryByte.null) }
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try self.write(key) { _ in }
        try self.state.encode(value)
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Inner> {
        KeyedEncodingContainer(
            BinaryKeyedEncoding<Inner>(state: self.state, serial: self.begin(key, isObject: true))
        )
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        BinaryUnkeyedEncoding(state: self.state, serial: self.begin(key, isObject: false))
    }

    func superEncoder() -> any Encoder { self.value(named: "super") }

    func superEncoder(forKey key: Key) -> any Encoder { self.value(named: key.stringValue) }

    private func begin(_ key: Key, isObject: Bool) -> Int {
        do { try self.write(key) { _ in } } catch { return self.state.refuse("\(error)") }
        return self.state.begin(isObject: isObject)
    }

    private func value(named name: String) -> any Encoder {
        do {
            try self.state.focus(self.serial)
            self.state.writer.text(name)
        } catch { _ = self.state.refuse("\(error)") }
        return BinaryValueEncoder(state: self.state, depth: self.state.depth)
    }

    func encode(_ value: Bool, forKey key: Key) throws {
        try self.write(key) { $0.bool(value) }
    }
    func encode(_ value: String, forKey key: Key) throws {
        try self.write(key) { $0.text(value) }
    }
    func encode(_ value: Double, forKey key: Key) throws {
        try self.write(key) { $0.double(value) }
    }
    func encode(_ value: Float, forKey key: Key) throws {
        try self.write(key) { $0.float(value) }
    }
    func encode(_ value: Int, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: Int8, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: Int16, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: Int32, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: Int64, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: UInt, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: UInt8, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: UInt16, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: UInt32, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
    func encode(_ value: UInt64, forKey key: Key) throws {
        try self.write(key) { $0.integer(value) }
    }
}

/// The elements of a list.
struct BinaryUnkeyedEncoding: UnkeyedEncodingContainer {
    let state: BinaryEncoding
    let serial: Int
    private(set) var count = 0

    init(state: BinaryEncoding, serial: Int) {
        self.state = state
        self.serial = serial
    }

    var codingPath: [any CodingKey] { [] }

    private mutating func write(_ body: (inout BinaryWriter) -> Void) throws {
        try self.state.focus(self.serial)
        self.count += 1
        body(&self.state.writer)
    }

    mutating func encodeNil() throws { try self.write { $0.bytes.append(BinaryByte.null) } }

    mutating func encode<Value: Encodable>(_ value: Value) throws {
        try self.write { _ in }
        try self.state.encode(value)
    }

    mutating func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type
    ) -> KeyedEncodingContainer<Inner> {
        KeyedEncodingContainer(
            BinaryKeyedEncoding<Inner>(state: self.state, serial: self.begin(isObject: true))
        )
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        BinaryUnkeyedEncoding(state: self.state, serial: self.begin(isObject: false))
    }

    mutating func superEncoder() -> any Encoder {
        do { try self.write { _ in } } catch { _ = self.state.refuse("\(error)") }
        return BinaryValueEncoder(state: self.state, depth: self.state.depth)
    }

    private mutating func begin(isObject: Bool) -> Int {
        do { try self.write { _ in } } catch { return self.state.refuse("\(error)") }
        return self.state.begin(isObject: isObject)
    }

    mutating func encode(_ value: Bool) throws { try self.write { $0.bool(value) } }
    mutating func encode(_ value: String) throws { try self.write { $0.text(value) } }
    mutating func encode(_ value: Double) throws { try self.write { $0.double(value) } }
    mutating func encode(_ value: Float) throws { try self.write { $0.float(value) } }
    mutating func encode(_ value: Int) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: Int8) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: Int16) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: Int32) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: Int64) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: UInt) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: UInt8) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: UInt16) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: UInt32) throws { try self.write { $0.integer(value) } }
    mutating func encode(_ value: UInt64) throws { try self.write { $0.integer(value) } }
}

/// A value that is neither list nor object.
extension BinaryValueEncoder: SingleValueEncodingContainer {
    func encodeNil() { self.state.writer.bytes.append(BinaryByte.null) }

    func encode<Value: Encodable>(_ value: Value) throws { try self.state.encode(value) }

    func encode(_ value: Bool) { self.state.writer.bool(value) }
    func encode(_ value: String) { self.state.writer.text(value) }
    func encode(_ value: Double) { self.state.writer.double(value) }
    func encode(_ value: Float) { self.state.writer.float(value) }
    func encode(_ value: Int) { self.state.writer.integer(value) }
    func encode(_ value: Int8) { self.state.writer.integer(value) }
    func encode(_ value: Int16) { self.state.writer.integer(value) }
    func encode(_ value: Int32) { self.state.writer.integer(value) }
    func encode(_ value: Int64) { self.state.writer.integer(value) }
    func encode(_ value: UInt) { self.state.writer.integer(value) }
    func encode(_ value: UInt8) { self.state.writer.integer(value) }
    func encode(_ value: UInt16) { self.state.writer.integer(value) }
    func encode(_ value: UInt32) { self.state.writer.integer(value) }
    func encode(_ value: UInt64) { self.state.writer.integer(value) }
}
