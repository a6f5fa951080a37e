// Decides what may name a session, a lane and a template.

/// Rules for names that people choose.
enum ResourceName {
    /// Bytes of a name.
    static let bytesMax = 64

    /// A session or template: letters, digits, `_`, and behind the first also `.` and `-`.
    static func isPlain(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= Self.bytesMax else { return false }
        return Self.isLetter(first)
            && bytes.allSatisfy {
                Self.isLetter($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }

    /// A session: as above and not a number, which is what sessions are asked for by too.
    static func isSession(_ name: String) -> Bool {
        Self.isPlain(name) && !name.allSatisfy { ("0"..."9").contains($0) }
    }

    /// A lane: anything without `/`, which belongs to the lanes of child runs.
    static func isLane(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= Self.bytesMax && !name.contains("/")
            && !name.contains("\0")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
