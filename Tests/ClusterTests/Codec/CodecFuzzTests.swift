// No bytes bring a node down: random ones, and such as almost were a value.

import TestKit
import Testing

@testable import Cluster

@Suite("Bytes that nobody encoded")
struct CodecFuzzTests {
    /// Decodes bytes as several types.
    ///
    /// - Returns: Whether one of them took the bytes.
    private static func survives(_ bytes: [UInt8]) -> Bool {
        var limits = BinaryLimits()
        limits.valuesMax = 4_096
        func takes<Value: Codable>(_ type: Value.Type) -> Bool {
            guard var decoder = try? BinaryDecoder(bytes, limits: limits),
                let value = try? decoder.decode(type)
            else { return false }
            // What was taken can be written again.
            return (try? CodecTests.bytes(value)) != nil
        }
        return [
            takes(Sample.self), takes([String: [Int]].self), takes([Int?].self),
            takes(String.self), takes([UInt8].self), takes([Bool: Int].self),
        ].contains(true)
    }

    @Test("random bytes are refused or taken, and nothing else", arguments: UInt64(1)...40)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0...64, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            _ = Self.survives(bytes)
        }
    }

    @Test("mutated values are refused or taken, and nothing else", arguments: UInt64(1)...40)
    func mutated(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var takenCount = 0
        let count = 200
        for _ in 0..<count {
            var bytes = try CodecTests.bytes(Sample.random(&random, depth: 1))
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                let place = bytes.indices.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(random.pick([0xFF, 0x9F, 0xBF, 0x7B, 0]), at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            if Self.survives(bytes) { takenCount += 1 }
        }
        // A quarter was not changed at all.
        #expect(takenCount > 0 && takenCount < count, "seed \(seed)")
    }

    @Test("objects with many fields cost time in proportion to their bytes")
    func manyFields() throws {
        var limits = BinaryLimits()
        limits.valuesMax = 400_000
        limits.bytesMax = 8_388_608
        let fields = Dictionary(uniqueKeysWithValues: (0..<150_000).map { ("field\($0)", $0) })
        let bytes = try CodecTests.bytes(fields, limits)
        // Quadratic time would be minutes.
        #expect(try CodecTests.value(bytes, as: [String: Int].self, limits) == fields)
    }
}
