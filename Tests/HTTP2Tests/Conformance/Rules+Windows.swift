// Sections 6.9 and 6.10: flow control, CONTINUATION.

extension ServerRules {
    static let windows: [WireCase] = Self.windowFrames + Self.windowChanges + Self.windowLimits

    private static let windowFrames: [WireCase] = [
        WireCase("9113 6.9", "an update of zero for the connection ends it") { peer in
            try peer.send(.windowUpdate(0, by: 0))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.9", "an update of zero for a stream is an error") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")), .windowUpdate(1, by: 0))
            try peer.expectStreamOrConnectionError(1, .protocolError)
        },
        WireCase("9113 6.9", "WINDOW_UPDATE of 3 bytes ends the connection") { peer in
            try peer.send(RawFrame(type: RawFrame.Kind.windowUpdate, payload: [0, 0, 1]))
            try peer.expectConnectionError(.frameSize)
        },
        WireCase("9113 6.9", "the reserved bit of an update is ignored") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 0))
            try peer.send(.headers(1, .request("GET", "/body/3")))
            try peer.send(.windowUpdate(1, by: 0x8000_0003))
            try peer.expectResponse(1, body: "xxx")
        },
        WireCase("9113 6.9.1", "a window of one byte is given one byte") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 1))
            try peer.send(.headers(1, .request("GET", "/body/3")))
            try peer.wait(for: "a byte") { $0.stream(1).body.count == 1 }
            try peer.expectAlive()
            guard peer.stream(1).body.count == 1 else { throw peer.failure("too many bytes") }
            try peer.send(.windowUpdate(1, by: 2))
            try peer.expectResponse(1, body: "xxx")
        },
        WireCase("9113 6.9.1", "a connection's window above 2^31 - 1 ends it") { peer in
            try peer.send(.windowUpdate(0, by: 0x7FFF_FFFF), .windowUpdate(0, by: 0x7FFF_FFFF))
            try peer.expectConnectionError(.flowControl)
        },
        WireCase("9113 6.9.1", "a stream's window above 2^31 - 1 resets it") { peer in
            try peer.send(.headers(1, .request("GET", "/wait")))
            try peer.send(.windowUpdate(1, by: 0x7FFF_FFFF), .windowUpdate(1, by: 0x7FFF_FFFF))
            try peer.expectStreamError(1, .flowControl)
        },
        WireCase("9113 6.9.1", "an answer without a body needs no window") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 0))
            try peer.send(.headers(1, .request("GET", "/none")))
            try peer.expectResponse(1, body: "")
        },
        WireCase("9113 6.9.1", "the connection's window bounds all streams together") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 1 << 20))
            try peer.send(.headers(1, .request("GET", "/bytes/60000")))
            try peer.send(.headers(3, .request("GET", "/bytes/60000")))
            let sent = { (peer: RawPeer) in peer.stream(1).body.count + peer.stream(3).body.count }
            try peer.wait(for: "a window's worth") { sent($0) >= 65_535 }
            try peer.expectAlive()
            guard sent(peer) == 65_535 else { throw peer.failure("\(sent(peer)) bytes came") }
            try peer.send(.windowUpdate(0, by: 60_000))
            try peer.expectResponse(1)
            try peer.expectResponse(3)
        },
    ]

    private static let windowChanges: [WireCase] = [
        WireCase("9113 6.9.2", "a new INITIAL_WINDOW_SIZE changes open streams") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 0))
            try peer.send(.headers(1, .request("GET", "/body/3")))
            try peer.wait(for: "a head") { !$0.stream(1).sections.isEmpty }
            try peer.send(.setting(Setting.initialWindowSize, 1))
            try peer.wait(for: "a byte") { $0.stream(1).body.count == 1 }
            try peer.send(.windowUpdate(1, by: 2))
            try peer.expectResponse(1, body: "xxx")
        },
        WireCase("9113 6.9.2", "a window that became negative is remembered") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 3))
            try peer.send(.headers(1, .request("GET", "/body/5")))
            try peer.wait(for: "three bytes") { $0.stream(1).body.count == 3 }
            try peer.send(.setting(Setting.initialWindowSize, 2), .windowUpdate(1, by: 1))
            try peer.expectAlive()
            guard peer.stream(1).body.count == 3 else { throw peer.failure("it was forgotten") }
            try peer.send(.windowUpdate(1, by: 2))
            try peer.expectResponse(1, body: "xxxxx")
        },
        WireCase("9113 6.9.2", "SETTINGS that make a window too large are an error") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 1))
            try peer.send(.headers(1, .request("GET", "/wait")))
            try peer.send(.windowUpdate(1, by: 0x7FFF_FFFE))
            try peer.send(.setting(Setting.initialWindowSize, 2))
            // The section asks for an error of the connection; nghttp2 resets the stream.
            try peer.expectStreamOrConnectionError(1, .flowControl)
        },
        WireCase("9113 6.9.2", "SETTINGS do not change the connection's window") { peer in
            try peer.send(.setting(Setting.initialWindowSize, 1 << 20))
            try peer.send(.headers(1, .request("GET", "/bytes/100000")))
            try peer.wait(for: "a window's worth") { $0.stream(1).body.count == 65_535 }
            try peer.expectAlive()
            guard peer.stream(1).body.count == 65_535 else { throw peer.failure("it went on") }
        },
    ]

    private static let windowLimits: [WireCase] = [
        WireCase("9113 6.9.1", "DATA beyond a stream's window is an error") { peer in
            let window = Int(peer.settings[Setting.initialWindowSize] ?? 65_535)
            try peer.send(.headers(1, .request("POST", "/wait"), end: false))
            try Self.send(window + 1, to: 1, peer)
            try peer.expectStreamOrConnectionError(1, .flowControl)
        },
        WireCase("9113 6.9.1", "DATA beyond the connection's window ends it") { peer in
            // Nobody reads these bodies, so that the window does not grow.
            let window = Int(peer.settings[Setting.initialWindowSize] ?? 65_535)
            var room = 65_535 + peer.connectionCredit
            var stream: UInt32 = 1
            while room >= 0 {
                try peer.send(.headers(stream, .request("POST", "/wait"), end: false))
                try Self.send(min(window, room + 1), to: stream, peer)
                room -= window
                stream += 2
            }
            try peer.expectConnectionError(.flowControl)
        },
        WireCase("9113 6.9.1", "bytes of a body that nobody reads are not lost") { peer in
            // A window is used up ten times over by bodies that are dropped.
            for number in 0..<160 as Range<UInt32> {
                let stream = 2 * number + 1
                try peer.send(.headers(stream, .request("POST", "/"), end: false))
                try peer.wait(for: "the answer") { $0.stream(stream).statuses == ["200"] }
                try peer.sendBody(stream, [UInt8](repeating: 7, count: 16_384), end: true)
                try peer.expectAlive()
            }
        },
        WireCase("9113 6.9.1", "a stream's window grows as its body is read") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), end: false))
            for _ in 0..<200 { try peer.sendBody(1, [UInt8](repeating: 7, count: 10_000)) }
            try peer.sendBody(1, [], end: true)
            try peer.expectResponse(1, body: "2000000")
        },
    ]

    static let continuations: [WireCase] = [
        WireCase("9113 6.10", "a field block may go on in CONTINUATION frames") { peer in
            let block = HeaderBlock.request().bytes
            try peer.send(.headers(1, HeaderBlock(Array(block[..<5])), endHeaders: false))
            try peer.send(.continuation(1, Array(block[5..<9]), endHeaders: false))
            try peer.send(.continuation(1, [], endHeaders: false))
            try peer.send(.continuation(1, Array(block[9...])))
            try peer.expectResponse(1)
        },
        WireCase("9113 6.10", "END_STREAM counts although CONTINUATION follows") { peer in
            try peer.send(.headers(1, .request("POST", "/count"), endHeaders: false))
            try peer.send(.continuation(1))
            try peer.expectResponse(1, body: "0")
        },
        WireCase("9113 6.10", "CONTINUATION after END_HEADERS ends the connection") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false), .continuation(1))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.10", "CONTINUATION after DATA ends the connection") { peer in
            try peer.send(.headers(1, .request("POST", "/wait"), end: false))
            try peer.send(.data(1, [1]), .continuation(1))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.10", "CONTINUATION on stream 0 ends the connection") { peer in
            try peer.send(.headers(1, .request("GET", "/never"), endHeaders: false))
            try peer.send(.continuation(0))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.10", "CONTINUATION on another stream ends the connection") { peer in
            try peer.send(.headers(1, .request("GET", "/never"), endHeaders: false))
            try peer.send(.continuation(3))
            try peer.expectConnectionError(.protocolError)
        },
        WireCase("9113 6.10", "CONTINUATION without HEADERS ends the connection") { peer in
            try peer.send(.continuation(1, [], endHeaders: false))
            try peer.expectConnectionError(.protocolError)
        },
    ]

    /// Sends so many bytes in frames of at most 16,384, whatever the windows say.
    private static func send(_ count: Int, to stream: UInt32, _ peer: RawPeer) throws {
        var left = count
        while left > 0 {
            let size = min(left, 16_384)
            left -= size
            try peer.send(.data(stream, [UInt8](repeating: 7, count: size)))
        }
    }
}
