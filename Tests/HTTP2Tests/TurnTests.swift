// One connection does not keep the event loop from the others, and takes no more than its channel does.

import HTTP2
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@Suite("Turns")
struct TurnTests {
    /// A MiB when the socket asks, one when the loop does; what is gathered before it is written
    /// comes on top.
    private static let bytesMax = 1 << 21 + 1 << 18

    @Test(
        "a turn of the event loop takes little more than 2 MiB of bodies, whatever the windows allow",
        arguments: [100, 4_000, 16_384],
        [false, true]
    )
    func turn(pieceBytes: Int, inChunks: Bool) async throws {
        let bytes = 4 << 20
        let most = Atomic(0)
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok)) { stream in
                TurnBody(bytes, pieceBytes, inChunks, stream.eventLoop) { taken in
                    most.max(taken, ordering: .relaxed)
                }
            }
        } _: { server in
            try await onOwnThread {
                let peer = try RawPeer(port: server.port)
                try peer.handshake(.setting(Setting.initialWindowSize, 0x7FFF_FFFF))
                try peer.send(.windowUpdate(0, by: 0x7FFF_0000), .headers(1, .request()))
                try peer.wait(for: "the body") { $0.stream(1).isEnded }
                guard peer.stream(1).body.count == bytes else {
                    throw peer.failure("\(peer.stream(1).body.count) bytes came")
                }
            }
        }
        #expect(most.load(ordering: .relaxed) <= Self.bytesMax)
    }

    @Test(
        "over HTTP/1.1 a turn takes little more than 2 MiB of a body, however fast it is read",
        arguments: [false, true]
    )
    func turnOfHTTP1(inChunks: Bool) async throws {
        let bytes = 16 << 20
        let most = Atomic(0)
        try await TestServer.with { exchange in
            exchange.respond(HTTPResponse(status: .ok)) { stream in
                TurnBody(bytes, 16_384, inChunks, stream.eventLoop) { taken in
                    most.max(taken, ordering: .relaxed)
                }
            }
        } _: { server in
            let output = try await server.curl(
                ["--http1.1", "-o", "/dev/null", "-w", "%{http_code} %{size_download}"],
                path: "/"
            )
            #expect(output == "200 \(bytes)")
        }
        #expect(most.load(ordering: .relaxed) <= Self.bytesMax)
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
