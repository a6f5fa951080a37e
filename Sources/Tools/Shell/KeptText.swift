// What a result keeps of a long output: its beginning and its end.

/// The first and the last part of a text.
struct KeptText {
    private let halfBytesMax: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    /// Bytes that are in neither part any more.
    private(set) var bytesLost = 0
    private var isHeadFull = false

    /// Keeps up to `bytesMax` bytes in all, half of them from each end.
    init(bytesMax: Int) { self.halfBytesMax = bytesMax / 2 }

    /// Adds to the end.
    mutating func append(_ bytes: [UInt8]) {
        var rest = bytes[...]
        if !self.isHeadFull {
            let room = self.halfBytesMax - self.head.count
            self.head += rest.prefix(room)
            rest = rest.dropFirst(room)
            self.isHeadFull = !rest.isEmpty
        }
        self.tail += rest
        // Trimmed at twice the size, so that each byte is moved at most once on average.
        if self.tail.count > 2 * self.halfBytesMax { self.trim() }
    }

    /// The kept text, with a line between the parts that says how much is missing.
    mutating func finish() -> String {
        self.trim()
        let head = String(decoding: self.head, as: UTF8.self)
        let tail = String(decoding: self.tail, as: UTF8.self)
        guard self.bytesLost > 0 else {
            // Decoded in one piece: a character may lie across the seam.
            return String(decoding: self.head + self.tail, as: UTF8.self)
        }
        return head + "\n… [cut: \(self.bytesLost) bytes]\n" + tail
    }

    private mutating func trim() {
        let excess = self.tail.count - self.halfBytesMax
        guard excess > 0 else { return }
        self.tail.removeFirst(excess)
        self.bytesLost += excess
    }
}
