// What a client accepts as an answer, and what not: sections 8.1 to 8.4 and 8.6.

extension ClientRules {
    static let answers: [ClientCase] = [
        ClientCase("9113 3.4", "a client pushes nothing and wants nothing pushed", Self.ok) {
            peer,
            _ in
            guard peer.settings[Setting.enablePush] == 0 else {
                throw peer.failure("ENABLE_PUSH was to be 0")
            }
            try Self.answer(peer)
        },
        ClientCase("9113 8.1", "a request is a head, a body and its end", Self.ok) { peer, _ in
            try peer.wait(for: "the body") { $0.stream(1).isEnded }
            guard peer.stream(1).body == Array("hello!".utf8) else {
                throw peer.failure("the body was to be hello!")
            }
            let names = peer.stream(1).sections[0].map(\.name)
            guard names.starts(with: names.filter { $0.hasPrefix(":") }),
                Set(names).isSuperset(of: [":method", ":scheme", ":path", ":authority"])
            else { throw peer.failure("\(names)") }
            try Self.answer(peer)
        },
        ClientCase("9113 6.2", "an answer in pieces, padded", Self.ok) { peer, _ in
            try peer.send(.headers(1, Self.head, end: false, endHeaders: false, padding: 9))
            try peer.send(.continuation(1, HeaderBlock([("x-a", "1")]).bytes))
            try peer.send(.data(1, Array("o".utf8), padding: 200), .data(1, [], padding: 0))
            try peer.send(.data(1, Array("k".utf8), end: true))
        },
        ClientCase("9113 8.1", "informational answers come before the answer", Self.ok) { peer, _ in
            for status in ["100", "103", "103"] {
                try peer.send(.headers(1, HeaderBlock([(":status", status)]), end: false))
            }
            try Self.answer(peer)
        },
        ClientCase("9113 8.1", "an answer may have trailers", Self.ok) { peer, _ in
            try peer.send(.headers(1, Self.head, end: false), .data(1, Array("ok".utf8)))
            try peer.send(.headers(1, HeaderBlock([("x-after", "1")])))
        },
        ClientCase("9113 8.1", "an answer may be a head only", .answer(204, body: "")) { peer, _ in
            try peer.send(.headers(1, HeaderBlock([(":status", "204")])))
        },
        ClientCase("9113 8.1", "RST_STREAM(NO_ERROR) may follow a whole answer", Self.ok) {
            peer,
            _ in
            try Self.answer(peer)
            try peer.send(.rstStream(1, .noError))
        },
        ClientCase("9113 5.5", "frames of extensions are ignored", Self.ok) { peer, _ in
            try peer.send(RawFrame(type: 0x77, flags: 0xFF, stream: 1, payload: [1]))
            try peer.send(RawFrame(type: 0x0A, payload: [0, 0]))
            try Self.answer(peer)
        },
        ClientCase("9113 6.7", "PING is answered", Self.ok) { peer, _ in
            try peer.expectAlive()
            try Self.answer(peer)
        },
    ]

    static let malformedAnswers: [ClientCase] = [
        Self.malformed("8.3.2", "no :status", [("x-a", "1")]),
        Self.malformed("8.3.2", "two :status", [(":status", "200"), (":status", "200")]),
        Self.malformed("8.3.2", ":status that is no number", [(":status", "2x0")]),
        Self.malformed("8.3.2", ":status of two digits", [(":status", "20")]),
        Self.malformed("8.6", "status 101", [(":status", "101")]),
        Self.malformed("8.3", "a pseudo-field of requests", [(":status", "200"), (":path", "/")]),
        Self.malformed("8.3", "an unknown pseudo-field", [(":status", "200"), (":a", "1")]),
        Self.malformed("8.3", "a pseudo-field after a field", [("x-a", "1"), (":status", "200")]),
        Self.malformed("8.2.1", "an upper-case name", [(":status", "200"), ("X-A", "1")]),
        Self.malformed("8.2.1", "a line feed in a value", [(":status", "200"), ("x-a", "1\n2")]),
        Self.malformed("8.2.2", "connection", [(":status", "200"), ("connection", "close")]),
        Self.malformed(
            "8.2.2",
            "transfer-encoding",
            [(":status", "200"), ("transfer-encoding", "chunked")]
        ),
        ClientCase("9113 8.1", "an informational answer does not end the stream") { peer, _ in
            try peer.send(.headers(1, HeaderBlock([(":status", "103")])))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        ClientCase("9113 8.1", "DATA before the head") { peer, _ in
            try peer.send(.data(1, [1]))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        ClientCase("9113 8.1", "trailers without an end") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false), .data(1, [1]))
            try peer.send(.headers(1, HeaderBlock([("x-a", "1")]), end: false))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        ClientCase("9113 8.3", "a pseudo-field among the trailers") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false), .data(1, [1]))
            try peer.send(.headers(1, HeaderBlock([(":status", "200")])))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        ClientCase("9113 8.1.1", "a body shorter than its content-length") { peer, _ in
            try peer.send(.headers(1, Self.head.field("content-length", "3"), end: false))
            try peer.send(.data(1, [1, 2], end: true))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        ClientCase("9113 8.1.1", "a body longer than its content-length") { peer, _ in
            try peer.send(.headers(1, Self.head.field("content-length", "1"), end: false))
            try peer.send(.data(1, [1, 2], end: true))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        ClientCase("9113 10.5.1", "a head without end") { peer, _ in
            let large = String(repeating: "a", count: 4_000)
            try peer.send(.headers(1, Self.head.field("x-a", large, .indexed), end: false))
            let bomb = HeaderBlock([UInt8](repeating: 0xBE, count: 12_000))
            try peer.send(.headers(1, bomb))
            try peer.wait(for: "a refusal") { $0.stream(1).reset != nil || $0.goAway != nil }
        },
    ]

    static let ok = ClientCase.Outcome.answer(200, body: "ok")
    static let head = HeaderBlock([(":status", "200")])

    static func answer(_ peer: RawPeer, _ stream: UInt32 = 1) throws {
        try peer.send(.headers(stream, Self.head, end: false))
        try peer.send(.data(stream, Array("ok".utf8), end: true))
    }

    private static func malformed(
        _ section: String,
        _ what: String,
        _ fields: [(String, String)]
    ) -> ClientCase {
        ClientCase("9113 \(section)", "malformed: \(what)") { peer, _ in
            try peer.send(.headers(1, HeaderBlock(fields)))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        }
    }
}
