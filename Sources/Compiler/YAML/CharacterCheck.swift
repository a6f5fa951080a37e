// Which characters a plan file may hold.

/// Finds bytes that are not UTF-8, and characters that plans do not hold.
enum CharacterCheck {
    /// The byte offset of the first problem, and what it is.
    static func problem(in bytes: [UInt8]) -> (offset: Int, problem: String)? {
        var index = 0
        while index < bytes.count {
            guard let (scalar, length) = self.decode(bytes, at: index) else {
                return (index, "the file is not UTF-8: byte 0x\(self.hex(UInt32(bytes[index]), 2))")
            }
            if let problem = self.problem(with: scalar, isFirst: index == 0) {
                return (index, problem)
            }
            index += length
        }
        return nil
    }

    private static func problem(with scalar: UInt32, isFirst: Bool) -> String? {
        switch scalar {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E: return nil
        case 0: return "the file holds a NUL byte"
        // YAML reads these as line ends or nothing at all; people do not see them.
        case 0x85, 0x2028, 0x2029:
            return "the file holds the invisible line end U+\(self.hex(scalar, 4))"
        case 0xFEFF where !isFirst: return "the file holds a byte order mark in its middle"
        case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF:
            return "the file holds the control character U+\(self.hex(scalar, 4))"
        default: return nil
        }
    }

    private static func decode(_ bytes: [UInt8], at index: Int) -> (scalar: UInt32, length: Int)? {
        let first = bytes[index]
        if first < 0x80 { return (UInt32(first), 1) }
        let (length, bits, least): (Int, UInt32, UInt32)
        switch first {
        case 0xC2...0xDF: (length, bits, least) = (2, UInt32(first & 0x1F), 0x80)
        case 0xE0...0xEF: (length, bits, least) = (3, UInt32(first & 0x0F), 0x800)
        case 0xF0...0xF4: (length, bits, least) = (4, UInt32(first & 0x07), 0x1_0000)
        default: return nil
        }
        guard index + length <= bytes.count else { return nil }
        var scalar = bits
        for offset in 1..<length {
            let byte = bytes[index + offset]
            guard byte & 0xC0 == 0x80 else { return nil }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        guard scalar >= least, Unicode.Scalar(scalar) != nil else { return nil }
        return (scalar, length)
    }

    private static func hex(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
