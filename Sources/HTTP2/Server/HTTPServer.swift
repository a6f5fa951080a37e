// One port for everybody: HTTP/2 in the clear or over TLS, and HTTP/1.1.

public import Logging
public import NIOCore
import NIOPosix

/// Listens on one address and hands every request to a handler.
public struct HTTPServer: Sendable {
    private let configuration: HTTPServerConfiguration
    private let group: any EventLoopGroup
    private let handler: @Sendable (any ServerExchange) async -> Void
    private let logger: Logger

    /// Prepares a server.
    ///
    /// - Parameters:
    ///   - configuration: Address, TLS, limits.
    ///   - group: The event loops it works on.
    ///   - logger: For what a person should see.
    ///   - handler: Called once for every request, in a task of its own.
    public init(
        _ configuration: HTTPServerConfiguration,
        group: any EventLoopGroup,
        logger: Logger,
        handler: @escaping @Sendable (any ServerExchange) async -> Void
    ) {
        self.configuration = configuration
        self.group = group
        self.handler = handler
        self.logger = logger
    }

    /// Serves until cancelled, then drains: tells every connection (GOAWAY, two phases), lets
    /// requests end within ``HTTPServerConfiguration/drainTimeout``, closes.
    ///
    /// - Parameter onListening: Called with the address once it is listened on.
    /// - Throws: `bindFailed`, `certificate`, `configuration`.
    public func run(
        onListening: @escaping @Sendable (SocketAddress) -> Void
    ) async throws(HTTP2Error) {
        let channel = try await self.listen()
        if let address = channel.localAddress { onListening(address) }
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private func listen() async throws(HTTP2Error) -> any Channel {
        let limits = self.configuration.limits
        let handler = self.handler
        let bootstrap = ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: 65_536, high: 262_144)
            )
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1_024,
                    initial: 2_048,
                    maximum: 65_536
                )
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ServerConnection(
                        eventLoop: channel.eventLoop,
                        limits: limits,
                        origin: RequestOrigin(
                            address: channel.remoteAddress,
                            version: .http2,
                            isTLS: false,
                            certificateNames: []
                        ),
                        handler: handler
                    )
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        do {
            return try await bootstrap.bind(
                host: self.configuration.host,
                port: self.configuration.port
            ).get()
        } catch {
            throw HTTP2Error(
                .bindFailed,
                "cannot listen on \(self.configuration.host):\(self.configuration.port): \(error)"
            )
        }
    }
}
