// Section 5.1: what each state of a stream allows a peer to send.

extension ServerRules {
    static let streamStates: [WireCase] = Self.idle + Self.halfClosed + Self.closed

    private static let idle: [WireCase] = [
        WireCase("9113 5.1", "idle: DATA ends the connection") { peer in
            try peer.send(.data(1, [1], end: true))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 5.1", "idle: RST_STREAM ends the connection") { peer in
            try peer.send(.rstStream(1))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 5.1", "idle: WINDOW_UPDATE ends the connection") { peer in
            try peer.send(.windowUpdate(1, by: 100))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 5.1", "idle: CONTINUATION ends the connection") { peer in
            try peer.send(.continuation(1, HeaderBlock.request("GET", "/never").bytes))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 5.1", "idle: PRIORITY is allowed") { peer in
            try peer.send(.priority(1))
            try peer.expectIgnored()
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
        },
        WireCase("9113 5.1", "open: every frame of a request is taken") { peer in
            try peer.send(.headers(1, .request("POST", "/echo"), end: false))
            try peer.send(.priority(1, dependsOn: 0), .windowUpdate(1, by: 100))
            try peer.send(.data(1, Array("ab".utf8)), .data(1, Array("c".utf8), end: true))
            try peer.expectResponse(1, body: "abc")
        },
    ]

    private static let halfClosed: [WireCase] = [
        WireCase("9113 5.1", "half-closed (remote): DATA is an error") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .data(1, [1], end: true))
            try peer.expectStreamOrConnectionError(1, .streamClosed)
        },
        WireCase("9113 5.1", "half-closed (remote): HEADERS are an error") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .headers(1, .request()))
            try peer.expectStreamOrConnectionError(1, .streamClosed)
        },
        WireCase("9113 5.1", "half-closed (remote): CONTINUATION ends the connection") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .continuation(1))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 5.1", "half-closed (remote): WINDOW_UPDATE is allowed") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .windowUpdate(1, by: 100))
            try peer.expectIgnored(1)
        },
        WireCase("9113 5.1", "half-closed (remote): PRIORITY is allowed") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .priority(1))
            try peer.expectIgnored(1)
        },
        WireCase("9113 5.1", "half-closed (remote): RST_STREAM ends the request") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .rstStream(1))
            try Self.expectAllEnded(peer)
        },
        WireCase("9113 5.1", "half-closed (local): the rest of a body is dropped") { peer in
            try peer.send(.headers(1, .request("POST", "/"), end: false))
            try peer.wait(for: "the answer") { $0.stream(1).statuses == ["200"] }
            try peer.send(.data(1, [1, 2, 3]), .data(1, [4], end: true))
            try peer.expectAlive()
        },
    ]

    private static let closed: [WireCase] = [
        WireCase("9113 5.1", "closed by RST_STREAM: DATA is no request") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .rstStream(1))
            try peer.send(.data(1, [1], end: true))
            try Self.expectClosedStream(peer, 1)
        },
        WireCase("9113 5.1", "closed by RST_STREAM: HEADERS are no request") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .rstStream(1))
            try peer.send(.headers(1, .request("GET", "/never")))
            try Self.expectClosedStream(peer, 1)
        },
        WireCase("9113 5.1", "closed by RST_STREAM: CONTINUATION is an error") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .rstStream(1))
            try peer.send(.continuation(1))
            try peer.expectConnectionError(.protocolError, .streamClosed)
        },
        WireCase("9113 5.1", "closed: DATA is no request") { peer in
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            try peer.send(.data(1, [1], end: true))
            try Self.expectClosedStream(peer, 1)
        },
        WireCase("9113 5.1", "closed: HEADERS are an error") { peer in
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            try peer.send(.headers(1, .request("GET", "/never")))
            try peer.expectConnectionError(.streamClosed, .protocolError)
        },
        WireCase("9113 5.1", "closed: CONTINUATION is an error") { peer in
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            try peer.send(.continuation(1))
            try peer.expectConnectionError(.protocolError, .streamClosed)
        },
        WireCase("9113 5.1", "closed: WINDOW_UPDATE is ignored") { peer in
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            try peer.send(.windowUpdate(1, by: 100))
            try peer.expectIgnored(1)
        },
        WireCase("9113 5.1", "closed: RST_STREAM is ignored") { peer in
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            try peer.send(.rstStream(1))
            try peer.expectIgnored(1)
        },
        WireCase("9113 5.1", "closed: PRIORITY is ignored") { peer in
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            try peer.send(.priority(1))
            try peer.expectIgnored(1)
        },
    ]

    /// A frame for a stream that was closed: an error of the stream or the connection, or nothing
    /// at all. Section 5.1 asks for STREAM_CLOSED, and allows an endpoint to forget closed streams
    /// and to ignore frames that were in flight; nghttp2 ignores what comes after RST_STREAM.
    static func expectClosedStream(_ peer: RawPeer, _ stream: UInt32) throws {
        try peer.send(.ping(99))
        while let frame = try peer.nextFrame() {
            let codes = [1, 5].map { ErrorCode($0) }
            switch frame.type {
            case RawFrame.Kind.ping: return
            case RawFrame.Kind.rstStream where codes.contains(ErrorCode(frame.number(at: 0))):
                continue
            case RawFrame.Kind.goAway where codes.contains(ErrorCode(frame.number(at: 4))):
                continue
            case RawFrame.Kind.windowUpdate, RawFrame.Kind.settings: continue
            default: throw peer.failure("\(frame) answers a closed stream")
            }
        }
        guard peer.goAway != nil else { throw peer.failure("no GOAWAY came") }
    }

    /// No request is being answered any more but the one that asks.
    static func expectAllEnded(_ peer: RawPeer) throws {
        for stream in stride(from: UInt32(101), to: 4_001, by: 2) {
            try peer.send(.headers(stream, .request("GET", "/active")))
            let record = try peer.expectResponse(stream)
            if record.body == Array("1".utf8) { return }
        }
        throw peer.failure("a cancelled request goes on")
    }
}
