// What is sent there and back, and its bytes: those that protobuf gives a message of these fields.

import GRPCCore

/// The fields of the message that `opsload cluster` sends.
struct EchoMessage: Sendable, Hashable {
    var number: Int
    var text: String
}

/// `int64 number = 1; string text = 2;`, written and read by hand.
struct EchoCoding: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: EchoMessage) throws -> Bytes {
        let number = UInt64(bitPattern: Int64(message.number))
        var text = message.text
        return text.withUTF8 { text in
            let length = UInt64(text.count)
            let size = 2 + Self.size(number) + Self.size(length) + text.count
            var bytes = Bytes(repeating: 0, count: size)
            bytes.withUnsafeMutableBytes { target in
                var place = 0
                Self.write(0x08, to: target, at: &place)
                Self.write(number, to: target, at: &place)
                Self.write(0x12, to: target, at: &place)
                Self.write(length, to: target, at: &place)
                UnsafeMutableRawBufferPointer(rebasing: target[place...])
                    .copyMemory(from: UnsafeRawBufferPointer(text))
            }
            return bytes
        }
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> EchoMessage {
        try bytes.withUnsafeBytes { source in
            var message = EchoMessage(number: 0, text: "")
            var place = 0
            while place < source.count {
                switch try Self.read(source, at: &place) {
                case 0x08:
                    let number = Int64(bitPattern: try Self.read(source, at: &place))
                    message.number = Int(number)
                case 0x12:
                    let length = try Self.read(source, at: &place)
                    guard length <= UInt64(source.count - place) else { throw Self.odd }
                    let end = place + Int(length)
                    message.text = String(decoding: source[place..<end], as: UTF8.self)
                    place = end
                default: throw Self.odd
                }
            }
            return message
        }
    }

    private static let odd = RPCError(code: .internalError, message: "these are no such fields")

    private static func size(_ number: UInt64) -> Int {
        max(1, (64 - number.leadingZeroBitCount + 6) / 7)
    }

    private static func write(
        _ number: UInt64,
        to target: UnsafeMutableRawBufferPointer,
        at place: inout Int
    ) {
        var rest = number
        while rest > 0x7F {
            target[place] = UInt8(truncatingIfNeeded: rest) | 0x80
            place += 1
            rest >>= 7
        }
        target[place] = UInt8(truncatingIfNeeded: rest)
        place += 1
    }

    private static func read(_ source: UnsafeRawBufferPointer, at place: inout Int) throws -> UInt64
    {
        var number: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard place < source.count else { throw Self.odd }
            let byte = source[place]
            place += 1
            number |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return number }
        }
        throw Self.odd
    }
}
