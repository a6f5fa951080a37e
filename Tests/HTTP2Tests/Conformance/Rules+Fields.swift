// Sections 8.2 and 8.3: fields and pseudo-fields.

extension ServerRules {
    static let fields: [WireCase] = [
        Self.malformed("8.2.1", "an upper-case field name", [("X-Upper", "1")]),
        Self.malformed("8.2.1", "an upper-case pseudo-field", [(":Path", "/never")]),
        Self.malformed("8.2.1", "a field without a name", [("", "1")]),
        Self.malformed("8.2.1", "a space in a field name", [("x y", "1")]),
        Self.malformed("8.2.1", "a colon in a field name", [("x:y", "1")]),
        Self.malformed("8.2.1", "a control character in a field name", [("x\u{1}", "1")]),
        Self.malformed("8.2.1", "DEL in a field name", [("x\u{7F}", "1")]),
        Self.malformed("8.2.1", "more than ASCII in a field name", [("x\u{E4}", "1")]),
        Self.malformed("8.2.1", "NUL in a field value", [("x-a", "a\u{0}b")]),
        Self.malformed("8.2.1", "a line feed in a field value", [("x-a", "a\nx-b: c")]),
        Self.malformed("8.2.1", "a carriage return in a field value", [("x-a", "a\rb")]),
        Self.malformed("8.2.1", "a space before a field value", [("x-a", " a")]),
        Self.malformed("8.2.1", "a tab after a field value", [("x-a", "a\t")]),
        WireCase("9113 8.2.1", "spaces, tabs and other alphabets inside a value are taken") {
            peer in
            let fields = [("x-a", "a b\tc"), ("x-b", "\u{E4}\u{1F600}"), ("x-c", "")]
            try peer.send(.headers(1, .request("GET", "/", fields)))
            try peer.expectResponse(1)
        },
        Self.malformed("8.2.2", "connection", [("connection", "keep-alive")]),
        Self.malformed("8.2.2", "keep-alive", [("keep-alive", "timeout=5")]),
        Self.malformed("8.2.2", "proxy-connection", [("proxy-connection", "keep-alive")]),
        Self.malformed("8.2.2", "transfer-encoding", [("transfer-encoding", "chunked")]),
        Self.malformed("8.2.2", "upgrade", [("upgrade", "h2c")]),
        Self.malformed("8.2.2", "TE with more than trailers", [("te", "trailers, deflate")]),
        WireCase("9113 8.2.2", "TE: trailers is taken") { peer in
            try peer.send(.headers(1, .request("GET", "/", [("te", "trailers")])))
            try peer.expectResponse(1)
        },
        WireCase("9113 8.2.2", "malformed: connection among the trailers") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .data(1, [1]))
            try peer.send(.headers(1, HeaderBlock([("connection", "close")])))
            try peer.expectMalformed(1)
        },
        WireCase("9113 8.2.3", "cookies may come in pieces") { peer in
            let fields = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]
            try peer.send(.headers(1, .request("GET", "/cookie", fields)))
            try peer.expectResponse(1, body: "a=1; b=2; c=3")
        },
    ]

    static let pseudoFields: [WireCase] = [
        Self.malformed("8.3", "an unknown pseudo-field", [(":test", "1")]),
        Self.malformed("8.3", "a pseudo-field of answers", [(":status", "200")]),
        Self.malformed(
            "8.3",
            "a pseudo-field after a field",
            block: Self.without(":path").field("x-a", "1").field(":path", "/never")
        ),
        WireCase("9113 8.3", "malformed: a pseudo-field among the trailers") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .data(1, [1]))
            try peer.send(.headers(1, HeaderBlock([(":method", "POST")])))
            try peer.expectMalformed(1)
        },
        Self.malformed("8.3.1", "no :method", block: Self.without(":method")),
        Self.malformed("8.3.1", "no :scheme", block: Self.without(":scheme")),
        Self.malformed("8.3.1", "no :path", block: Self.without(":path")),
        Self.malformed("8.3.1", "an empty :path", block: .request("GET", "")),
        Self.malformed("8.3.1", "a :path without a slash", block: .request("GET", "never")),
        Self.malformed("8.3.1", "* as :path of GET", block: .request("GET", "*")),
        Self.malformed("8.3.1", "an empty :method", block: .request("", "/never")),
        Self.malformed("8.3.1", "a :method with a space", block: .request("GET X", "/never")),
        Self.malformed("8.3.1", "a line feed in :path", block: .request("GET", "/never\nx")),
        Self.malformed("8.3.1", "a space in :path", block: .request("GET", "/never x")),
        Self.malformed("8.3.1", "two :method", [(":method", "GET")]),
        Self.malformed("8.3.1", "two :scheme", [(":scheme", "http")]),
        Self.malformed("8.3.1", "two :path", [(":path", "/never")]),
        Self.malformed("8.3.1", "two :authority", [(":authority", "localhost")]),
        Self.malformed("8.3.1", "neither :authority nor host", block: Self.without(":authority")),
        Self.malformed("8.3.1", "a host other than :authority", [("host", "elsewhere")]),
        Self.malformed(
            "8.3.1",
            "a user in :authority",
            block: Self.without(":authority").field(":authority", "user@localhost")
        ),
        WireCase("9113 8.3.1", "host may stand for :authority") { peer in
            let block = HeaderBlock([
                (":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "localhost"),
            ])
            try peer.send(.headers(1, block))
            try peer.expectResponse(1)
        },
        WireCase("9113 8.3.1", "host may repeat :authority") { peer in
            try peer.send(.headers(1, .request("GET", "/", [("host", "localhost")])))
            try peer.expectResponse(1)
        },
    ]

    /// A good request but for one pseudo-field.
    private static func without(_ name: String) -> HeaderBlock {
        let fields = [
            (":method", "GET"), (":scheme", "http"), (":path", "/never"),
            (":authority", "localhost"),
        ]
        return HeaderBlock(fields.filter { $0.0 != name })
    }
}
