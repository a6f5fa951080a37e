// How many runs may begin in a time, as people write it.

/// So many in a time, one after the other at an equal distance; after a time of rest several at once.
///
/// In any ``milliseconds`` at most ``count`` + ``burst`` - 1 begin.
public struct Rate: Sendable, Hashable {
    /// How many, from 1 to 1,000,000.
    public var count: Int64
    /// In how many milliseconds, from 1 to 366 days.
    public var milliseconds: Int64
    /// How many at once after a time of rest, from 1 to 100,000. Default 1.
    public var burst: Int64

    /// The longest time.
    public static let millisecondsMax: Int64 = 366 * 86_400_000
    /// The most that may begin in it.
    public static let countMax: Int64 = 1_000_000
    /// The most that may begin at once.
    public static let burstMax: Int64 = 100_000
    /// What a text must look like.
    public static let form = "COUNT/TIME[:BURST], as 100/m, 5/10s, 100/h:20"

    /// Describes a rate.
    ///
    /// - Returns: `nil` when a number is out of bounds.
    public init?(count: Int64, milliseconds: Int64, burst: Int64 = 1) {
        guard (1...Self.countMax).contains(count), (1...Self.burstMax).contains(burst),
            (1...Self.millisecondsMax).contains(milliseconds)
        else { return nil }
        self.count = count
        self.milliseconds = milliseconds
        self.burst = burst
    }

    /// Reads `COUNT/TIME` or `COUNT/TIME:BURST`; the time is a unit (`ms s m h d`), or a number and a
    /// unit.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let count = Self.number(halves[0]) else { return nil }
        let parts = halves[1].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let time = parts.first else { return nil }
        var burst: Int64 = 1
        if parts.count == 2 {
            guard let number = Self.number(parts[1]) else { return nil }
            burst = number
        }
        let digits = time.prefix { $0.isASCII && $0.isNumber }
        guard let unit = Self.units.first(where: { $0.name == time.dropFirst(digits.count) }),
            let number = digits.isEmpty ? 1 : Self.number(digits)
        else { return nil }
        let (milliseconds, isTooLong) = number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !isTooLong else { return nil }
        self.init(count: count, milliseconds: milliseconds, burst: burst)
    }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { (48...57).contains($0) } ? Int64(text) : nil
    }
}

extension Rate: CustomStringConvertible {
    /// As it is read.
    public var description: String {
        let unit =
            Self.units.first { self.milliseconds % $0.milliseconds == 0 } ?? (name: "ms", 1)
        let times = self.milliseconds / unit.milliseconds
        return "\(self.count)/\(times == 1 ? "" : String(times))\(unit.name)"
            + (self.burst == 1 ? "" : ":\(self.burst)")
    }
}
