// What fuzzing begins with: valid sessions of clients and servers, and every conversation of the rules.

import TestKit

/// Sessions as lists of frames in bytes, without the preface.
enum FuzzSessions {
    /// Draws a valid session of a client.
    static func client(_ random: inout SeededGenerator) -> [[UInt8]] {
        var frames = [RawFrame.settings(), .settingsAck]
        var stream: UInt32 = 1
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            frames += Self.request(stream, &random)
            stream += 2
        }
        return frames.map(\.bytes)
    }

    /// Draws a valid session of a server that answers streams 1, 3, 5, 7.
    static func server(_ random: inout SeededGenerator) -> [[UInt8]] {
        var frames = [RawFrame.settings(), .settingsAck]
        for stream in [1, 3, 5, 7] as [UInt32] { frames += Self.answer(stream, &random) }
        if random.chance(20) { frames.append(.goAway(last: 7)) }
        return frames.map(\.bytes)
    }

    /// Cuts what was written on a connection into its frames.
    static func frames(in bytes: [UInt8]) -> [[UInt8]] {
        var rest = bytes[...]
        if rest.starts(with: RawPeer.preface) { rest = rest.dropFirst(RawPeer.preface.count) }
        var frames: [[UInt8]] = []
        while rest.count >= 9 {
            let head = RawFrame(type: 0, payload: Array(rest.prefix(9)))
            let count = min(rest.count, 9 + Int(head.number(at: 0, bytes: 3)))
            frames.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return rest.isEmpty ? frames : frames + [Array(rest)]
    }

    /// Requests of HTTP/1.1.
    static let texts = [
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /bytes/100000 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        "HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello",
        "POST /count HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
            + "5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nx-a: b\r\n\r\n",
        "PUT /echo HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
            + "content-length: 3\r\n\r\nabc",
        "GET / HTTP/1.0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\n"
            + "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
    ]

    private static func request(
        _ stream: UInt32,
        _ random: inout SeededGenerator
    ) -> [RawFrame] {
        let path = random.pick(["/", "/echo", "/count", "/wait", "/hold", "/bytes/70000", "/none"])
        let fields = random.pick([[], [("te", "trailers")], [("content-length", "6")]])
        let block = HeaderBlock.request("POST", path, fields).field("x-fuzz", "1", .indexed)
        let padding = random.chance(20) ? 7 : nil
        if random.chance(30) { return [.headers(stream, block, padding: padding)] }
        var frames: [RawFrame] = []
        if random.chance(20) {
            let cut = Int.random(in: 0..<block.bytes.count, using: &random)
            let first = HeaderBlock(Array(block.bytes[..<cut]))
            frames.append(.headers(stream, first, end: false, endHeaders: false))
            frames.append(.continuation(stream, Array(block.bytes[cut...])))
        } else {
            frames.append(.headers(stream, block, end: false, padding: padding))
        }
        frames.append(.data(stream, [1, 2, 3], padding: padding))
        if random.chance(20) { frames.append(.windowUpdate(stream, by: 1_000)) }
        if random.chance(20) { frames.append(.ping(stream)) }
        if random.chance(20) { frames.append(.rstStream(stream)) }
        let trailers = RawFrame.headers(stream, HeaderBlock([("x-sum", "6")]))
        return frames + [.data(stream, [4, 5, 6], end: true)]
            + (random.chance(20) ? [trailers] : [])
    }

    private static func answer(
        _ stream: UInt32,
        _ random: inout SeededGenerator
    ) -> [RawFrame] {
        var frames: [RawFrame] = []
        if random.chance(20) {
            frames.append(.headers(stream, HeaderBlock([(":status", "103")]), end: false))
        }
        let head = HeaderBlock([(":status", "200"), ("content-length", "6")])
        frames.append(.headers(stream, head.field("x-fuzz", "1", .indexed), end: false))
        frames.append(.data(stream, [1, 2, 3], padding: random.chance(20) ? 9 : nil))
        if random.chance(10) { return frames + [.rstStream(stream)] }
        guard random.chance(30) else { return frames + [.data(stream, [4, 5, 6], end: true)] }
        let trailers = RawFrame.headers(stream, HeaderBlock([("x-sum", "6")]))
        return frames + [.data(stream, [4, 5, 6]), trailers]
    }
}
