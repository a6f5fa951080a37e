// Values of every shape that Codable knows, drawn from a seed.

import TestKit

/// A value with every kind of field.
struct Sample: Codable, Hashable, Sendable {
    enum Colour: String, Codable, Hashable, Sendable { case red, green }
    enum Shape: Codable, Hashable, Sendable {
        case none
        case circle(radius: Double)
        case nested(indices: [Int], label: String?)
    }
    var flag: Bool
    var small: Int8
    var large: Int64
    var unsigned: UInt64
    var float: Float
    var double: Double
    var text: String
    var bytes: [UInt8]
    var colour: Colour
    var shape: Shape
    var maybe: String?
    var list: [Int?]
    var table: [String: [Int32]]
    var numbered: [Int: Bool]
    var children: [Sample]

    static func random(_ random: inout SeededGenerator, depth: Int = 0) -> Sample {
        let texts = ["", "a", "Ünïcödé ✓", String(repeating: "long ", count: 60)]
        let numbers: [Int64] = [0, 1, -1, 23, 24, 255, 256, 65_536, -65_537, .max, .min]
        let count = Int.random(in: 0...3, using: &random)
        return Sample(
            flag: random.chance(50),
            small: Int8.random(in: .min ... .max, using: &random),
            large: random.pick(numbers),
            unsigned: random.pick([0, 1, UInt64.max, 4_294_967_296]),
            float: Float(Int.random(in: -100...100, using: &random)) / 8,
            double: Double(Int.random(in: -9_999...9_999, using: &random)) / 7,
            text: random.pick(texts),
            bytes: (0..<Int.random(in: 0...40, using: &random)).map { UInt8($0) },
            colour: random.pick([.red, .green]),
            shape: random.pick([.none, .circle(radius: 2), .nested(indices: [1, 2], label: nil)]),
            maybe: random.chance(50) ? random.pick(texts) : nil,
            list: (0..<count).map { $0 == 1 ? nil : $0 },
            table: Dictionary(uniqueKeysWithValues: (0..<count).map { ("k\($0)", [Int32($0)]) }),
            numbered: Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, true) }),
            children: depth == 2
                ? [] : (0..<count).map { _ in Sample.random(&random, depth: depth + 1) }
        )
    }
}

/// Classes write the fields of their superclass into the same object.
class Base: Codable {
    var name = "base"
    init() {}
}

/// With a field of its own, in a value of its own.
final class Derived: Base {
    var extra = 7
    private enum CodingKeys: String, CodingKey { case extra }
    override init() { super.init() }
    required init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.extra = try fields.decode(Int.self, forKey: .extra)
        try super.init(from: fields.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(self.extra, forKey: .extra)
        try super.encode(to: fields.superEncoder())
    }
}
