// An HTTP server that answers what the path asks for.

import NIOCore
import NIOHTTP1
import NIOPosix

/// `/status/N`, `/redirect/N`, `/echo…`, `/big`, `/silent`, `/json`.
struct TinyServer {
    private let channel: any Channel

    /// The port it listens on.
    var port: Int { self.channel.localAddress?.port ?? 0 }
    /// Its address without a path.
    var base: String { "http://127.0.0.1:\(self.port)" }

    static func start() async throws -> TinyServer {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Answerer())
                }
            }
        return TinyServer(channel: try await bootstrap.bind(host: "0.0.0.0", port: 0).get())
    }

    func stop() async throws { try await self.channel.close() }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                self.body.clear()
            case .body(var part): self.body.writeBuffer(&part)
            case .end: self.answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            guard let head = self.head else { return }
            let words = head.uri.split(separator: "/")
            var headers = HTTPHeaders()
            var status = HTTPResponseStatus.ok
            var content = ByteBuffer()
            switch words.first {
            case "status": status = .init(statusCode: Int(words[1]) ?? 200)
            case "redirect":
                let left = Int(words[1]) ?? 0
                status = .found
                headers.add(name: "Location", value: left > 0 ? "/redirect/\(left - 1)" : "/echo")
            case "away":
                status = .temporaryRedirect
                headers.add(name: "Location", value: "http://127.0.0.2:\(words[1])/echo")
            case "big": content.writeRepeatingByte(0x78, count: 9 << 20)
            case "silent": return
            case "json":
                headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
                headers.add(name: "X-Two", value: "a")
                headers.add(name: "X-Two", value: "b")
                content.writeString(#"{"items": [{"id": 7}], "ok": true}"#)
            default:
                content.writeString("\(head.method.rawValue) \(head.uri)\n")
                for (name, value) in head.headers { content.writeString("\(name): \(value)\n") }
                content.writeImmutableBuffer(self.body)
            }
            headers.add(name: "Content-Length", value: "\(content.readableBytes)")
            let answer = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(self.wrapOutboundOut(.head(answer)), promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(content))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
