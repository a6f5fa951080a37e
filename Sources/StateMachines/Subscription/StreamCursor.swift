// How a subscriber's place is written in one short word, and read back: the id of an event.

/// A place in the logs of one installation.
///
/// As text `<epoch>:<positions>`. Positions are `lane.sequence` pairs joined by `-`, in base 36,
/// ascending by lane; from the second on a lane is written as its distance to the one before, since
/// lanes of a session are neighbours. No position at all is `0`. A place has one text only.
public struct StreamCursor: Sendable, Hashable {
    /// Most lanes that one stream follows, and so one cursor names.
    public static let lanesMax = 1_024
    /// No cursor's text is longer.
    public static let textBytesMax = 14 * 1_024
    /// Letters of an epoch.
    public static let epochBytes = 8

    /// Which installation counts the lanes and events; ``epochBytes`` letters `0-9a-z`.
    public var epoch: String
    /// How far in each lane.
    public var positions: LanePositions

    /// Names a place.
    public init(epoch: String, positions: LanePositions) {
        self.epoch = epoch
        self.positions = positions
    }

    /// Reads a text; `nil` for any that ``text`` would not write.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count > Self.epochBytes + 1, bytes.count <= Self.textBytesMax,
            bytes[Self.epochBytes] == UInt8(ascii: ":"),
            bytes.prefix(Self.epochBytes).allSatisfy({ Self.value(of: $0) != nil })
        else { return nil }
        self.epoch = String(decoding: bytes.prefix(Self.epochBytes), as: UTF8.self)
        self.positions = LanePositions()
        let rest = bytes[(Self.epochBytes + 1)...]
        if rest.elementsEqual("0".utf8) { return }
        var lane: Int64 = 0
        let pairs = rest.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard pairs.count <= Self.lanesMax else { return nil }
        for pair in pairs {
            let numbers = pair.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard numbers.count == 2, let distance = Self.number(numbers[0]),
                let sequence = Self.number(numbers[1])
            else { return nil }
            let (next, isOverflow) = lane.addingReportingOverflow(distance)
            if isOverflow { return nil }
            lane = next
            self.positions.append(LanePositions.Position(lane: lane, sequence: sequence))
        }
    }

    /// The place as text.
    public var text: String {
        var bytes: [UInt8] = []
        Self.write(epoch: self.epoch, self.positions, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends a place's text to `bytes`.
    public static func write(
        epoch: String,
        _ positions: LanePositions,
        to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: epoch.utf8)
        bytes.append(UInt8(ascii: ":"))
        if positions.all.isEmpty { bytes.append(UInt8(ascii: "0")) }
        var lane: Int64 = 0
        for (index, position) in positions.all.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "-")) }
            Self.write(position.lane - lane, to: &bytes)
            bytes.append(UInt8(ascii: "."))
            Self.write(position.sequence, to: &bytes)
            lane = position.lane
        }
    }

    private static func write(_ number: Int64, to bytes: inout [UInt8]) {
        let start = bytes.count
        var rest = number
        repeat {
            let digit = UInt8(truncatingIfNeeded: rest % 36)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            rest /= 36
        } while rest > 0
        bytes[start...].reverse()
    }

    /// A number from 1 without leading zeros.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard let first = digits.first, first != UInt8(ascii: "0") else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard let digit = Self.value(of: digit) else { return nil }
            let (scaled, isTooLarge) = value.multipliedReportingOverflow(by: 36)
            let (sum, isOverflow) = scaled.addingReportingOverflow(digit)
            if isTooLarge || isOverflow { return nil }
            value = sum
        }
        return value
    }

    private static func value(of digit: UInt8) -> Int64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int64(digit - UInt8(ascii: "a")) + 10
        default: nil
        }
    }
}
