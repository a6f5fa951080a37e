// What is encoded comes back, across builds of different age; what is too much is refused.

import TestKit
import Testing

@testable import Cluster

@Suite("Values between nodes")
struct CodecTests {
    private static let limits = BinaryLimits()

    static func bytes<Value: Encodable>(
        _ value: Value,
        _ limits: BinaryLimits = Self.limits
    ) throws -> [UInt8] {
        let encoder = BinaryEncoder(limits: limits)
        try encoder.encode(value)
        return encoder.bytes
    }

    static func value<Value: Decodable>(
        _ bytes: [UInt8],
        as type: Value.Type = Value.self,
        _ limits: BinaryLimits = Self.limits
    ) throws -> Value {
        var decoder = try BinaryDecoder(bytes, limits: limits)
        return try decoder.decode()
    }

    @Test("whatever is encoded comes back the same", arguments: UInt64(1)...200)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sample = Sample.random(&random)
        #expect(try Self.value(Self.bytes(sample)) == sample)
    }

    @Test("single values, optionals, empty objects and fields of superclasses come back")
    func shapes() throws {
        struct Empty: Codable, Equatable {}
        #expect(try Self.value(Self.bytes(-7), as: Int16.self) == -7)
        #expect(try Self.value(Self.bytes(Int?.none), as: Int?.self) == nil)
        #expect(try Self.value(Self.bytes(Int?(3)), as: Int?.self) == 3)
        #expect(try Self.value(Self.bytes(Empty())) == Empty())
        #expect(try Self.value(Self.bytes([[Int]]())) == [[Int]]())
        let derived = Derived()
        derived.name = "changed"
        let back: Derived = try Self.value(Self.bytes(derived))
        #expect(back.name == "changed" && back.extra == 7)
    }

    @Test("several values in one run come back in order, and not one more")
    func sequence() throws {
        let encoder = BinaryEncoder([9, 9], limits: Self.limits)
        try encoder.encode("first")
        try encoder.encode(["second": 2])
        var decoder = try BinaryDecoder(encoder.bytes, from: 2, values: 2, limits: Self.limits)
        #expect(try decoder.decode(String.self) == "first")
        #expect(try decoder.decode([String: Int].self) == ["second": 2])
        #expect(throws: DecodingError.self) { try decoder.decode(Int.self) }
        #expect(throws: DecodingError.self) {
            try BinaryDecoder(encoder.bytes, from: 2, values: 1, limits: Self.limits)
        }
    }

    @Test("an older build skips the fields of a newer one, and a newer one does without")
    func evolution() throws {
        struct Old: Codable, Equatable {
            var name: String
            var count: Int
        }
        struct New: Codable, Equatable {
            struct Detail: Codable, Equatable { var notes: [String] }
            var before: Detail
            var count: Int
            var added: [Detail]?
            var name: String
        }
        let detail = New.Detail(notes: ["a", "b"])
        let new = New(before: detail, count: 4, added: [detail], name: "n")
        #expect(try Self.value(Self.bytes(new), as: Old.self) == Old(name: "n", count: 4))

        struct Newer: Codable, Equatable {
            var name: String
            var count: Int
            var added: [Int]?
        }
        let newer = try Self.value(Self.bytes(Old(name: "n", count: 4)), as: Newer.self)
        #expect(newer == Newer(name: "n", count: 4, added: nil))

        enum OldWord: Codable, Equatable { case giveBack(reason: String) }
        enum NewWord: Codable, Equatable { case giveBack(reason: String, delay: Int64?) }
        let word = try Self.value(Self.bytes(OldWord.giveBack(reason: "r")), as: NewWord.self)
        #expect(word == .giveBack(reason: "r", delay: nil))
        let said = NewWord.giveBack(reason: "r", delay: 5)
        #expect(try Self.value(Self.bytes(said)) == said)
        #expect(try Self.value(Self.bytes(said), as: OldWord.self) == .giveBack(reason: "r"))
    }

    @Test("a missing field and a value of another type are named")
    func mismatches() throws {
        struct Wanted: Codable { var name: String }
        #expect {
            _ = try Self.value(Self.bytes(["other": 1]), as: Wanted.self)
        } throws: {
            "\($0)".contains("the field 'name' is missing")
        }
        #expect {
            _ = try Self.value(Self.bytes(["name": 1]), as: Wanted.self)
        } throws: {
            "\($0)".contains("String was expected, there is a number")
        }
        #expect(throws: DecodingError.self) { try Self.value(Self.bytes(300), as: UInt8.self) }
        #expect(throws: DecodingError.self) { try Self.value(Self.bytes(-1), as: UInt.self) }
    }

    @Test("what is too large, too deep or too much is refused with a sentence")
    func limits() throws {
        var limits = BinaryLimits()
        limits.bytesMax = 100
        limits.depthMax = 3
        limits.valuesMax = 10
        #expect {
            _ = try Self.bytes(String(repeating: "x", count: 101), limits)
        } throws: {
            "\($0)".contains("larger than 100 bytes")
        }
        #expect {
            _ = try Self.bytes([[[[1]]]], limits)
        } throws: {
            "\($0)".contains("deeper than 3 levels")
        }
        #expect {
            _ = try Self.value(Self.bytes([[[[1]]]]), as: [[[[Int]]]].self, limits)
        } throws: {
            "\($0)".contains("deeper than 3 levels")
        }
        #expect {
            _ = try Self.value(Self.bytes(Array(0..<10)), as: [Int].self, limits)
        } throws: {
            "\($0)".contains("more than 10 values")
        }
        #expect(try Self.value(Self.bytes(Array(0..<9)), as: [Int].self, limits).count == 9)
    }

    @Test("a list is not reserved for as long as its first bytes say")
    func claims() throws {
        // Text of 2^63 bytes; a list with a length in its head, which we never write.
        #expect(throws: DecodingError.self) {
            try Self.value([0x7B, 0x80, 0, 0, 0, 0, 0, 0, 0], as: String.self)
        }
        #expect(throws: DecodingError.self) {
            try Self.value([0x9B, 0x7F, 255, 255, 255, 255, 255, 255, 255], as: [Int].self)
        }
    }
}
