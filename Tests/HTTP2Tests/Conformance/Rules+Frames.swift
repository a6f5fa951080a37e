// Sections 6.1 to 6.4 and 6.6 to 6.8: DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, PING, GOAWAY.

extension ServerRules {
    static let dataAndHeaders: [WireCase] = [
        WireCase("9113 6.1", "DATA on stream 0 ends the connection") { peer in
            try peer.send(.data(0, [1], end: true))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.1", "padding as long as the payload ends the connection") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false))
            try peer.send(
                RawFrame(type: RawFrame.Kind.data, flags: 0x9, stream: 1, payload: [3, 1, 0])
            )
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.1", "padded DATA without its length ends the connection") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false))
            try peer.send(RawFrame(type: RawFrame.Kind.data, flags: 0x9, stream: 1))
            try peer.expectConnectionError(.frameSize, .protocolError)
        },
        WireCase("9113 6.1", "padding is not part of the body") { peer in
            try peer.send(.headers(1, .request("POST", "/echo"), end: false))
            try peer.send(.data(1, Array("ab".utf8), padding: 255), .data(1, [], padding: 9))
            try peer.send(.data(1, Array("c".utf8), end: true, padding: 0))
            try peer.expectResponse(1, body: "abc")
        },
        WireCase("9113 6.1", "padding counts for the windows and is given back") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            // The windows must grow with the padding, which is most of what is sent.
            for _ in 0..<700 { try peer.sendBody(1, [1], padding: 250) }
            try peer.sendBody(1, [1], end: true)
            try peer.expectResponse(1, body: "701")
        },
        WireCase("9113 6.2", "HEADERS on stream 0 end the connection") { peer in
            try peer.send(.headers(0, .request("GET", "/never")))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.2", "padding as long as the block ends the connection") { peer in
            let block = HeaderBlock.request("GET", "/never").bytes
            let payload = [UInt8(block.count + 1)] + block
            try peer.send(
                RawFrame(type: RawFrame.Kind.headers, flags: 0xD, stream: 1, payload: payload)
            )
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.2", "HEADERS too short for their priority are an error") { peer in
            try peer.send(
                RawFrame(type: RawFrame.Kind.headers, flags: 0x25, stream: 1, payload: [0, 0])
            )
            try peer.expectConnectionError(.frameSize, .protocolError)
        },
        WireCase("9113 6.2", "padded HEADERS with a priority are taken") { peer in
            try peer.send(.headers(1, .request(), padding: 20, dependsOn: 0))
            try peer.expectResponse(1)
        },
        WireCase("9113 6.3", "PRIORITY on stream 0 ends the connection") { peer in
            try peer.send(.priority(0, dependsOn: 1))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.3", "PRIORITY of 4 bytes is an error") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false))
            try peer.send(
                RawFrame(type: RawFrame.Kind.priority, stream: 1, payload: [0, 0, 0, 0])
            )
            try peer.expectStreamOrConnectionError(1, .frameSize)
        },
    ]

    static let smallFrames: [WireCase] = Self.resets + Self.pings + Self.goAways

    private static let resets: [WireCase] = [
        WireCase("9113 6.4", "RST_STREAM on stream 0 ends the connection") { peer in
            try peer.send(.rstStream(0))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.4", "RST_STREAM of 3 bytes ends the connection") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")))
            try peer.send(RawFrame(type: RawFrame.Kind.rstStream, stream: 1, payload: [0, 0, 0]))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.4", "RST_STREAM of 5 bytes ends the connection") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")))
            try peer.send(
                RawFrame(type: RawFrame.Kind.rstStream, stream: 1, payload: [0, 0, 0, 0, 0])
            )
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.4", "RST_STREAM ends a body that is being sent") { peer in
            try peer.send(.headers(1, .request("GET", "/bytes/10000000")))
            try peer.wait(for: "a window's worth") { $0.stream(1).body.count == 65_535 }
            try peer.send(.rstStream(1), .windowUpdate(0, by: 1 << 20))
            try peer.expectAlive()
            guard peer.stream(1).body.count == 65_535 else {
                throw peer.failure("a cancelled body goes on")
            }
        },
        WireCase("9113 6.6", "PUSH_PROMISE by a client ends the connection") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")))
            try peer.send(.pushPromise(1, promising: 2, .request("GET", "/never")))
            try peer.expectConnectionError(.protocolError)
        },
    ]

    private static let pings: [WireCase] = [
        WireCase("9113 6.7", "PING is answered with the same bytes") { peer in
            let ping = RawFrame(type: RawFrame.Kind.ping, payload: Array("12345678".utf8))
            try peer.send(ping)
            try peer.wait(for: "an answer") { $0.pingAcks == [ping.payload] }
        },
        WireCase("9113 6.7", "an acknowledgement of no PING is not answered") { peer in
            let ping = RawFrame.ping(4_711, ack: true)
            try peer.send(ping)
            try peer.expectIgnored()
            guard !peer.pingAcks.contains(ping.payload) else {
                throw peer.failure("an acknowledgement was answered")
            }
        },
        WireCase("9113 6.7", "PING on a stream ends the connection") { peer in
            var ping = RawFrame.ping()
            ping.stream = 1
            try peer.send(ping)
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.7", "PING of 6 bytes ends the connection") { peer in
            try peer.send(RawFrame(type: RawFrame.Kind.ping, payload: [1, 2, 3, 4, 5, 6]))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.7", "PING is answered while a body waits for its window") { peer in
            try peer.send(.headers(1, .request("GET", "/bytes/10000000")))
            try peer.wait(for: "a window's worth") { $0.stream(1).body.count == 65_535 }
            try peer.expectAlive()
        },
    ]

    private static let goAways: [WireCase] = [
        WireCase("9113 6.8", "GOAWAY on a stream ends the connection") { peer in
            var goAway = RawFrame.goAway()
            goAway.stream = 1
            try peer.send(goAway)
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.8", "GOAWAY of 7 bytes ends the connection") { peer in
            try peer.send(
                RawFrame(type: RawFrame.Kind.goAway, payload: [0, 0, 0, 0, 0, 0, 0])
            )
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.8", "after a client's GOAWAY its requests are still answered") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false), .goAway())
            try peer.send(.data(1, [1, 2], end: true))
            try peer.expectResponse(1, body: "2")
        },
        WireCase("9113 6.8", "GOAWAY may carry words") { peer in
            var goAway = RawFrame.goAway()
            goAway.payload += Array("going home".utf8)
            try peer.send(.headers(1, .request()), goAway)
            try peer.expectResponse(1)
        },
    ]
}
