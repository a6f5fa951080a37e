// The form of a value between nodes: heads as in RFC 8949 (CBOR), so that common tools can read a dump.

/// What kind of value a head begins; the upper three bits of its first byte.
enum BinaryMajor {
    static let unsigned: UInt8 = 0
    static let negative: UInt8 = 1
    static let bytes: UInt8 = 2
    static let text: UInt8 = 3
    static let list: UInt8 = 4
    static let object: UInt8 = 5
    static let simple: UInt8 = 7
}

/// First bytes that stand for themselves.
enum BinaryByte {
    /// Begins a list that ends with ``end``.
    static let list: UInt8 = 0x9F
    /// Begins an object, pairs of text and value, that ends with ``end``.
    static let object: UInt8 = 0xBF
    static let no: UInt8 = 0xF4
    static let yes: UInt8 = 0xF5
    static let null: UInt8 = 0xF6
    static let float: UInt8 = 0xFA
    static let double: UInt8 = 0xFB
    static let end: UInt8 = 0xFF
}

/// Appends values to bytes.
struct BinaryWriter {
    var bytes: [UInt8]

    /// A head: kind and number in one, two, three, five or nine bytes.
    mutating func head(_ major: UInt8, _ number: UInt64) {
        let kind = major << 5
        switch number {
        case 0..<24: self.bytes.append(kind | UInt8(truncatingIfNeeded: number))
        case 24..<0x100:
            self.bytes.append(kind | 24)
            self.bytes.append(UInt8(truncatingIfNeeded: number))
        case 0x100..<0x1_0000:
            self.bytes.append(kind | 25)
            self.bigEndian(number, count: 2)
        case 0x1_0000..<0x1_0000_0000:
            self.bytes.append(kind | 26)
            self.bigEndian(number, count: 4)
        default:
            self.bytes.append(kind | 27)
            self.bigEndian(number, count: 8)
        }
    }

    mutating func integer<Number: FixedWidthInteger>(_ value: Number) {
        if value >= 0 {
            self.head(BinaryMajor.unsigned, UInt64(truncatingIfNeeded: value))
        } else {
            self.head(BinaryMajor.negative, ~UInt64(truncatingIfNeeded: value))
        }
    }

    mutating func text(_ value: String) {
        var value = value
        value.makeContiguousUTF8()
        self.head(BinaryMajor.text, UInt64(value.utf8.count))
        self.bytes.append(contentsOf: value.utf8)
    }

    mutating func blob(_ value: [UInt8]) {
        self.head(BinaryMajor.bytes, UInt64(value.count))
        self.bytes.append(contentsOf: value)
    }

    mutating func bool(_ value: Bool) {
        self.bytes.append(value ? BinaryByte.yes : BinaryByte.no)
    }

    mutating func double(_ value: Double) {
        self.bytes.append(BinaryByte.double)
        self.bigEndian(value.bitPattern, count: 8)
    }

    mutating func float(_ value: Float) {
        self.bytes.append(BinaryByte.float)
        self.bigEndian(UInt64(value.bitPattern), count: 4)
    }

    private mutating func bigEndian(_ value: UInt64, count: Int) {
        var shift = UInt64(count - 1) * 8
        for _ in 0..<count {
            self.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            shift &-= 8
        }
    }
}
