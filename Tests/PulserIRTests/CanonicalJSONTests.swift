// The canonical form is RFC 8785's, byte by byte.

import PulserIR
import TestKit
import Testing

@Suite("Canonical JSON") struct CanonicalJSONTests {
    /// RFC 8785, appendix B: the bits of a double and its text.
    private static let vectors: [(UInt64, String)] = [
        (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
        (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
        (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xC340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"),
        (0x44B5_2D02_C7E1_4AF6, "1e+23"), (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"),
        (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
        (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
        (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
        (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
        (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
        (0x41B3_DE43_5555_5557, "333333333.33333343"),
        (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
        (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
    ]

    @Test("numbers are written as ECMAScript prints them", arguments: vectors)
    func number(bits: UInt64, text: String) {
        #expect(JSONValue.number(Double(bitPattern: bits)).canonicalText == text)
    }

    @Test("keys are sorted by UTF-16 units, not by scalars")
    func keys() {
        let value = JSONValue.object([
            "\u{20AC}": .string("Euro"), "\r": .string("CR"), "\u{FB33}": .string("Dalet"),
            "1": .string("One"), "\u{1F600}": .string("Smiley"), "\u{80}": .string("Control"),
            "\u{F6}": .string("O"),
        ])
        #expect(
            value.canonicalText
                == "{\"\\r\":\"CR\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{F6}\":\"O\","
                + "\"\u{20AC}\":\"Euro\",\"\u{1F600}\":\"Smiley\",\"\u{FB33}\":\"Dalet\"}"
        )
    }

    @Test("any two keys are in the order of their UTF-16 units")
    func pairs() {
        let letters = [
            "a", "b", "\u{7F}", "\u{80}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10000}",
        ]
        let keys =
            letters + letters.flatMap { first in letters.map { first + $0 } } + ["\u{10FFFF}"]
        for left in keys {
            for right in keys where left != right {
                let isBefore = left.utf16.lexicographicallyPrecedes(right.utf16)
                let (first, second) = isBefore ? (left, right) : (right, left)
                let text = JSONValue.object([left: .integer(1), right: .integer(1)]).canonicalText
                #expect(text == "{\"\(first)\":1,\"\(second)\":1}")
            }
        }
    }

    @Test("texts escape only what RFC 8785 names, in its short forms")
    func escapes() {
        let text = "\u{20AC}$\u{0F}\u{0A}A'\u{42}\u{22}\u{5C}\\\"/\u{8}\u{C}\t\r\u{7F}"
        #expect(
            JSONValue.string(text).canonicalText
                == "\"\u{20AC}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\\t\\r\u{7F}\""
        )
    }

    @Test("canonical text read again is written the same")
    func roundTrip() throws {
        for seed in UInt64(1)...200 {
            var generator = SeededGenerator(seed: seed)
            let value = Self.random(&generator, depth: 4)
            let again = try JSONValue(parsing: value.canonicalText)
            #expect(again.canonicalText == value.canonicalText, "seed \(seed)")
            #expect(again.isEqual(to: value), "seed \(seed)")
        }
    }

    @Test("JSON text nested deeper than the limit is refused before it is decoded")
    func depth() throws {
        let limit = Limits.jsonDepthMax
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(parsing: nested(limit))
        #expect(throws: JSONError.self) { try JSONValue(parsing: nested(limit + 1)) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: nested(100_000)) }
        _ = try JSONValue(parsing: "\"" + String(repeating: "[", count: 1_000) + "\\\"[\"")
    }

    private static func random(_ generator: inout SeededGenerator, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(generator.chance(50))
        case 2: return .integer(Int64(bitPattern: generator.next()))
        case 3:
            let number = Double(bitPattern: generator.next())
            return .number(number.isFinite ? number : 0.5)
        case 4: return .string(generator.pick(["", "é\u{301}", "\u{0}\u{1F}\"\\", "😀\u{2028}"]))
        case 5: return .array((0..<3).map { _ in Self.random(&generator, depth: depth - 1) })
        default:
            let keys = ["a", "\u{E9}", "€", "😀"].filter { _ in generator.chance(60) }
            return .object(
                Dictionary(
                    uniqueKeysWithValues: keys.map {
                        ($0, Self.random(&generator, depth: depth - 1))
                    }
                )
            )
        }
    }
}
