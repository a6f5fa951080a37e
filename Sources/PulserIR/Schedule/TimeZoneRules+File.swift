// How a TZif file (RFC 8536, version 2 and later) is read: bytes in, rules out; every byte is doubted.

extension TimeZoneRules {
    /// The largest file that is read; the largest of the database has under 4 KiB.
    public static let fileBytesMax = 256 << 10

    /// Reads a compiled file of the zone database.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The zone's name.
    /// - Throws: ``ScheduleError`` when it is not one, is damaged, or counts leap seconds.
    public init(file bytes: [UInt8], name: String) throws(ScheduleError) {
        guard bytes.count <= Self.fileBytesMax else { throw Self.damaged(name) }
        var reader = FileReader(bytes: bytes)
        guard let first = reader.takeHeader() else { throw Self.damaged(name) }
        guard first.version >= UInt8(ascii: "2") else {
            throw ScheduleError(
                "the file of time zone '\(name)' is of the first version, which ends in 2037",
                hint: "install a newer tzdata"
            )
        }
        guard reader.skip(first.bytes(timeBytes: 4)), let header = reader.takeHeader() else {
            throw Self.damaged(name)
        }
        guard header.leaps == 0 else {
            throw ScheduleError(
                "the file of time zone '\(name)' counts leap seconds, the database does not",
                hint: "use the zone without 'right/' in its name"
            )
        }
        guard let body = reader.takeBody(header), let footer = reader.takeFooter() else {
            throw Self.damaged(name)
        }
        self.init(
            name: name,
            firstOffset: body.firstOffset,
            transitions: body.transitions,
            footer: footer
        )
    }

    private static func damaged(_ name: String) -> ScheduleError {
        ScheduleError(
            "the file of time zone '\(name)' is not one of the zone database, or is damaged",
            hint: "install tzdata again"
        )
    }
}

/// Takes the parts of a file off its front; whatever is not there is `nil`.
private struct FileReader {
    struct Header {
        var version: UInt8
        var isUTCs: Int
        var isStandards: Int
        var leaps: Int
        var times: Int
        var types: Int
        var characters: Int

        /// How long the data behind the header is.
        func bytes(timeBytes: Int) -> Int {
            self.times * (timeBytes + 1) + self.types * 6 + self.characters
                + self.leaps * (timeBytes + 4) + self.isStandards + self.isUTCs
        }
    }

    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, count <= self.bytes.count - self.position else { return false }
        self.position += count
        return true
    }

    private mutating func takeNumber(_ width: Int) -> Int64? {
        let start = self.position
        guard self.skip(width) else { return nil }
        var value = UInt64(0)
        for byte in self.bytes[start..<self.position] { value = value << 8 | UInt64(byte) }
        return width == 8 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))
    }

    mutating func takeHeader() -> Header? {
        let start = self.position
        guard self.skip(20), self.bytes[start..<(start + 4)].elementsEqual("TZif".utf8) else {
            return nil
        }
        var counts: [Int] = []
        for _ in 0..<6 {
            guard let count = self.takeNumber(4), (0...65_536).contains(count) else { return nil }
            counts.append(Int(count))
        }
        guard (1...256).contains(counts[4]) else { return nil }
        return Header(
            version: self.bytes[start + 4],
            isUTCs: counts[0],
            isStandards: counts[1],
            leaps: counts[2],
            times: counts[3],
            types: counts[4],
            characters: counts[5]
        )
    }

    mutating func takeBody(
        _ header: Header
    ) -> (firstOffset: Int64, transitions: [TimeZoneRules.Transition])? {
        var times: [Int64] = []
        for _ in 0..<header.times {
            guard let time = self.takeNumber(8), times.last.map({ $0 < time }) ?? true else {
                return nil
            }
            times.append(time)
        }
        let start = self.position
        guard self.skip(header.times) else { return nil }
        let kinds = self.bytes[start..<self.position].map { Int($0) }
        var offsets: [Int64] = []
        for _ in 0..<header.types {
            // No clock is further off than this (RFC 8536).
            guard let offset = self.takeNumber(4), (-89_999...93_599).contains(offset),
                self.skip(2)
            else { return nil }
            offsets.append(offset)
        }
        guard kinds.allSatisfy({ $0 < offsets.count }),
            self.skip(header.characters + header.isStandards + header.isUTCs)
        else { return nil }
        let transitions = zip(times, kinds).map { time, kind in
            // Some files begin with the Big Bang.
            TimeZoneRules.Transition(
                at: max(-TimeZoneRules.secondsMax, min(time, TimeZoneRules.secondsMax)),
                offset: offsets[kind]
            )
        }
        return (offsets[0], transitions)
    }

    /// The text between two line feeds; empty means that nothing is known.
    mutating func takeFooter() -> TimeZoneFooter?? {
        guard self.position < self.bytes.count, self.bytes[self.position] == 0x0A,
            let end = self.bytes[(self.position + 1)...].firstIndex(of: 0x0A)
        else { return nil }
        let text = self.bytes[(self.position + 1)..<end]
        if text.isEmpty { return .some(nil) }
        guard let footer = TimeZoneFooter(text) else { return nil }
        return .some(footer)
    }
}
