// The raw peer is right about a server that is not ours: swift-nio-http2's.

import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Testing

@Suite("Raw peer")
struct RawPeerTests {
    @Test("requests are understood and answers read, tables, padding and windows included")
    func answers() async throws {
        try await Self.withServer { port in
            let peer = try RawPeer(port: port)
            try peer.handshake()
            for stream: UInt32 in [1, 3, 5] {
                let block = HeaderBlock.request().field("x-kept", "\(stream)", .indexed)
                try peer.send(.headers(stream, block, end: false, padding: 3))
                try peer.sendBody(stream, [1, 2, 3], end: true, padding: 5)
                try peer.expectResponse(stream, body: "ok")
            }
            try peer.send(.headers(7, .request().indexed(62)))
            try peer.expectResponse(7, body: "ok")
            try peer.expectAlive()
        }
    }

    @Test("an error of the connection is seen with its code, one of a stream with its own")
    func errors() async throws {
        try await Self.withServer { port in
            let first = try RawPeer(port: port)
            try first.handshake()
            try first.send(.data(0, [1]))
            try first.wait(for: "GOAWAY") { $0.goAway != nil }
            let second = try RawPeer(port: port)
            try second.handshake()
            try second.send(.headers(1, .request("GET", "/", [("connection", "close")])))
            try second.expectStreamError(1, .protocolError)
        }
    }

    @Test("what was not to come is a failure that tells what came")
    func failures() async throws {
        try await Self.withServer { port in
            let peer = try RawPeer(port: port)
            try peer.handshake()
            try peer.send(.headers(1, .request()))
            for expectation in Self.wrong {
                do {
                    try expectation(peer)
                } catch let failure as WireFailure {
                    guard failure.description.contains("came: SETTINGS") else { throw failure }
                    continue
                }
                throw WireFailure("a wrong expectation was met")
            }
        }
    }

    @Test("frames, blocks and integers have the bytes of the RFCs")
    func bytes() {
        let frame = RawFrame.windowUpdate(3, by: 1_000)
        #expect(frame.bytes == [0, 0, 4, 8, 0, 0, 0, 0, 3, 0, 0, 3, 0xE8])
        #expect(HeaderBlock.integer(1_337, prefix: 5) == [31, 154, 10])
        #expect(HeaderBlock().indexed(2).tableSize(0).bytes == [0x82, 0x20])
        #expect(RawFrame.data(1, [7], end: true, padding: 2).payload == [2, 7, 0, 0])
    }

    private static let wrong: [@Sendable (RawPeer) throws -> Void] = [
        { try $0.expectResponse(1, status: "404") },
        { try $0.expectResponse(1, body: "else") },
        { try $0.expectMalformed(1) },
        { peer in
            try peer.send(.data(0, [1]))
            try peer.expectAlive()
        },
    ]

    /// Serves "ok" with swift-nio-http2 while `body` talks to it on a thread of its own.
    private static func withServer(_ body: @escaping @Sendable (Int) throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server,
                        connectionConfiguration: .init(),
                        streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(OkHandler())
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await onOwnThread { try body(port) })
        } catch {
            outcome = .failure(error)
        }
        try await channel.close()
        try outcome.get()
    }
}

/// Answers "ok" when a request has ended.
private final class OkHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .headers(let frame) where frame.endStream: break
        case .data(let frame) where frame.endStream: break
        default: return
        }
        let head = HTTP2Frame.FramePayload.headers(.init(headers: [":status": "200"]))
        context.write(self.wrapOutboundOut(head), promise: nil)
        let body = HTTP2Frame.FramePayload.data(
            .init(data: .byteBuffer(ByteBuffer(string: "ok")), endStream: true)
        )
        context.writeAndFlush(self.wrapOutboundOut(body), promise: nil)
    }
}
