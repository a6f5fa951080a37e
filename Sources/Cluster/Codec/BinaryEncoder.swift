// Encodes any Codable value into few bytes, in one pass and without a tree in between.

/// Appends values to one run of bytes.
///
/// Fields carry their names, so that builds of different age understand each other: what one does not
/// know it skips, an optional that is not there is `nil`. Not shared between tasks.
struct BinaryEncoder {
    private let state: BinaryEncoding

    /// Begins behind bytes that are already there.
    init(_ bytes: [UInt8] = [], limits: BinaryLimits) {
        self.state = BinaryEncoding(bytes, limits: limits)
    }

    /// Appends a value.
    ///
    /// - Throws: `EncodingError` when it passes a limit, or what its `encode(to:)` throws.
    func encode<Value: Encodable>(_ value: Value) throws {
        try self.state.encode(value)
        try self.state.checkSize()
    }

    /// Everything so far.
    var bytes: [UInt8] { self.state.writer.bytes }
}

/// The bytes so far and what is open in them.
final class BinaryEncoding {
    /// A list or object that was begun.
    struct Open {
        var serial: Int
        var isObject: Bool
    }

    let limits: BinaryLimits
    var writer: BinaryWriter
    private var open: [Open] = []
    private var serial = 0
    /// Why a container could not be had; thrown when it is written to.
    private var failure: EncodingError?

    init(_ bytes: [UInt8], limits: BinaryLimits) {
        self.writer = BinaryWriter(bytes: bytes)
        self.limits = limits
    }

    /// How many lists and objects are open.
    var depth: Int { self.open.count }

    func encode<Value: Encodable>(_ value: Value) throws {
        if Value.self == [UInt8].self, let bytes = value as? [UInt8] {
            return self.writer.blob(bytes)
        }
        let start = self.writer.bytes.count
        let depth = self.depth
        try value.encode(to: BinaryValueEncoder(state: self, depth: depth))
        if let failure = self.failure { throw failure }
        self.close(downTo: depth)
        // A type that writes nothing is an object without fields.
        if self.writer.bytes.count == start {
            self.writer.bytes.append(BinaryByte.object)
            self.writer.bytes.append(BinaryByte.end)
        }
    }

    /// Begins a list or object.
    ///
    /// - Returns: Its serial number; one that no container has when it may not be begun.
    func begin(isObject: Bool) -> Int {
        guard self.depth < self.limits.depthMax else {
            return self.refuse("the value is deeper than \(self.limits.depthMax) levels")
        }
        self.writer.bytes.append(isObject ? BinaryByte.object : BinaryByte.list)
        self.serial += 1
        self.open.append(Open(serial: self.serial, isObject: isObject))
        return self.serial
    }

    /// Has the next write throw.
    ///
    /// - Returns: A serial number that no container has.
    func refuse(_ reason: String) -> Int {
        self.failure = self.failure ?? Self.refused(reason)
        return .max
    }

    /// The list or object that is open at a depth.
    func opened(at depth: Int) -> Open? { depth < self.open.count ? self.open[depth] : nil }

    /// Ends whatever was begun inside a list or object, which is written to next.
    func focus(_ serial: Int) throws {
        while let last = self.open.last, last.serial != serial {
            guard last.serial > serial else { break }
            self.end()
        }
        guard self.open.last?.serial == serial else {
            throw self.failure
                ?? Self.refused("a container is written to after the next one was begun")
        }
        try self.checkSize()
    }

    /// Ends what is open beyond a depth.
    func close(downTo depth: Int) {
        while self.depth > depth { self.end() }
    }

    func checkSize() throws {
        guard self.writer.bytes.count <= self.limits.bytesMax else {
            throw Self.refused(
                "the value is larger than \(self.limits.bytesMax) bytes; "
                    + "send a reference to it, or pieces"
            )
        }
    }

    private func end() {
        self.open.removeLast()
        self.writer.bytes.append(BinaryByte.end)
    }

    static func refused(_ reason: String) -> EncodingError {
        .invalidValue(reason, .init(codingPath: [], debugDescription: reason))
    }
}

/// What a value writes itself to.
struct BinaryValueEncoder: Encoder {
    let state: BinaryEncoding
    /// The depth at which the value stands.
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(
            BinaryKeyedEncoding<Key>(state: self.state, serial: self.serial(isObject: true))
        )
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        BinaryUnkeyedEncoding(state: self.state, serial: self.serial(isObject: false))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    /// The container at this depth, which the value may ask for again.
    private func serial(isObject: Bool) -> Int {
        guard let opened = self.state.opened(at: self.depth) else {
            return self.state.begin(isObject: isObject)
        }
        return opened.isObject == isObject
            ? opened.serial : self.state.refuse("a value is both a list and an object")
    }
}
