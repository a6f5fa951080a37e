// Sections 3.4 to 4.3: prefaces, frame format, frame size, field blocks.

extension ServerRules {
    static let preface: [WireCase] = [
        WireCase("9113 3.4", "the server's first frame is SETTINGS", isGreeted: false) { peer in
            try peer.send(bytes: RawPeer.preface + RawFrame.settings().bytes)
            guard try peer.nextFrame()?.type == RawFrame.Kind.settings else {
                throw peer.failure("another frame came first")
            }
        },
        WireCase("9113 3.4", "frames may follow the preface at once", isGreeted: false) { peer in
            try peer.send(bytes: RawPeer.preface + RawFrame.settings().bytes)
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
        },
        WireCase("9113 3.4", "a preface may come byte by byte", isGreeted: false) { peer in
            for byte in RawPeer.preface + RawFrame.settings().bytes {
                try peer.send(bytes: [byte])
            }
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
        },
        WireCase("9113 3.4", "a wrong preface closes the connection", isGreeted: false) { peer in
            try peer.send(bytes: Array("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".utf8))
            try peer.send(.settings(), .headers(1, .request()))
            try peer.expectClosed()
        },
        WireCase("9113 3.4", "a frame before SETTINGS is an error", isGreeted: false) { peer in
            try peer.send(bytes: RawPeer.preface + RawFrame.ping().bytes)
            try peer.expectConnectionError(.protocolError)
        },
    ]

    static let framing: [WireCase] = [
        WireCase("9113 4.1", "a frame of unknown type is ignored") { peer in
            try peer.send(RawFrame(type: 0xFF, payload: [UInt8](repeating: 0, count: 8)))
            try peer.expectIgnored()
        },
        WireCase("9113 4.1", "flags without meaning are ignored") { peer in
            var ping = RawFrame.ping(77)
            ping.flags = 0xFE
            try peer.send(ping)
            try peer.wait(for: "an answer") { $0.pingAcks.contains(ping.payload) }
        },
        WireCase("9113 4.1", "the reserved bit is ignored") { peer in
            var ping = RawFrame.ping(78)
            ping.stream = 0x8000_0000
            try peer.send(ping)
            try peer.wait(for: "an answer") { $0.pingAcks.contains(ping.payload) }
        },
        WireCase("9113 4.2", "DATA of 16,384 bytes is taken") { peer in
            let bytes = [UInt8](repeating: 7, count: 16_384)
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            try peer.send(.data(1, bytes, end: true))
            try peer.expectResponse(1, body: "16384")
        },
        WireCase("9113 4.2", "DATA larger than SETTINGS_MAX_FRAME_SIZE is an error") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            try peer.send(.data(1, Self.tooLong(for: peer)))
            try peer.expectStreamOrConnectionError(1, .frameSize)
        },
        WireCase("9113 4.2", "too large HEADERS end the connection") { peer in
            try peer.send(.headers(1, .request().raw(Self.tooLong(for: peer))))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 4.2", "too large SETTINGS end the connection") { peer in
            let count = Self.tooLong(for: peer).count / 6 + 1
            let ids = [UInt16](repeating: 0x1234, count: count)
            try peer.send(.settings(ids, [UInt32](repeating: 0, count: count)))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 4.2", "a too large frame of unknown type ends the connection") { peer in
            try peer.send(RawFrame(type: 0xFF, payload: Self.tooLong(for: peer)))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 4.3", "a field block that cannot be decoded ends the connection") { peer in
            // A literal whose name claims more bytes than there are.
            try peer.send(.headers(1, HeaderBlock([0x40, 0x7F])))
            try peer.expectConnectionError(.compression)
        },
        WireCase("9113 4.3", "the block of a refused request still changes the table") { peer in
            let refused = HeaderBlock.request("GET", "/never", [("Upper", "case")])
            try peer.send(.headers(1, refused.field("x-kept", "value", .indexed)))
            try peer.expectMalformed(1)
            try peer.send(.headers(3, .request().indexed(62)))
            try peer.expectResponse(3)
        },
        WireCase("9113 4.3", "no PRIORITY inside a field block") { peer in
            try Self.interrupt(peer, with: .priority(1))
        },
        WireCase("9113 4.3", "no PING inside a field block") { peer in
            try Self.interrupt(peer, with: .ping())
        },
        WireCase("9113 4.3", "no DATA inside a field block") { peer in
            try Self.interrupt(peer, with: .data(1, [1], end: true))
        },
        WireCase("9113 4.3", "no HEADERS of another stream inside a field block") { peer in
            try Self.interrupt(peer, with: .headers(3, .request()))
        },
        WireCase("9113 4.3", "no SETTINGS inside a field block") { peer in
            try Self.interrupt(peer, with: .settings())
        },
    ]

    /// One byte more than a frame may carry.
    static func tooLong(for peer: RawPeer) -> [UInt8] {
        let most = Int(peer.settings[Setting.maxFrameSize] ?? 16_384)
        return [UInt8](repeating: 0, count: most + 1)
    }

    private static func interrupt(_ peer: RawPeer, with frame: RawFrame) throws {
        try peer.send(.headers(1, .request("GET", "/never"), endHeaders: false))
        try peer.send(frame, .continuation(1))
        try peer.expectConnectionError(.protocolError)
    }
}
