// Sections 5.1.1 to 5.5: stream numbers, concurrency, priority, errors, extensions.

extension ServerRules {
    static let streamLimits: [WireCase] = [
        WireCase("9113 5.1.1", "a client's streams have odd numbers") { peer in
            try peer.send(.headers(2, .request("GET", "/never")))
            try peer.expectConnectionError(.protocolError)
        },
        // The section asks for PROTOCOL_ERROR. nghttp2 ignores the frame: it cannot be told from
        // trailers in flight for a stream that was reset and forgotten.
        WireCase("9113 5.1.1", "a lower stream number is no request") { peer in
            try peer.send(.headers(5, .request()))
            try peer.expectResponse(5)
            try peer.send(.headers(3, .request("GET", "/never")))
            try Self.expectClosedStream(peer, 3)
        },
        WireCase("9113 5.1.1", "a higher number closes the idle streams below") { peer in
            try peer.send(.headers(7, .request()))
            try peer.expectResponse(7)
            try peer.send(.data(3, [1], end: true))
            try Self.expectClosedStream(peer, 3)
        },
        WireCase("9113 5.1.1", "numbers may be left out") { peer in
            try peer.send(.headers(1, .request()), .headers(101, .request()))
            try peer.expectResponse(1)
            try peer.expectResponse(101)
        },
        WireCase("9113 5.1.1", "the highest number can be used") { peer in
            try peer.send(.headers(0x7FFF_FFFF, .request()))
            try peer.expectResponse(0x7FFF_FFFF)
        },
        WireCase("9113 5.1.2", "a peer that knows the limit and exceeds it is refused") { peer in
            let most = try Self.streamsMax(peer)
            for number in 0..<most {
                try peer.send(.headers(2 * number + 1, .request("GET", "/hold")))
            }
            let excess = 2 * most + 1
            try peer.send(.headers(excess, .request("GET", "/never")))
            // Section 5.4.1 allows a stream error to end the connection; nghttp2 has it so.
            try peer.expectStreamOrConnectionError(excess, .refusedStream, .protocolError)
        },
        WireCase("9113 5.1.2", "a stream that ended makes room for another") { peer in
            let most = try Self.streamsMax(peer)
            for number in 0..<most {
                try peer.send(.headers(2 * number + 1, .request("GET", "/hold")))
            }
            try peer.wait(for: "a head") { !$0.stream(1).sections.isEmpty }
            try peer.send(.rstStream(1))
            try peer.expectAlive()
            try peer.send(.headers(2 * most + 1, .request("GET", "/")))
            try peer.expectResponse(2 * most + 1)
        },
        WireCase("9113 5.3.2", "a HEADERS frame may carry a priority") { peer in
            try peer.send(.headers(1, .request(), dependsOn: 0))
            try peer.expectResponse(1)
        },
        // RFC 9113 has no rule for this any more; RFC 7540 5.3.1 asked for PROTOCOL_ERROR. Either
        // is fine, dying of it is not.
        WireCase("9113 5.3.2", "a stream that depends on itself does no harm") { peer in
            try peer.send(.headers(1, .request(), dependsOn: 1))
            try Self.expectAnswerOrError(peer)
        },
        WireCase("9113 5.3.2", "a PRIORITY frame that depends on itself does no harm") { peer in
            try peer.send(.headers(1, .request()), .priority(1, dependsOn: 1))
            try Self.expectAnswerOrError(peer)
        },
    ]

    static let errors: [WireCase] = [
        WireCase("9113 5.4.1", "after GOAWAY for an error the connection closes") { peer in
            var ping = RawFrame.ping()
            ping.payload += [0]
            try peer.send(ping)
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 5.4.1", "GOAWAY names the last stream that was processed") { peer in
            try peer.send(.headers(1, .request()), .headers(3, .request()))
            try peer.expectResponse(1)
            try peer.expectResponse(3)
            try peer.send(.data(0, [1]))
            try peer.expectConnectionError(.protocolError)
            guard let last = peer.goAway?.number(at: 0), last >= 3, last < 0x7FFF_FFFF else {
                throw peer.failure("the last stream was 3")
            }
        },
        WireCase("9113 5.4.2", "after RST_STREAM frames in flight are ignored") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            try peer.send(.windowUpdate(1, by: 0x7FFF_FFFF))
            try peer.wait(for: "a reset") { $0.stream(1).reset != nil }
            try peer.send(.data(1, [1, 2, 3]), .windowUpdate(1, by: 1), .rstStream(1))
            try peer.expectAlive()
        },
        WireCase("9113 5.4.2", "a stream error leaves other streams alone") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            try peer.send(.headers(3, .request("GET", "/never", [("Upper", "case")])))
            try peer.expectMalformed(3)
            try peer.send(.data(1, [1, 2, 3], end: true))
            try peer.expectResponse(1, body: "3")
        },
        WireCase("9113 5.4.2", "RST_STREAM is not answered by RST_STREAM") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .rstStream(1))
            try peer.expectIgnored(1)
        },
        WireCase("9113 5.5", "a frame of an extension on stream 0 is ignored") { peer in
            for type: UInt8 in [0x0A, 0x0C, 0x10, 0x20, 0xF0] {
                try peer.send(RawFrame(type: type, flags: 0xFF, payload: [0, 0, 0, 0, 1, 2]))
            }
            try peer.expectIgnored()
        },
        WireCase("9113 5.5", "a frame of an extension on an open stream is ignored") { peer in
            try peer.send(.headers(1, .request("POST", "/echo"), end: false))
            try peer.send(RawFrame(type: 0x77, flags: 0xFF, stream: 1, payload: [1, 2]))
            try peer.send(.data(1, Array("abc".utf8), end: true))
            try peer.expectResponse(1, body: "abc")
        },
        WireCase("9113 5.5", "no frame of an extension inside a field block") { peer in
            try peer.send(.headers(1, .request("GET", "/never"), endHeaders: false))
            try peer.send(RawFrame(type: 0x77, stream: 1), .continuation(1))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 7", "an unknown code in RST_STREAM does no harm") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")))
            try peer.send(.rstStream(1, ErrorCode(0xFF)))
            try peer.expectIgnored()
        },
        WireCase("9113 7", "an unknown code in GOAWAY does no harm") { peer in
            try peer.send(.headers(1, .request()), .goAway(ErrorCode(0xFF)))
            try peer.expectResponse(1)
        },
    ]

    private static func streamsMax(_ peer: RawPeer) throws -> UInt32 {
        guard let most = peer.settings[Setting.maxConcurrentStreams], most <= 1_000 else {
            throw peer.failure("the server was to announce SETTINGS_MAX_CONCURRENT_STREAMS")
        }
        return most
    }

    private static func expectAnswerOrError(_ peer: RawPeer) throws {
        try peer.wait(for: "an answer or an error") {
            $0.stream(1).isEnded || $0.stream(1).reset != nil || $0.goAway != nil
        }
    }
}
