// Finds the name of a field by its bytes, so that the usual names cost no allocation and no check.

import HTTPTypes

/// Remembers the names of fields. Names of up to 16 bytes are found by one comparison.
final class FieldNames {
    private static let slots = 256

    private struct Slot {
        var head: UInt64 = 0
        var tail: UInt64 = 0
        var length = 0
        var name: HTTPField.Name?
    }

    private var slots = [Slot](repeating: Slot(), count: FieldNames.slots)

    /// The name with these bytes, already checked to be lower case by the library.
    ///
    /// - Returns: `nil` when it is not a name of RFC 9110.
    func name(_ bytes: UnsafeBufferPointer<UInt8>) -> HTTPField.Name? {
        let length = bytes.count
        guard length > 0, length <= 16 else {
            return HTTPField.Name(parsed: unsafe String(decoding: bytes, as: UTF8.self))
        }
        let raw = UnsafeRawBufferPointer(bytes)
        let head: UInt64
        let tail: UInt64
        if length >= 8 {
            head = unsafe raw.loadUnaligned(as: UInt64.self)
            tail = unsafe raw.loadUnaligned(fromByteOffset: length - 8, as: UInt64.self)
        } else {
            var value: UInt64 = 0
            for index in 0..<length { unsafe value = value << 8 | UInt64(raw[index]) }
            head = value
            tail = 0
        }
        let mixed = (head ^ tail &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        let index = Int(truncatingIfNeeded: (mixed ^ UInt64(length)) >> 32) & (Self.slots - 1)
        let slot = self.slots[index]
        if slot.head == head, slot.tail == tail, slot.length == length, let name = slot.name {
            return name
        }
        guard
            let name = HTTPField.Name(parsed: unsafe String(decoding: bytes, as: UTF8.self))
        else { return nil }
        self.slots[index] = Slot(head: head, tail: tail, length: length, name: name)
        return name
    }
}
