// Section 6.5: SETTINGS, their values, their order, their acknowledgement.

extension ServerRules {
    static let settings: [WireCase] = Self.settingsFrames + Self.settingsValues

    private static let settingsFrames: [WireCase] = [
        WireCase("9113 6.5", "an acknowledgement with a payload ends the connection") { peer in
            var ack = RawFrame.settingsAck
            ack.payload = [0, 3, 0, 0, 0, 1]
            try peer.send(ack)
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.5", "SETTINGS on a stream end the connection") { peer in
            var settings = RawFrame.setting(Setting.maxConcurrentStreams, 1)
            settings.stream = 1
            try peer.send(settings)
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.5", "SETTINGS of 5 bytes end the connection") { peer in
            try peer.send(RawFrame(type: RawFrame.Kind.settings, payload: [0, 3, 0, 0, 0]))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.5.3", "SETTINGS are acknowledged") { peer in
            try peer.send(.setting(Setting.maxConcurrentStreams, 100), .settings())
            try peer.wait(for: "two acknowledgements") { $0.settingsAcks == 3 }
        },
        WireCase("9113 6.5.3", "of two values of a setting the last one counts") { peer in
            try peer.send(
                .settings([Setting.initialWindowSize, Setting.initialWindowSize], [100, 1])
            )
            try peer.send(.headers(1, .request("GET", "/bytes/5")))
            try peer.wait(for: "a byte") { !$0.stream(1).body.isEmpty }
            try peer.expectAlive()
            guard peer.stream(1).body.count == 1 else { throw peer.failure("one byte was due") }
        },
    ]

    private static let settingsValues: [WireCase] = [
        WireCase("9113 6.5.2", "the server allows no push of its own") { peer in
            if let push = peer.settings[Setting.enablePush], push != 0 {
                throw peer.failure("a server's ENABLE_PUSH can only be 0")
            }
        },
        Self.wrong("ENABLE_PUSH is 0 or 1", Setting.enablePush, 2, .protocolError),
        Self.right("ENABLE_PUSH may be 1", Setting.enablePush, 1),
        Self.wrong(
            "INITIAL_WINDOW_SIZE is below 2^31",
            Setting.initialWindowSize,
            0x8000_0000,
            .flowControl
        ),
        Self.wrong(
            "MAX_FRAME_SIZE is at least 16,384",
            Setting.maxFrameSize,
            16_383,
            .protocolError
        ),
        Self.wrong("MAX_FRAME_SIZE is below 2^24", Setting.maxFrameSize, 1 << 24, .protocolError),
        Self.right("MAX_FRAME_SIZE may be 2^24 - 1", Setting.maxFrameSize, 1 << 24 - 1),
        Self.right("MAX_CONCURRENT_STREAMS may be 0", Setting.maxConcurrentStreams, 0),
        Self.right("HEADER_TABLE_SIZE may be 2^32 - 1", Setting.headerTableSize, .max),
        Self.right("an unknown setting is ignored", 0xFF, 1),
        WireCase("9113 6.5.2", "HEADER_TABLE_SIZE 0 is obeyed at once (RFC 7541 4.2)") { peer in
            try peer.send(.setting(Setting.headerTableSize, 0))
            try peer.send(.headers(1, .request()))
            try peer.expectResponse(1)
            guard peer.stream(1).firstByte == 0x20 else {
                throw peer.failure("the block was to begin with a table of size 0")
            }
        },
        WireCase("9113 6.5.2", "no frame is larger than our MAX_FRAME_SIZE") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 1 << 20))
            try peer.send(
                .windowUpdate(0, by: 1 << 20),
                .headers(1, .request("GET", "/bytes/100000"))
            )
            while !peer.stream(1).isEnded {
                guard let frame = try peer.nextFrame(), frame.payload.count <= 16_384 else {
                    throw peer.failure("a frame is too large")
                }
            }
        },
    ]

    private static func right(_ rule: String, _ id: UInt16, _ value: UInt32) -> WireCase {
        WireCase("9113 6.5.2", rule) { peer in
            try peer.send(.setting(id, value), .headers(1, .request()))
            try peer.expectResponse(1)
        }
    }

    private static func wrong(
        _ rule: String,
        _ id: UInt16,
        _ value: UInt32,
        _ code: ErrorCode
    ) -> WireCase {
        WireCase("9113 6.5.2", rule) { peer in
            try peer.send(.setting(id, value))
            try peer.expectConnectionError(code)
        }
    }
}
