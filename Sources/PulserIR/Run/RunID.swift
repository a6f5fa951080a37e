// How a run is named: a number in the database, eight letters for people.

/// The identity of a run.
///
/// The database counts runs up, which keeps its indexes narrow and in order; people see the number
/// multiplied through 40 bits and written in Crockford's base 32, so that neighbouring runs look
/// different from the first letter on and a short prefix is enough to name one.
public struct RunID: Sendable, Hashable, Comparable {
    /// The number in the database, from 1 up to 2^40 − 1.
    public let number: Int64

    /// Names the run with this number.
    public init(_ number: Int64) { self.number = number }

    /// Reads all eight letters; `nil` for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 8, let range = Self.prefixRange(text) else { return nil }
        self.number = Int64((range.lowerBound &* Self.inverse) & Self.mask)
    }

    /// Orders by age.
    public static func < (left: RunID, right: RunID) -> Bool { left.number < right.number }

    /// The scrambled numbers whose text starts with `prefix` (1 to 8 letters); `nil` when it holds
    /// anything but base 32 letters. A run matches when ``scrambled`` lies in the range.
    public static func prefixRange(_ prefix: String) -> ClosedRange<UInt64>? {
        let letters = Array(prefix.lowercased().utf8)
        guard (1...8).contains(letters.count) else { return nil }
        var value: UInt64 = 0
        for letter in letters {
            guard let digit = Self.alphabet.firstIndex(of: letter) else { return nil }
            value = value << 5 | UInt64(digit)
        }
        let free = UInt64(5 * (8 - letters.count))
        return (value << free)...((value << free) | ((1 << free) - 1))
    }

    /// The 40 bits that ``description`` writes.
    public var scrambled: UInt64 {
        (UInt64(bitPattern: self.number) &* Self.multiplier) & Self.mask
    }

    /// The factor of the scrambling, odd so that it can be undone modulo 2^40; SQL uses it too.
    public static let multiplier: UInt64 = 0x9E_3779_B97B

    private static let mask: UInt64 = (1 << 40) - 1
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// Newton's iteration doubles the right bits each round: 3 bits at the start, 48 after four.
    private static let inverse: UInt64 = {
        var guess = RunID.multiplier
        for _ in 0..<5 { guess = guess &* (2 &- RunID.multiplier &* guess) }
        return guess & RunID.mask
    }()
}

extension RunID: CustomStringConvertible {
    /// The eight letters.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8)
        self.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the eight letters to `bytes`.
    public func write(to bytes: inout [UInt8]) {
        let value = self.scrambled
        var shift: UInt64 = 40
        while shift > 0 {
            shift -= 5
            bytes.append(Self.alphabet[Int(value >> shift) & 31])
        }
    }
}

extension RunID: Codable {
    /// Reads the eight letters.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = RunID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not a run id"
            )
        }
        self = id
    }

    /// Writes the eight letters.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}
