// A server on swift-nio-http2 that says ok: the floor beside which ours is measured.

import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

enum NIOFloor {
    /// Serves until cancelled; the second parameter is called with the port.
    static func serve(
        _ group: MultiThreadedEventLoopGroup,
        _ onListening: @escaping @Sendable (Int) -> Void
    ) async throws {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 2_048),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16_384),
        ]
        let configuration = connection
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.configureHTTP2Pipeline(
                    mode: .server,
                    connectionConfiguration: configuration,
                    streamConfiguration: NIOHTTP2Handler.StreamConfiguration()
                ) { stream in
                    stream.eventLoop.makeCompletedFuture {
                        try stream.pipeline.syncOperations.addHandler(OKHandler())
                    }
                }
                .map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        onListening(channel.localAddress?.port ?? 0)
        try await withTaskCancellationHandler {
            try await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}

/// Answers `/hang` with a head only, everything else with `ok`.
private final class OKHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .headers(let request) = self.unwrapInboundIn(data) else { return }
        let fields = HPACKHeaders([(":status", "200")])
        let head = HTTP2Frame.FramePayload.headers(.init(headers: fields))
        context.write(self.wrapOutboundOut(head), promise: nil)
        if request.headers.first(name: ":path") == "/hang" { return context.flush() }
        let body = HTTP2Frame.FramePayload.data(
            .init(data: .byteBuffer(ByteBuffer(string: "ok\n")), endStream: true)
        )
        context.writeAndFlush(self.wrapOutboundOut(body), promise: nil)
    }
}
