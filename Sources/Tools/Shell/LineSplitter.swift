// Where one line of output ends and how much of it is kept. Pure: bytes in, lines out.

/// Cuts a stream of bytes into lines at `\n`; a `\r` before it belongs to the line's end.
struct LineSplitter {
    /// One line.
    struct Line: Equatable {
        /// The bytes without the line's end.
        var bytes: [UInt8]
        /// `\n`, `\r\n`, or nothing for the last line.
        var end: String
        /// Whether the line was longer than what is kept.
        var isCut: Bool
    }

    private let bytesMax: Int
    private var pending: [UInt8] = []
    private var isCut = false

    /// Keeps up to `bytesMax` bytes of each line.
    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Takes the next bytes and returns the lines they complete.
    mutating func feed(_ bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            self.append(bytes[start..<end])
            lines.append(self.take(isTerminated: true))
            start = end + 1
        }
        self.append(bytes[start...])
        return lines
    }

    /// The last line, when the stream did not end with a line's end.
    mutating func finish() -> Line? {
        guard !self.pending.isEmpty || self.isCut else { return nil }
        return self.take(isTerminated: false)
    }

    /// One byte more than asked for is held, since a `\r` at the end does not count.
    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        let room = self.bytesMax + 1 - self.pending.count
        self.pending += bytes.prefix(room)
        if bytes.count > room { self.isCut = true }
    }

    private mutating func take(isTerminated: Bool) -> Line {
        var bytes = self.pending
        var end = isTerminated ? "\n" : ""
        if isTerminated, !self.isCut, bytes.last == 0x0D {
            bytes.removeLast()
            end = "\r\n"
        }
        var isCut = self.isCut
        if bytes.count > self.bytesMax {
            bytes.removeLast(bytes.count - self.bytesMax)
            isCut = true
        }
        self.pending.removeAll(keepingCapacity: true)
        self.isCut = false
        return Line(bytes: bytes, end: end, isCut: isCut)
    }
}
