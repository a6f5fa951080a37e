// How the fields of envelopes are written and read: by hand, in a fixed order.

/// Appends fields to bytes.
struct WireWriter {
    var bytes: [UInt8]

    init(capacity: Int = 96) {
        self.bytes = []
        self.bytes.reserveCapacity(capacity)
    }

    mutating func byte(_ value: UInt8) { self.bytes.append(value) }

    /// Seven bits per byte, the lowest first.
    mutating func number(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            self.bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        self.bytes.append(UInt8(truncatingIfNeeded: value))
    }

    /// Small numbers of either sign take few bytes.
    mutating func signed(_ value: Int64) {
        self.number(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    /// Exactly so many bytes, the highest first.
    mutating func fixed<Number: FixedWidthInteger & UnsignedInteger>(_ value: Number) {
        var shift = Number.bitWidth
        while shift > 0 {
            shift -= 8
            self.bytes.append(UInt8(truncatingIfNeeded: value >> Number(shift)))
        }
    }

    mutating func text(_ value: String) {
        self.number(UInt64(value.utf8.count))
        self.bytes.append(contentsOf: value.utf8)
    }

    mutating func blob(_ value: [UInt8]) {
        self.number(UInt64(value.count))
        self.bytes.append(contentsOf: value)
    }
}

/// Takes fields from bytes that a peer has sent.
struct WireReader {
    let bytes: [UInt8]
    private(set) var place: Int

    init(_ bytes: [UInt8], from place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    private static let cutOff = ClusterError(.malformed, "an envelope is cut off")

    mutating func byte() throws(ClusterError) -> UInt8 {
        guard self.place < self.bytes.count else { throw Self.cutOff }
        defer { self.place += 1 }
        return self.bytes[self.place]
    }

    mutating func number() throws(ClusterError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try self.byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ClusterError(.malformed, "a number in an envelope has no end")
    }

    mutating func signed() throws(ClusterError) -> Int64 {
        let value = try self.number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func fixed<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type = Number.self
    ) throws(ClusterError) -> Number {
        var value: Number = 0
        for _ in 0..<Number.bitWidth / 8 { value = value << 8 | Number(try self.byte()) }
        return value
    }

    /// A number of things that follow, each of at least one byte.
    mutating func count(most: Int) throws(ClusterError) -> Int {
        let value = try self.number()
        guard value <= UInt64(most), value <= UInt64(self.bytes.count - self.place) else {
            throw ClusterError(.malformed, "an envelope counts \(value) where \(most) are allowed")
        }
        return Int(value)
    }

    mutating func text(bytesMax: Int) throws(ClusterError) -> String {
        let count = try self.count(most: bytesMax)
        defer { self.place += count }
        let bytes = self.bytes[self.place..<self.place + count]
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ClusterError(.malformed, "a text in an envelope is not UTF-8")
        }
        return text
    }

    mutating func blob(bytesMax: Int) throws(ClusterError) -> [UInt8] {
        let count = try self.count(most: bytesMax)
        defer { self.place += count }
        return Array(self.bytes[self.place..<self.place + count])
    }
}
