// What ends a client's connection or stream, and what of its requests becomes of it.

extension ClientRules {
    static let wrongFrames: [ClientCase] = [
        Self.wrong("5.1", "DATA on an idle stream", .data(3, [1]), .protocolError),
        Self.wrong("5.1", "HEADERS on an idle stream", .headers(3, Self.head), .protocolError),
        Self.wrong("5.1", "RST_STREAM on an idle stream", .rstStream(3), .protocolError),
        Self.wrong(
            "5.1",
            "WINDOW_UPDATE on an idle stream",
            .windowUpdate(3, by: 1),
            .protocolError
        ),
        Self.wrong(
            "5.1.1",
            "a stream that the server opens",
            .headers(2, Self.head),
            .protocolError
        ),
        Self.wrong(
            "8.4",
            "PUSH_PROMISE although push is off",
            .pushPromise(1, promising: 2, .request()),
            .protocolError
        ),
        Self.wrong(
            "6.5.2",
            "ENABLE_PUSH of a server",
            .setting(Setting.enablePush, 1),
            .protocolError
        ),
        Self.wrong(
            "6.5.2",
            "INITIAL_WINDOW_SIZE of 2^31",
            .setting(Setting.initialWindowSize, 1 << 31),
            .flowControl
        ),
        Self.wrong(
            "6.5.2",
            "MAX_FRAME_SIZE of 16,383",
            .setting(Setting.maxFrameSize, 16_383),
            .protocolError
        ),
        Self.wrong("6.1", "DATA on stream 0", .data(0, [1]), .protocolError),
        Self.wrong("6.2", "HEADERS on stream 0", .headers(0, Self.head), .protocolError),
        Self.wrong("6.4", "RST_STREAM on stream 0", .rstStream(0), .protocolError),
        Self.wrong("6.9", "an update of zero", .windowUpdate(0, by: 0), .protocolError),
        Self.wrong("6.9.1", "a window too large", .windowUpdate(0, by: 0x7FFF_FFFF), .flowControl),
        Self.wrong("6.10", "CONTINUATION without HEADERS", .continuation(1), .protocolError),
        Self.wrong(
            "6.7",
            "PING of 7 bytes",
            RawFrame(type: RawFrame.Kind.ping, payload: [1, 2, 3, 4, 5, 6, 7]),
            .frameSize
        ),
        Self.wrong(
            "4.2",
            "a frame that is too large",
            RawFrame(type: 0x77, payload: [UInt8](repeating: 0, count: 16_385)),
            .frameSize
        ),
        Self.wrong(
            "4.3",
            "a block that cannot be decoded",
            .headers(1, .init([0x80])),
            .compression
        ),
        Self.wrong(
            "4.3",
            "a table size above ours",
            .headers(1, HeaderBlock().tableSize(1 << 20)),
            .compression
        ),
        ClientCase("9113 6.1", "padding as long as the payload") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false))
            try peer.send(
                RawFrame(type: RawFrame.Kind.data, flags: 0x9, stream: 1, payload: [3, 1, 0])
            )
            try peer.expectConnectionError(.protocolError)
        },
        ClientCase("9113 4.3", "another frame inside a field block") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false, endHeaders: false), .ping())
            try peer.expectConnectionError(.protocolError)
        },
        ClientCase("9113 6.10", "CONTINUATION without end") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false, endHeaders: false))
            let outcome = try peer.flood(20_000) { _ in
                RawFrame.continuation(1, [], endHeaders: false).bytes
            }
            guard outcome.isClosed else { throw peer.failure("\(outcome)") }
        },
    ]

    static let endings: [ClientCase] = [
        ClientCase("9113 6.4", "a stream that is reset has no answer") { peer, _ in
            try peer.send(.rstStream(1, .internalError))
            try peer.expectAlive()
        },
        ClientCase("9113 6.4", "a body that is reset is not complete") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false), .data(1, Array("ok".utf8)))
            try peer.send(.rstStream(1, .cancel))
        },
        ClientCase("9113 6.4", "RST_STREAM(NO_ERROR) does not complete a body") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false), .data(1, Array("ok".utf8)))
            try peer.send(.rstStream(1, .noError))
        },
        ClientCase("9113 8.1", "a body that the connection cuts short is not complete") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false), .data(1, Array("ok".utf8)))
            try peer.expectAlive()
            peer.socket.close()
        },
        ClientCase("9113 8.7", "a refused request is sent again", Self.ok) { peer, _ in
            try peer.send(.rstStream(1, .refusedStream))
            try peer.wait(for: "it again") { !$0.stream(3).sections.isEmpty }
            try Self.answer(peer, 3)
        },
        ClientCase("9113 6.8", "a request up to GOAWAY's last is answered", Self.ok) { peer, _ in
            try peer.send(.goAway(last: 1))
            try Self.answer(peer)
        },
        ClientCase("9113 6.8", "a request above GOAWAY's last is sent elsewhere", Self.ok) {
            peer,
            listener in
            try peer.send(.goAway(last: 0))
            let next = RawPeer(try listener.accept())
            try next.handshakeAsServer()
            try next.wait(for: "it again") { !$0.stream(1).sections.isEmpty }
            try Self.answer(next)
            try next.expectAlive()
        },
        ClientCase("9113 6.8", "two phases of GOAWAY lose nothing", Self.ok) { peer, _ in
            try peer.send(.goAway(last: 0x7FFF_FFFF))
            try peer.expectAlive()
            try peer.send(.goAway(last: 1))
            try Self.answer(peer)
        },
    ]

    static let credit: [ClientCase] = [
        ClientCase("9113 6.9.1", "DATA beyond the connection's window") { peer, _ in
            try peer.send(.headers(1, Self.head, end: false))
            let stream = Int(peer.settings[Setting.initialWindowSize] ?? 65_535)
            // More than both windows together can hold, whatever is read meanwhile.
            let outcome = try peer.flood(4 * (stream + 65_535 + peer.connectionCredit) / 16_384) {
                _ in RawFrame.data(1, [UInt8](repeating: 1, count: 16_384)).bytes
            }
            guard outcome.isClosed || peer.stream(1).reset == .flowControl else {
                throw peer.failure("\(outcome)")
            }
        },
        ClientCase("9113 6.9.1", "a client's window grows as its body is read", Self.large) {
            peer,
            _ in
            try peer.send(.headers(1, Self.head, end: false))
            for _ in 0..<100 { try peer.sendBody(1, [UInt8](repeating: 0x78, count: 10_000)) }
            try peer.sendBody(1, [], end: true)
        },
    ]

    private static let large = ClientCase.Outcome.answer(
        200,
        body: String(repeating: "x", count: 1_000_000)
    )

    /// A frame that ends the connection.
    private static func wrong(
        _ section: String,
        _ what: String,
        _ frame: RawFrame,
        _ code: ErrorCode
    ) -> ClientCase {
        ClientCase("9113 \(section)", "\(what) ends the connection") { peer, _ in
            try peer.send(frame)
            try peer.expectConnectionError(code)
        }
    }
}
