// One attack: what is sent how often, and within which budget the server must end it.

import Testing

/// A flood on one connection.
struct Attack: Sendable, CustomTestStringConvertible {
    let name: String
    /// What comes before the flood.
    let opening: [RawFrame]
    /// One unit of the flood.
    let unit: @Sendable (Int) -> [UInt8]
    /// How many units are sent if nobody ends it.
    var count = 20_000
    /// Of how many units the server may answer at most (frames that it sends back).
    var answersMax = 1_500
    /// What GOAWAY may say.
    var codes = Self.usual

    /// nghttp2 ends some attacks before our limits do: more streams than allowed with
    /// PROTOCOL_ERROR, too many resets with INTERNAL_ERROR.
    private static let usual: [ErrorCode] = [.enhanceYourCalm, .protocolError, .internalError]

    var testDescription: String { self.name }

    init(
        _ name: String,
        _ opening: [RawFrame] = [],
        count: Int = 20_000,
        answersMax: Int = 1_500,
        codes: [ErrorCode]? = nil,
        _ unit: @escaping @Sendable (Int) -> [RawFrame]
    ) {
        self.name = name
        self.opening = opening
        self.unit = { unit($0).flatMap(\.bytes) }
        self.count = count
        self.answersMax = answersMax
        self.codes = codes ?? Self.usual
    }

    /// Runs against a server; throws unless the connection was ended in time.
    func run(port: Int, isReading: Bool = true) throws {
        let peer = try RawPeer(port: port)
        try peer.handshake()
        for frame in self.opening { try peer.send(frame) }
        let outcome = try peer.flood(self.count, isReading: isReading, self.unit)
        guard outcome.isClosed else { throw peer.failure("\(outcome) was not ended") }
        // A server that closes with our bytes unread resets the connection, and GOAWAY may be lost.
        if let code = outcome.goAway, !self.codes.contains(code) {
            throw peer.failure("GOAWAY was due with \(self.codes), not \(code)")
        }
        let answers = outcome.answers.values.reduce(0, +)
        guard answers <= self.answersMax else {
            throw peer.failure("\(answers) answers are more than \(self.answersMax)")
        }
    }
}

extension Attack {
    /// Sends unit after unit, each when the one before was answered, so that only a count of what
    /// went wrong can end it; throws unless the connection was ended in time.
    func runSlowly(port: Int) throws {
        let peer = try RawPeer(port: port)
        try peer.handshake()
        for number in 0..<1_000 {
            try peer.send(bytes: self.unit(number))
            let id = UInt32(2 * number + 1)
            while peer.stream(id).reset == nil, !peer.stream(id).isEnded, peer.goAway == nil {
                guard try peer.nextFrame() != nil else { return }
            }
            if peer.goAway != nil { return try peer.expectClosed() }
        }
        throw peer.failure("1,000 streams were reset")
    }

    /// The table of HTTP2.md, and its relatives.
    static let all = Self.resets + Self.made + Self.floods + Self.blocks

    private static func stream(_ number: Int) -> UInt32 { UInt32(2 * number + 1) }

    private static let resets: [Attack] = [
        Attack("rapid reset") { number in
            let id = Self.stream(number)
            return [.headers(id, .request("GET", "/wait")), .rstStream(id)]
        },
        Attack("rapid reset of requests without an end") { number in
            let id = Self.stream(number)
            return [.headers(id, .request("POST", "/wait"), end: false), .rstStream(id)]
        },
        Attack("rapid reset after a little body") { number in
            let id = Self.stream(number)
            let head = RawFrame.headers(id, .request("POST", "/echo"), end: false)
            return [head, .data(id, [1]), .rstStream(id)]
        },
        Attack("RST_STREAM again and again", [.headers(1, .request("GET", "/wait"))]) { _ in
            [.rstStream(1)]
        },
    ]

    /// MadeYouReset: the peer has us reset its streams.
    static let made: [Attack] = [
        Attack("MadeYouReset by WINDOW_UPDATE overflow") { number in
            let id = Self.stream(number)
            let head = RawFrame.headers(id, .request("GET", "/wait"))
            return [head, .windowUpdate(id, by: 0x7FFF_FFFF)]
        },
        Attack("MadeYouReset by WINDOW_UPDATE of zero") {
            let id = Self.stream($0)
            return [.headers(id, .request("GET", "/wait")), .windowUpdate(id, by: 0)]
        },
        Attack("MadeYouReset by PRIORITY of 4 bytes", codes: [.enhanceYourCalm, .frameSize]) {
            let id = Self.stream($0)
            let short = RawFrame(type: RawFrame.Kind.priority, stream: id, payload: [0, 0, 0, 0])
            return [.headers(id, .request("GET", "/wait")), short]
        },
        Attack("MadeYouReset by PRIORITY on oneself") {
            let id = Self.stream($0)
            return [.headers(id, .request("GET", "/wait")), .priority(id, dependsOn: id)]
        },
        Attack("MadeYouReset by DATA after the end", codes: [.enhanceYourCalm, .streamClosed]) {
            let id = Self.stream($0)
            return [.headers(id, .request("GET", "/wait")), .data(id, [1])]
        },
        Attack("MadeYouReset by HEADERS after the end", codes: [.enhanceYourCalm, .streamClosed]) {
            let id = Self.stream($0)
            return [.headers(id, .request("GET", "/wait")), .headers(id, .request())]
        },
        Attack("MadeYouReset by malformed fields") { number in
            [.headers(Self.stream(number), .request("GET", "/never", [("connection", "x")]))]
        },
        Attack("MadeYouReset by a missing path") { number in
            [.headers(Self.stream(number), HeaderBlock([(":method", "GET")]))]
        },
        Attack("MadeYouReset by content-length") { number in
            let id = Self.stream(number)
            let block = HeaderBlock.request("POST", "/wait", [("content-length", "1")])
            return [.headers(id, block, end: false), .data(id, [1, 2], end: true)]
        },
        Attack("MadeYouReset by trailers without an end") { number in
            let id = Self.stream(number)
            let head = RawFrame.headers(id, .request("POST", "/wait"), end: false)
            return [head, .headers(id, HeaderBlock([("x-a", "1")]), end: false)]
        },
        Attack("streams beyond the limit") { number in
            [.headers(Self.stream(number), .request("GET", "/hold"))]
        },
    ]

    private static let floods: [Attack] = [
        Attack("PING, acknowledgements read") { [.ping(UInt32($0))] },
        Attack("acknowledgements of no PING") { [.ping(UInt32($0), ack: true)] },
        Attack("SETTINGS") { _ in [.settings()] },
        Attack("SETTINGS that change the window") { number in
            [.setting(Setting.initialWindowSize, UInt32(number))]
        },
        Attack("SETTINGS that change the table") { number in
            [.setting(Setting.headerTableSize, UInt32(number % 4_096))]
        },
        Attack(
            "empty DATA",
            [.headers(1, .request("POST", "/wait"), end: false)]
        ) { _ in [.data(1)] },
        Attack(
            "DATA of padding only",
            [.headers(1, .request("POST", "/count"), end: false)]
        ) { _ in [.data(1, [], padding: 2)] },
        Attack("PRIORITY") { [.priority(Self.stream($0))] },
        Attack("PRIORITY on one stream") { [.priority(1, dependsOn: Self.stream($0 + 1))] },
        Attack("frames of unknown types") { number in
            [RawFrame(type: UInt8(0x20 + number % 64), payload: [1])]
        },
        Attack("WINDOW_UPDATE for the connection") { _ in [.windowUpdate(0, by: 1)] },
        Attack(
            "WINDOW_UPDATE for a stream",
            [.headers(1, .request("GET", "/hold"))]
        ) { _ in [.windowUpdate(1, by: 1)] },
        Attack("GOAWAY") { _ in [.goAway()] },
    ]

    private static let blocks: [Attack] = [
        Attack(
            "CONTINUATION without an end",
            [.headers(1, .request("GET", "/never"), endHeaders: false)],
        ) { _ in [.continuation(1, HeaderBlock([("x-a", "1")]).bytes, endHeaders: false)] },
        Attack(
            "empty CONTINUATION without an end",
            [.headers(1, .request("GET", "/never"), endHeaders: false)],
        ) { _ in [.continuation(1, [], endHeaders: false)] },
        Attack("large heads", count: 5_000) { number in
            let fields = (0..<120).map { ("x-\($0)", String(repeating: "a", count: 100)) }
            return [.headers(Self.stream(number), .request("GET", "/never", fields))]
        },
    ]
}
