// Turns declared names into numbers that are the same in every build.

/// FNV-1a, which needs no table and no seed.
enum StableHash {
    /// 32 bits, never zero: zero means nothing.
    static func of32(_ text: String) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash == 0 ? 1 : hash
    }

    /// 64 bits of text and number.
    static func of64(_ number: UInt64, _ text: String = "") -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            hash = (hash ^ (number >> shift & 0xFF)) &* 0x0000_0100_0000_01B3
        }
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}
