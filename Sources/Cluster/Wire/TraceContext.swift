// Which trace a call belongs to, as W3C's Trace Context has it.

/// A place in a trace.
public struct TraceContext: Sendable, Hashable {
    let high: UInt64
    let low: UInt64
    let span: UInt64
    let flags: UInt8

    init(high: UInt64, low: UInt64, span: UInt64, flags: UInt8) {
        self.high = high
        self.low = low
        self.span = span
        self.flags = flags
    }

    /// Reads the field `traceparent`; `nil` when it is not one.
    public init?(traceparent: String) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff",
            parts[1].utf8.count == 32, parts[2].utf8.count == 16, parts[3].utf8.count == 2,
            parts[0] != "00" || parts.count == 4,
            parts[0..<4].allSatisfy({ $0.utf8.allSatisfy(Self.isHexadecimal) }),
            let high = UInt64(parts[1].prefix(16), radix: 16),
            let low = UInt64(parts[1].suffix(16), radix: 16),
            let span = UInt64(parts[2], radix: 16), let flags = UInt8(parts[3], radix: 16),
            high != 0 || low != 0, span != 0
        else { return nil }
        self.init(high: high, low: low, span: span, flags: flags)
    }

    /// The field `traceparent`.
    public var traceparent: String {
        "00-\(Self.text(self.high))\(Self.text(self.low))-\(Self.text(self.span))-"
            + (self.flags < 16 ? "0" : "") + String(self.flags, radix: 16)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    private static func text(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
