// One flood of a server on its client: what is sent again and again once a request has come.

import Testing

/// A flood on the connection of a client that has sent `GET /` on stream 1.
struct ClientFlood: Sendable, CustomTestStringConvertible {
    let name: String
    /// What comes before the flood.
    let opening: [RawFrame]
    /// One unit of the flood.
    let unit: @Sendable (Int) -> [RawFrame]
    /// How many units are sent if nobody ends it.
    let count: Int

    var testDescription: String { self.name }

    init(
        _ name: String,
        _ opening: [RawFrame] = [],
        count: Int = 20_000,
        _ unit: @escaping @Sendable (Int) -> [RawFrame]
    ) {
        self.name = name
        self.opening = opening
        self.unit = unit
        self.count = count
    }

    /// Plays the server; throws unless the client has left by the end of the flood.
    func play(_ listener: RawListener, isReading: Bool) throws {
        let peer = RawPeer(try listener.accept())
        try peer.handshakeAsServer()
        try peer.wait(for: "a request") { !$0.stream(1).sections.isEmpty }
        for frame in self.opening { try peer.send(frame) }
        let outcome = try peer.flood(self.count, isReading: isReading) {
            self.unit($0).flatMap(\.bytes)
        }
        guard outcome.isClosed else { throw peer.failure("\(outcome) was not ended") }
    }

    private static let head = RawFrame.headers(1, HeaderBlock([(":status", "200")]), end: false)
    /// Stream 1 is over, the connection goes on.
    private static let over = RawFrame.headers(1, HeaderBlock([(":status", "204")]))

    static let all: [ClientFlood] = [
        ClientFlood("PING") { [.ping(UInt32($0))] },
        ClientFlood("acknowledgements of no PING") { [.ping(UInt32($0), ack: true)] },
        ClientFlood("SETTINGS") { _ in [.settings()] },
        ClientFlood("SETTINGS that change the window") { number in
            [.setting(Setting.initialWindowSize, UInt32(number))]
        },
        ClientFlood("acknowledgements of no SETTINGS") { _ in [.settingsAck] },
        ClientFlood("RST_STREAM again and again", [Self.over]) { _ in [.rstStream(1)] },
        ClientFlood("RST_STREAM of streams that were never there") { number in
            [.rstStream(UInt32(2 * number + 3))]
        },
        ClientFlood(
            "CONTINUATION without an end",
            [
                .headers(1, HeaderBlock([(":status", "200")]), end: false, endHeaders: false)
            ]
        ) { _ in [.continuation(1, HeaderBlock([("x-a", "1")]).bytes, endHeaders: false)] },
        ClientFlood(
            "empty CONTINUATION without an end",
            [
                .headers(1, HeaderBlock([(":status", "200")]), end: false, endHeaders: false)
            ]
        ) { _ in [.continuation(1, [], endHeaders: false)] },
        ClientFlood("WINDOW_UPDATE for the connection") { _ in [.windowUpdate(0, by: 1)] },
        ClientFlood("WINDOW_UPDATE for a stream") { _ in [.windowUpdate(1, by: 1)] },
        ClientFlood("WINDOW_UPDATE for a stream that is over", [Self.over]) { _ in
            [.windowUpdate(1, by: 1)]
        },
        ClientFlood("empty DATA", [Self.head]) { _ in [.data(1)] },
        ClientFlood("DATA of padding only", [Self.head]) { _ in [.data(1, [], padding: 2)] },
        ClientFlood("informational answers") { _ in
            [.headers(1, HeaderBlock([(":status", "103")]), end: false)]
        },
        ClientFlood("large informational answers", count: 5_000) { _ in
            let link = String(repeating: "l", count: 2_000)
            return [.headers(1, HeaderBlock([(":status", "103"), ("link", link)]), end: false)]
        },
        ClientFlood("answers behind the answer", [Self.over]) { _ in
            [.headers(1, HeaderBlock([(":status", "200")]))]
        },
        ClientFlood("trailers behind trailers", [Self.head]) { _ in
            [.headers(1, HeaderBlock([("x-a", "1")]))]
        },
        ClientFlood("PUSH_PROMISE") { number in
            [.pushPromise(1, promising: UInt32(2 * number + 2), .request())]
        },
        ClientFlood("PRIORITY") { [.priority(1, dependsOn: UInt32(2 * $0 + 3))] },
        ClientFlood("frames of unknown types") { number in
            [RawFrame(type: UInt8(0x20 + number % 64), payload: [1])]
        },
        ClientFlood("GOAWAY") { _ in [.goAway(last: 0x7FFF_FFFF)] },
    ]
}
