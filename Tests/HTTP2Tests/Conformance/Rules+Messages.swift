// Sections 8.1, 8.2 and 8.5: what makes a request, and what makes it malformed.

extension ServerRules {
    static let messages: [WireCase] = Self.requests + Self.lengths + Self.connect

    private static let requests: [WireCase] = [
        WireCase("9113 8.1", "GET, HEAD, POST and OPTIONS * are answered") { peer in
            try peer.send(.headers(1, .request()), .headers(3, .request("HEAD", "/")))
            try peer.send(.headers(5, .request("POST", "/echo"), end: false), .data(5, end: true))
            try peer.send(.headers(7, .request("OPTIONS", "*")))
            for stream: UInt32 in [1, 3, 5, 7] { try peer.expectResponse(stream) }
            guard peer.stream(3).body.isEmpty else { throw peer.failure("HEAD has no body") }
        },
        WireCase("9113 8.1", "a request may have trailers") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            try peer.send(.data(1, [1, 2, 3]), .headers(1, HeaderBlock([("x-sum", "6")])))
            try peer.expectResponse(1, body: "3")
        },
        WireCase("9113 8.1", "an answer may have trailers") { peer in
            try peer.send(.headers(1, .request("GET", "/trailers")))
            let record = try peer.expectResponse(1, body: "ok\n")
            guard record.sections.last?.first?.name == "x-after", record.sections.count == 2
            else { throw peer.failure("a trailer was due") }
        },
        WireCase("9113 8.1", "trailers end the stream") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .data(1, [1]))
            try peer.send(.headers(1, HeaderBlock([("x-sum", "1")]), end: false))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        WireCase("9113 8.1", "nothing comes after trailers") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .data(1, [1]))
            try peer.send(.headers(1, HeaderBlock([("x-sum", "1")])), .data(1, [2], end: true))
            try peer.expectStreamOrConnectionError(1, .streamClosed)
        },
        WireCase("9113 8.1", "a whole answer may come before the request has ended") { peer in
            try peer.send(.headers(1, .request("POST", "/"), end: false))
            try peer.wait(for: "the answer") { $0.stream(1).isEnded }
            try peer.expectAlive()
        },
        WireCase("9113 8.7", "a refused stream was not processed", isGreeted: false) { peer in
            // A peer that has not acknowledged the limit yet cannot know it: the excess is refused.
            try peer.send(bytes: RawPeer.preface + RawFrame.settings().bytes)
            try peer.wait(for: "SETTINGS") { $0.settings[Setting.maxConcurrentStreams] != nil }
            let most = peer.settings[Setting.maxConcurrentStreams] ?? 0
            for number in 0..<most {
                try peer.send(.headers(2 * number + 1, .request("GET", "/hold")))
            }
            let excess = 2 * most + 1
            try peer.send(.headers(excess, .request("GET", "/never")))
            try peer.expectStreamError(excess, .refusedStream)
            guard peer.stream(excess).sections.isEmpty else {
                throw peer.failure("a refused stream was answered")
            }
            for number in 0..<most {
                try peer.wait(for: "a head") { !$0.stream(2 * number + 1).sections.isEmpty }
            }
        },
    ]

    private static let lengths: [WireCase] = [
        Self.length("content-length that the body exceeds", "1", [[1, 2]]),
        Self.length("content-length that the body does not reach", "3", [[1, 2]]),
        Self.length("content-length that two frames exceed", "3", [[1, 2], [3, 4]]),
        Self.length("content-length that two frames do not reach", "5", [[1, 2], [3, 4]]),
        WireCase("9113 8.1.1", "malformed: content-length without a body") { peer in
            try peer.send(.headers(1, .request("POST", "/never", [("content-length", "1")])))
            try peer.expectMalformed(1)
        },
        WireCase("9113 8.1.1", "malformed: content-length that trailers cut short") { peer in
            let fields = [("content-length", "3")]
            try peer.send(.headers(1, .request("POST", "/wait", fields), end: false))
            try peer.send(.data(1, [1, 2]), .headers(1, HeaderBlock([("x-sum", "3")])))
            try peer.expectMalformed(1)
        },
        WireCase("9113 8.1.1", "a content-length that is right is taken") { peer in
            let fields = [("content-length", "3")]
            try peer.send(.headers(1, .request("POST", "/count", fields), end: false))
            try peer.send(.data(1, [1]), .data(1, [2, 3], padding: 4))
            try peer.send(.headers(1, HeaderBlock([("x-sum", "6")])))
            try peer.expectResponse(1, body: "3")
        },
        Self.malformed("8.1.1", "content-length that is no number", [("content-length", "3x")]),
        Self.malformed("8.1.1", "content-length below zero", [("content-length", "-1")]),
        Self.malformed(
            "8.1.1",
            "content-length that no number holds",
            [("content-length", "99999999999999999999999")]
        ),
        Self.malformed(
            "8.1.1",
            "content-length twice",
            [("content-length", "0"), ("content-length", "1")]
        ),
    ]

    private static let connect: [WireCase] = [
        WireCase("9113 8.5", "CONNECT is not served") { peer in
            let block = HeaderBlock([(":method", "CONNECT"), (":authority", "localhost:1")])
            try peer.send(.headers(1, block, end: false))
            try peer.wait(for: "a refusal") { peer in
                let record = peer.stream(1)
                return record.reset != nil || record.statuses.contains { $0 >= "400" }
            }
            try peer.expectAlive()
        },
        Self.malformed(
            "8.5",
            "CONNECT with a path",
            block: HeaderBlock([
                (":method", "CONNECT"), (":authority", "localhost:1"), (":path", "/never"),
            ])
        ),
        Self.malformed(
            "8.5",
            "CONNECT with a scheme",
            block: HeaderBlock([
                (":method", "CONNECT"), (":authority", "localhost:1"), (":scheme", "http"),
            ])
        ),
        Self.malformed(
            "8.5",
            "CONNECT without an authority",
            block: HeaderBlock([(":method", "CONNECT")])
        ),
        Self.malformed(
            "8.5",
            "extended CONNECT, which was not offered",
            block: .request("CONNECT", "/never").field(":protocol", "websocket")
        ),
    ]

    /// A request that must be refused before any handler sees it.
    static func malformed(
        _ section: String,
        _ what: String,
        _ fields: [(String, String)] = [],
        block: HeaderBlock? = nil
    ) -> WireCase {
        WireCase("9113 \(section)", "malformed: \(what)") { peer in
            try peer.send(.headers(1, block ?? .request("GET", "/never", fields)))
            try peer.expectMalformed(1)
        }
    }

    private static func length(
        _ what: String,
        _ length: String,
        _ frames: [[UInt8]]
    ) -> WireCase {
        WireCase("9113 8.1.1", "malformed: \(what)") { peer in
            let fields = [("content-length", length)]
            try peer.send(.headers(1, .request("POST", "/wait", fields), end: false))
            for (number, bytes) in frames.enumerated() {
                try peer.send(.data(1, bytes, end: number == frames.count - 1))
            }
            try peer.expectMalformed(1)
        }
    }
}
