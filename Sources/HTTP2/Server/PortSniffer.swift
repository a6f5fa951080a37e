// Tells by the first bytes what a connection speaks: HTTP/2, TLS, or HTTP/1.1.

import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS

/// The first bytes of a connection, and what they mean. Pure.
struct FirstBytes {
    /// What is spoken.
    enum Kind: Equatable {
        case http2
        case tls
        case http1
    }

    private static let preface = Array("PRI ".utf8)

    /// What these bytes begin; `nil` when more are needed.
    static func kind(_ bytes: some Collection<UInt8>) -> Kind? {
        guard let first = bytes.first else { return nil }
        if first == 0x16 { return .tls }
        guard
            bytes.elementsEqual(Self.preface.prefix(bytes.count))
                || bytes.starts(with: Self.preface)
        else { return .http1 }
        return bytes.count >= Self.preface.count ? .http2 : nil
    }
}

/// The first handler of a connection; it builds the pipeline and leaves it.
final class PortSniffer: ChannelInboundHandler, RemovableChannelHandler, LoopMember {
    typealias InboundIn = ByteBuffer

    private let server: ServerLife
    private let tls: ServerTLSContext?
    private var certificateNames: [String] = []
    private var buffer = ByteBuffer()
    private var isDecided = false
    private var isHandedOver = false
    private var beganAt = NIODeadline.now()
    private var context: ChannelHandlerContext?
    private var address: SocketAddress?
    var memberIndex = -1

    /// - Parameters:
    ///   - server: What the connection belongs to.
    ///   - tls: Certificates; `nil` serves in the clear only.
    init(server: ServerLife, tls: ServerTLSContext?) {
        self.server = server
        self.tls = tls
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.address = context.channel.remoteAddress
        LoopContext.of(context.eventLoop).add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.leave(context) }

    func channelInactive(context: ChannelHandlerContext) {
        self.leave(context)
        context.fireChannelInactive()
    }

    private func leave(_ context: ChannelHandlerContext) {
        guard self.context != nil else { return }
        self.context = nil
        LoopContext.of(context.eventLoop).remove(self)
        if !self.isHandedOver { self.server.left(self.address) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isDecided else { return context.fireChannelRead(data) }
        self.buffer.writeImmutableBuffer(self.unwrapInboundIn(data))
        guard let kind = FirstBytes.kind(self.buffer.readableBytesView) else {
            return
        }
        self.isDecided = true
        do {
            switch kind {
            case .tls: try self.addTLS(context)
            case .http2 where self.isAllowedInTheClear: try self.add(context, .http2, isTLS: false)
            case .http1 where self.isAllowedInTheClear: try self.add(context, .http1, isTLS: false)
            case .http1, .http2: self.refuse(context)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    /// With certificates, only this machine may speak in the clear: tokens must not cross a network.
    private var isAllowedInTheClear: Bool {
        guard self.tls != nil, let address = self.address?.ipAddress else { return true }
        return address == "::1" || address.hasPrefix("127.")
    }

    private func refuse(_ context: ChannelHandlerContext) {
        let text =
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n"
            + "content-length: 36\r\n\r\nThis port speaks TLS: use https://.\n"
        context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
        context.close(promise: nil)
    }

    private func addTLS(_ context: ChannelHandlerContext) throws {
        guard let tls = self.tls else { return context.close(promise: nil) }
        let handler = tls.makeHandler()
        let pipeline = context.pipeline.syncOperations
        try pipeline.addHandler(handler, position: .after(self))
        try pipeline.addHandler(
            ALPNSwitch { [self] isHTTP2, next in
                self.certificateNames = ServerTLSContext.verifiedNames(of: handler)
                try self.add(next, isHTTP2 ? .http2 : .http1, isTLS: true)
            },
            position: .after(handler)
        )
        let bytes = self.buffer
        self.buffer = ByteBuffer()
        context.fireChannelRead(NIOAny(bytes))
        context.fireChannelReadComplete()
    }

    /// Puts the handlers of a protocol behind everything, and goes.
    private func add(
        _ context: ChannelHandlerContext,
        _ version: RequestOrigin.Version,
        isTLS: Bool
    ) throws {
        let origin = RequestOrigin(
            address: self.address,
            version: version,
            isTLS: isTLS,
            certificateNames: self.certificateNames
        )
        let pipeline = context.pipeline.syncOperations
        let eventLoop = context.eventLoop
        self.isHandedOver = true
        switch version {
        case .http2:
            try pipeline.addHandler(
                ServerConnection(eventLoop: eventLoop, server: self.server, origin: origin)
            )
        case .http1:
            let connection = HTTP1Connection(
                eventLoop: eventLoop,
                server: self.server,
                origin: origin
            )
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderListSize = 4 * self.server.limits.headerListBytesMax
            limits.maxHeaderFieldCount = 4 * self.server.limits.headerFieldsMax
            try pipeline.addHandler(HTTP1ByteWatch(connection))
            try pipeline.addHandler(
                ByteToMessageHandler(
                    HTTPRequestDecoder(
                        leftOverBytesStrategy: .dropBytes,
                        limitConfiguration: limits
                    )
                )
            )
            try pipeline.addHandler(connection)
        }
        guard !isTLS else {
            pipeline.removeHandler(self, promise: nil)
            return
        }
        let bytes = self.buffer
        self.buffer = ByteBuffer()
        context.fireChannelRead(NIOAny(bytes))
        context.fireChannelReadComplete()
        pipeline.removeHandler(self, promise: nil)
    }

    func sweep(_ now: NIODeadline) {
        guard now - self.beganAt > TimeAmount(self.server.limits.prefaceTimeout) else { return }
        self.server.count(.prefaceTimeout)
        self.context?.close(promise: nil)
    }

    func drain(_ server: ServerLife) { self.closeNow(server) }

    func closeNow(_ server: ServerLife) {
        if server === self.server { self.context?.close(promise: nil) }
    }
}

/// Waits for the end of the handshake, then leaves the pipeline to the protocol agreed on.
final class ALPNSwitch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let agreed: (Bool, ChannelHandlerContext) throws -> Void

    /// - Parameter agreed: Called with whether HTTP/2 was chosen; adds the handlers.
    init(_ agreed: @escaping (Bool, ChannelHandlerContext) throws -> Void) { self.agreed = agreed }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let name) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        do {
            try self.agreed(name == "h2", context)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// Tells a connection of HTTP/1.1 how many bytes come, before the decoder waits for the rest.
final class HTTP1ByteWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: HTTP1Connection

    init(_ connection: HTTP1Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection.bytesArrived(self.unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }
}
