// A frame as bytes: any type, any flags, any length, right or wrong.

/// One HTTP/2 frame. Nothing is checked: a test says what is on the wire.
struct RawFrame: Sendable, Equatable {
    /// The types of RFC 9113 section 6.
    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let priority: UInt8 = 2
        static let rstStream: UInt8 = 3
        static let settings: UInt8 = 4
        static let pushPromise: UInt8 = 5
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let continuation: UInt8 = 9
    }

    /// Flags by their bit.
    enum Flag {
        static let ack: UInt8 = 0x1
        static let endStream: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
        static let priority: UInt8 = 0x20
    }

    var type: UInt8
    var flags: UInt8 = 0
    /// All 32 bits, the reserved one included.
    var stream: UInt32 = 0
    var payload: [UInt8] = []
    /// The length its header claims; `nil` for the true one.
    var claimedLength: Int?

    /// The frame on the wire.
    var bytes: [UInt8] {
        let length = UInt32(self.claimedLength ?? self.payload.count)
        return length.octets(3) + [self.type, self.flags] + self.stream.octets(4) + self.payload
    }

    var endsStream: Bool {
        self.flags & Flag.endStream != 0
            && (self.type == Kind.data || self.type == Kind.headers)
    }

    var endsHeaders: Bool { self.flags & Flag.endHeaders != 0 }

    /// The big-endian number at an offset of the payload.
    func number(at offset: Int, bytes count: Int = 4) -> UInt32 {
        self.payload.dropFirst(offset).prefix(count).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The payload without padding and priority fields.
    var content: [UInt8] {
        var rest = self.payload[...]
        var padding = 0
        let mayPad = self.type == Kind.data || self.type == Kind.headers
        if mayPad, self.flags & Flag.padded != 0 { padding = Int(rest.popFirst() ?? 0) }
        if self.type == Kind.headers, self.flags & Flag.priority != 0 { rest = rest.dropFirst(5) }
        return Array(rest.dropLast(padding))
    }
}

extension RawFrame: CustomStringConvertible {
    private static let names = [
        "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
        "WINDOW_UPDATE", "CONTINUATION",
    ]

    var description: String {
        let name =
            self.type < UInt8(Self.names.count)
            ? Self.names[Int(self.type)] : "type \(self.type)"
        let code: String
        switch self.type {
        case Kind.rstStream: code = " \(ErrorCode(self.number(at: 0)))"
        case Kind.goAway:
            let words = String(decoding: self.payload.dropFirst(8), as: UTF8.self)
            code = " \(ErrorCode(self.number(at: 4))) \(words)"
        default: code = ""
        }
        return "\(name)\(code) stream \(self.stream) flags \(self.flags) "
            + "\(self.payload.count) bytes"
    }
}

extension UInt32 {
    /// Its last bytes, big-endian.
    func octets(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: self >> UInt32(8 * (count - 1 - $0))) }
    }
}
