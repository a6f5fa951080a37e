// One connection does not keep the event loop from the others, and takes no more than its channel does.

import HTTP2
import HTTPTypes
import NIOCore
import Synchronization
import TestKit
import TestPeers
import Testing

@Suite("Turns")
struct TurnTests {
    @Test(
        "a handler that computes without an end does not keep the loop from others",
        .timeLimit(.minutes(Sanitized.minutes(2)))
    )
    func greedy() async throws {
        let served = Atomic(0)
        var configuration = HTTPServerConfiguration()
        configuration.drainTimeout = .zero
        try await TestServer.with(configuration: configuration, threads: 1) { exchange in
            guard exchange.request.path != "/other" else {
                served.add(1, ordering: .relaxed)
                return exchange.respond(HTTPResponse(status: .ok), body: nil)
            }
            while !Task.isCancelled { await Task.yield() }
        } _: { server in
            for version in CurlProtocol.allCases {
                let arguments = ["-o", "/dev/null", version.rawValue]
                let url = "http://127.0.0.1:\(server.port)/"
                let greedy = try PeerProcess(["/usr/bin/curl", "-sS"] + arguments + [url])
                for _ in 0..<20 {
                    try await onOwnThread {
                        let peer = try RawPeer(port: server.port)
                        try peer.handshake()
                        try peer.send(.headers(1, .request("GET", "/other")))
                        try peer.expectResponse(1)
                    }
                }
                withExtendedLifetime(greedy) {}
            }
        }
        #expect(served.load(ordering: .relaxed) == 40)
    }

    @Test(
        "what a peer does not read is not gathered, whatever the windows allow",
        arguments: [100, 4_000, 16_384],
        [false, true]
    )
    func windows(pieceBytes: Int, inChunks: Bool) async throws {
        let most = Atomic(0)
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok)) { stream in
                TurnBody(4 << 20, pieceBytes, inChunks, stream.eventLoop) { taken in
                    most.max(taken, ordering: .relaxed)
                }
            }
        } _: { server in
            try await onOwnThread {
                let peer = try RawPeer(port: server.port)
                try peer.handshake(.setting(Setting.initialWindowSize, 0x7FFF_FFFF))
                try peer.send(.windowUpdate(0, by: 0x7FFF_0000), .headers(1, .request()))
                try peer.wait(for: "the body") { $0.stream(1).isEnded }
                guard peer.stream(1).body.count == 4 << 20 else {
                    throw peer.failure("\(peer.stream(1).body.count) bytes came")
                }
            }
        }
        // What is gathered before it is written comes on top of the MiB of a turn.
        #expect(most.load(ordering: .relaxed) <= 1 << 20 + 1 << 18)
    }
}

/// Gives bytes in pieces of a size, and says how many were taken in one turn of the event loop.
private final class TurnBody: PulledBody {
    private var left: Int
    private let pieceBytes: Int
    private let inChunks: Bool
    private let eventLoop: any EventLoop
    private let took: (Int) -> Void
    private var turnBytes = 0

    init(
        _ bytes: Int,
        _ pieceBytes: Int,
        _ inChunks: Bool,
        _ eventLoop: any EventLoop,
        took: @escaping (Int) -> Void
    ) {
        self.left = bytes
        self.pieceBytes = pieceBytes
        self.inChunks = inChunks
        self.eventLoop = eventLoop
        self.took = took
    }

    func pull(upTo bytesMax: Int, into buffer: inout ByteBuffer) -> BodyPull {
        let count = min(bytesMax, self.pieceBytes, self.left)
        guard count > 0 else { return .end(nil) }
        if self.turnBytes == 0 {
            self.eventLoop.assumeIsolated().execute { self.turnBytes = 0 }
        }
        self.left -= count
        self.turnBytes += count
        self.took(self.turnBytes)
        guard !self.inChunks else { return .chunk(ByteBuffer(repeating: 121, count: count)) }
        buffer.writeRepeatingByte(120, count: count)
        return .appended
    }

    func closed(_ error: HTTP2Error?) {}
}
