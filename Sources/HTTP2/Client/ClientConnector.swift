// How a connection is made: socket, TLS, ALPN; and what people are told when it cannot be.

internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS

/// Knows the way to one server.
struct ClientConnector {
    private static let tlsLifetime = TimeAmount.seconds(60)

    let configuration: HTTP2ClientConfiguration
    private var tls: (context: ClientTLSContext, readAt: NIODeadline)?

    init(_ configuration: HTTP2ClientConfiguration) { self.configuration = configuration }

    /// Files of certificates are read again after a minute: they may have been renewed.
    mutating func tlsContext() throws(HTTP2Error) -> ClientTLSContext? {
        guard let wanted = self.configuration.tls else { return nil }
        let now = NIODeadline.now()
        if let tls = self.tls, tls.readAt + Self.tlsLifetime > now { return tls.context }
        let context = try ClientTLSContext(wanted, host: self.configuration.host)
        self.tls = (context, now)
        return context
    }

    /// Connects.
    ///
    /// - Parameters:
    ///   - eventLoop: Where the channel lives.
    ///   - prepare: Adds the handlers; on the event loop.
    /// - Returns: The channel once it is connected; TLS comes later.
    func connect(
        on eventLoop: any EventLoop,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(self.configuration.connectTimeout))
            .channelOption(.writeBufferWaterMark, value: .init(low: 65_536, high: 262_144))
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1_024,
                    initial: 4_096,
                    maximum: 65_536
                )
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel) }
            }
        if let path = self.configuration.socketPath {
            return bootstrap.connect(unixDomainSocketPath: path)
        }
        return
            bootstrap
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: self.configuration.host, port: self.configuration.port)
    }

    /// What an error means that ended a connection before it could be used.
    func failure(_ error: any Error) -> HTTP2Error {
        let server = self.configuration.server
        if let tls = self.tls?.context, let failure = tls.certificateError(error, server: server) {
            return failure
        }
        if let error = error as? HTTP2Error {
            switch error.code {
            case .certificate, .configuration, .connectFailed: return error
            // The library ends a session of another protocol by itself, without an error.
            case .protocolViolation, .connectionLost, .limitExceeded:
                guard self.configuration.tls == nil else { break }
                return HTTP2Error(
                    .connectFailed,
                    "\(server) does not answer in HTTP/2; does it expect TLS, or is it another "
                        + "service?"
                )
            default: break
            }
            return HTTP2Error(
                .connectFailed,
                "\(server) ended the connection before it answered: \(error.message)"
            )
        }
        return HTTP2Error(.connectFailed, "cannot connect to \(server): \(Self.reason(error))")
    }

    /// Nothing came within the time for connecting.
    var timeout: HTTP2Error {
        HTTP2Error(
            .connectFailed,
            "\(self.configuration.server) did not answer in HTTP/2 within "
                + "\(self.configuration.connectTimeout)"
        )
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return Self.reason(first.error) }
            if error.dnsAError != nil || error.dnsAAAAError != nil {
                return "the name '\(error.host)' is not known"
            }
        }
        if case .connectTimeout(let time)? = error as? ChannelError {
            return "no answer within \(time.nanoseconds / 1_000_000) ms"
        }
        if let error = error as? IOError {
            switch error.errnoCode {
            case 111: return "nobody listens there; is the server running?"
            case 2: return "there is no such socket; is the server running?"
            case 101, 113: return "there is no way to that address"
            case 13: return "this user may not use that socket"
            default: return "\(error)"
            }
        }
        return "\(error)"
    }
}

extension ClientLoop {
    /// Makes a connection; what comes of it is told to the queue.
    func connect(_ id: Int) {
        self.entries[id] = Entry()
        let tls: ClientTLSContext?
        do {
            tls = try self.connector.tlsContext()
        } catch {
            self.entries[id]?.isConnecting = false
            return self.ended(id, error)
        }
        let loop = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.entries[id]?.deadline = self.eventLoop.assumeIsolated().scheduleTask(
            in: TimeAmount(self.configuration.connectTimeout)
        ) { [weak self] in
            guard let self, let entry = self.entries[id] else { return }
            self.entries[id]?.failure = self.connector.timeout
            entry.channel?.close(promise: nil)
        }
        self.connector.connect(on: self.eventLoop) { channel in
            let client = loop.value
            let pipeline = channel.pipeline.syncOperations
            if let tls {
                let handler = try tls.makeHandler()
                try pipeline.addHandler(handler)
                try pipeline.addHandler(ClientHandshake(id: id, client: client, tls: tls, handler))
            } else {
                try client.addConnection(id, to: pipeline)
            }
        }
        .assumeIsolated()
        .whenComplete { result in self.attempted(id, result) }
    }

    private func attempted(_ id: Int, _ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            guard let entry = self.entries[id], entry.failure == nil else {
                self.entries[id]?.isConnecting = false
                self.ended(id, self.connector.timeout)
                return channel.close(promise: nil)
            }
            self.entries[id]?.isConnecting = false
            self.entries[id]?.channel = channel
            if !channel.isActive {
                self.ended(id, HTTP2Error(.connectionLost, "the connection was closed"))
            }
        case .failure(let error):
            self.entries[id]?.isConnecting = false
            self.ended(id, self.connector.failure(error))
        }
    }

    /// Puts the connection into the pipeline, behind TLS if there is any.
    func addConnection(_ id: Int, to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let connection = ClientConnection(
            id: id,
            client: self,
            limits: self.configuration.limits
        )
        self.entries[id]?.connection = connection
        try pipeline.addHandler(connection)
    }

    /// Notes why a connection cannot be had; its end follows.
    func noteFailure(_ id: Int, _ error: any Error) {
        guard let entry = self.entries[id], !entry.isReady, entry.failure == nil else { return }
        self.entries[id]?.failure = self.connector.failure(error)
    }
}

/// Waits for the handshake, holds the server to its name and to HTTP/2, translates errors.
private final class ClientHandshake: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let id: Int
    private let client: ClientLoop
    private let tls: ClientTLSContext
    private let handler: NIOSSLClientHandler
    private var isDone = false

    init(id: Int, client: ClientLoop, tls: ClientTLSContext, _ handler: NIOSSLClientHandler) {
        self.id = id
        self.client = client
        self.tls = tls
        self.handler = handler
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent, !self.isDone {
            do {
                let server = self.client.configuration.server
                try self.tls.verifyName(of: self.handler, server: server)
                guard negotiated == "h2" else {
                    throw HTTP2Error(
                        .configuration,
                        "\(server) does not offer HTTP/2 over TLS (ALPN 'h2')"
                    )
                }
                self.isDone = true
                try self.client.addConnection(self.id, to: context.pipeline.syncOperations)
            } catch {
                self.client.noteFailure(self.id, error)
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.client.noteFailure(self.id, error)
        if self.isDone {
            context.fireErrorCaught(error)
        } else {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        context.fireChannelInactive()
        guard !self.isDone else { return }
        self.client.ended(
            self.id,
            HTTP2Error(.connectionLost, "the server closed the connection during the handshake")
        )
    }
}
