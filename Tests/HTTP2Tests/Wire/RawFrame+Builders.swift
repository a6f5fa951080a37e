// Frames by name, as the sections of RFC 9113 lay them out.

/// Identifiers of RFC 9113 section 6.5.2.
enum Setting {
    static let headerTableSize: UInt16 = 1
    static let enablePush: UInt16 = 2
    static let maxConcurrentStreams: UInt16 = 3
    static let initialWindowSize: UInt16 = 4
    static let maxFrameSize: UInt16 = 5
    static let maxHeaderListSize: UInt16 = 6
}

extension RawFrame {
    static func data(
        _ stream: UInt32,
        _ bytes: [UInt8] = [],
        end: Bool = false,
        padding: Int? = nil
    ) -> RawFrame {
        RawFrame(
            type: Kind.data,
            flags: (end ? Flag.endStream : 0) | (padding == nil ? 0 : Flag.padded),
            stream: stream,
            payload: Self.padded(bytes, padding)
        )
    }

    static func headers(
        _ stream: UInt32,
        _ block: HeaderBlock,
        end: Bool = true,
        endHeaders: Bool = true,
        padding: Int? = nil,
        dependsOn parent: UInt32? = nil
    ) -> RawFrame {
        let priority = parent.map { $0.octets(4) + [15] } ?? []
        return RawFrame(
            type: Kind.headers,
            flags: (end ? Flag.endStream : 0) | (endHeaders ? Flag.endHeaders : 0)
                | (padding == nil ? 0 : Flag.padded) | (parent == nil ? 0 : Flag.priority),
            stream: stream,
            payload: Self.padded(priority + block.bytes, padding)
        )
    }

    static func continuation(
        _ stream: UInt32,
        _ bytes: [UInt8] = [],
        endHeaders: Bool = true
    ) -> RawFrame {
        RawFrame(
            type: Kind.continuation,
            flags: endHeaders ? Flag.endHeaders : 0,
            stream: stream,
            payload: bytes
        )
    }

    static func priority(_ stream: UInt32, dependsOn parent: UInt32 = 0) -> RawFrame {
        RawFrame(type: Kind.priority, stream: stream, payload: parent.octets(4) + [15])
    }

    static func rstStream(_ stream: UInt32, _ code: ErrorCode = .cancel) -> RawFrame {
        RawFrame(type: Kind.rstStream, stream: stream, payload: code.value.octets(4))
    }

    static func settings(_ ids: [UInt16] = [], _ values: [UInt32] = []) -> RawFrame {
        let payload = zip(ids, values).flatMap { UInt32($0).octets(2) + $1.octets(4) }
        return RawFrame(type: Kind.settings, payload: payload)
    }

    static func setting(_ id: UInt16, _ value: UInt32) -> RawFrame { .settings([id], [value]) }

    static let settingsAck = RawFrame(type: Kind.settings, flags: Flag.ack)

    static func pushPromise(
        _ stream: UInt32,
        promising promised: UInt32,
        _ block: HeaderBlock
    ) -> RawFrame {
        RawFrame(
            type: Kind.pushPromise,
            flags: Flag.endHeaders,
            stream: stream,
            payload: promised.octets(4) + block.bytes
        )
    }

    static func ping(_ number: UInt32 = 0, ack: Bool = false) -> RawFrame {
        RawFrame(
            type: Kind.ping,
            flags: ack ? Flag.ack : 0,
            payload: [0x6F, 0x70, 0x73, 0x72] + number.octets(4)
        )
    }

    static func goAway(last: UInt32 = 0, _ code: ErrorCode = .noError) -> RawFrame {
        RawFrame(type: Kind.goAway, payload: last.octets(4) + code.value.octets(4))
    }

    static func windowUpdate(_ stream: UInt32, by increment: UInt32) -> RawFrame {
        RawFrame(type: Kind.windowUpdate, stream: stream, payload: increment.octets(4))
    }

    private static func padded(_ bytes: [UInt8], _ padding: Int?) -> [UInt8] {
        guard let padding else { return bytes }
        return [UInt8(padding)] + bytes + [UInt8](repeating: 0, count: padding)
    }
}
