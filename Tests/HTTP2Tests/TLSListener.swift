// A listener that only shakes hands, to see what each side knows of the other.

import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

@testable import HTTP2

/// Listens on loopback with a server's TLS context.
final class TLSListener: Sendable {
    private let channel: any Channel
    private let accepted: AsyncStream<Result<[String], any Error>>

    init(_ context: ServerTLSContext) async throws {
        let (accepted, continuation) = AsyncStream.makeStream(
            of: Result<[String], any Error>.self
        )
        self.accepted = accepted
        self.channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        context.makeHandler(), HandshakeWatch(nil) { continuation.yield($0) },
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// Connects, and tells the names of the certificate that the server showed.
    func namesShown(to tls: ClientTLS) async throws -> [String] {
        let host = tls.serverName ?? "localhost"
        let context = try ClientTLSContext(tls, host: host)
        guard let port = self.channel.localAddress?.port else { return [] }
        let group = MultiThreadedEventLoopGroup.singleton
        let (names, continuation) = AsyncStream<Result<[String], any Error>>.makeStream()
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        context.makeHandler(),
                        HandshakeWatch(context) { continuation.yield($0) },
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        do {
            var iterator = names.makeAsyncIterator()
            let shown = try await iterator.next()?.get() ?? []
            try? await channel.close()
            return shown
        } catch {
            try? await channel.close()
            throw context.certificateError(error, server: "\(host):\(port)") ?? error
        }
    }

    /// The names of the certificate that the next client showed.
    func clientNames() async throws -> [String] {
        var iterator = self.accepted.makeAsyncIterator()
        return try await iterator.next()?.get() ?? []
    }

    func close() async throws { try await self.channel.close() }
}

/// Tells the peer's names once the handshake is over, or why it failed.
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var report: ((Result<[String], any Error>) -> Void)?

    private let client: ClientTLSContext?

    init(
        _ client: ClientTLSContext?,
        _ report: @escaping (Result<[String], any Error>) -> Void
    ) {
        self.client = client
        self.report = report
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.tell(
                Result {
                    let handler = try context.pipeline.syncOperations.handler(
                        type: NIOSSLHandler.self
                    )
                    try self.client?.verifyName(of: handler, server: "the server")
                    return ServerTLSContext.verifiedNames(of: handler)
                }
            )
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.tell(.failure(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.tell(.failure(ChannelError.eof))
    }

    private func tell(_ result: Result<[String], any Error>) {
        self.report?(result)
        self.report = nil
    }
}
