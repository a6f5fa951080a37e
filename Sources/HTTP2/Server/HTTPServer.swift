// One port for everybody: HTTP/2 in the clear or over TLS, and HTTP/1.1.

public import Logging
public import NIOCore
import NIOPosix

/// Listens on one address and hands every request to a handler.
public struct HTTPServer: Sendable {
    /// How long what is left of a drained server may take to notice that it was closed.
    private static let closeTimeout = Duration.seconds(5)

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
    ///   - handler: Called once for every request, in a task of its own, on the connection's event
    ///     loop: what computes for long goes elsewhere.
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
    /// - Parameters:
    ///   - onListening: Called with the address once it is listened on.
    ///   - onCertificateChange: Called when the files of the certificate have changed.
    /// - Throws: `bindFailed`, `certificate`, `configuration`.
    public func run(
        onListening: @escaping @Sendable (SocketAddress) -> Void,
        onCertificateChange: @escaping @Sendable (CertificateChange) -> Void = { _ in }
    ) async throws(HTTP2Error) {
        var tls: ServerTLSContext?
        if let files = self.configuration.tls {
            tls = try ServerTLSContext(files, logger: self.logger)
        }
        let life = ServerLife(self.configuration, logger: self.logger, handler: self.handler)
        let channel = try await self.listen(life, tls)
        if let address = channel.localAddress { onListening(address) }
        let group = self.group
        await withTaskGroup(of: Void.self) { tasks in
            if let tls {
                tasks.addTask {
                    await tls.run { change in
                        if change == .renewed { Self.drainAll(of: life, on: group) }
                        onCertificateChange(change)
                    }
                }
            }
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            tasks.cancelAll()
        }
        await self.drain(life)
    }

    /// Lets requests end, then closes what is left; in a task that is not cancelled.
    private func drain(_ life: ServerLife) async {
        Self.drainAll(of: life, on: self.group)
        let timeout = TimeAmount(self.configuration.drainTimeout)
        let group = self.group
        let loop = group.next()
        let closing = loop.scheduleTask(in: timeout) { Self.closeAll(of: life, on: group) }
        let giving = loop.scheduleTask(in: timeout + TimeAmount(Self.closeTimeout)) {
            life.giveUp()
        }
        await life.waitUntilEmpty()
        closing.cancel()
        giving.cancel()
    }

    private static func drainAll(of life: ServerLife, on group: any EventLoopGroup) {
        for loop in group.makeIterator() {
            loop.execute {
                for member in LoopContext.of(loop).allMembers { member.drain(life) }
            }
        }
    }

    private static func closeAll(of life: ServerLife, on group: any EventLoopGroup) {
        for loop in group.makeIterator() {
            loop.execute {
                for member in LoopContext.of(loop).allMembers { member.closeNow(life) }
            }
        }
    }

    private func listen(
        _ life: ServerLife,
        _ tls: ServerTLSContext?
    ) async throws(HTTP2Error) -> any Channel {
        let bootstrap = ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 65_536, high: 262_144))
            .childChannelOption(
                .recvAllocator,
                // Each idle connection keeps one: small, and larger while much comes.
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 512,
                    initial: 512,
                    maximum: 65_536
                )
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let limit = life.admit(channel.remoteAddress) {
                        throw HTTP2Error(
                            .limitExceeded,
                            "a connection was refused by the limit '\(limit.rawValue)'"
                        )
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        PortSniffer(server: life, tls: tls)
                    )
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
