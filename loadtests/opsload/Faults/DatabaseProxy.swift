// Decides what a node reaches of its database: all of it, nothing, or a line that is dead and comes alive again.

import NIOCore
import NIOPosix

/// A port on loopback that leads to the unix socket of a Postgres, as long as it is open.
///
/// Runs on one event loop. Ends: ``close()``.
final class DatabaseProxy: Sendable {
    enum Mode: Sendable {
        case open
        /// Connections end at once.
        case refusing
        /// No byte passes; what was sent meanwhile arrives when it is open again.
        case silent
    }

    /// Confined to the event loop.
    private struct State {
        var mode = Mode.open
        var ends: [ObjectIdentifier: ProxyEnd] = [:]
        var listener: (any Channel)?
    }

    private let loop: any EventLoop
    private let socket: String
    private let state: NIOLoopBoundBox<State>
    let port: Int

    /// Listens on a free port, for the server of this unix socket.
    init(to socket: String) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop)
        self.loop = loop
        self.socket = socket
        self.state = state
        let listener = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { client in
                client.eventLoop.makeCompletedFuture {
                    try Self.accept(client, state, socket)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = listener.localAddress?.port ?? 0
        try await loop.submit { state.value.listener = listener }.get()
    }

    /// How libpq reaches the database through it.
    var conninfo: String {
        "host=127.0.0.1 port=\(self.port) user=opsroom dbname=opsroom sslmode=disable "
            + "gssencmode=disable"
    }

    /// Changes what passes.
    func become(_ mode: Mode) async {
        let state = self.state
        try? await self.loop.submit {
            state.value.mode = mode
            for end in state.value.ends.values {
                switch mode {
                case .open: end.release()
                case .refusing: end.close()
                case .silent: end.hold()
                }
            }
        }
        .get()
    }

    /// Ends it.
    func close() async {
        let state = self.state
        try? await self.loop.submit {
            for end in state.value.ends.values { end.close() }
            state.value.listener?.close(promise: nil)
        }
        .get()
    }

    private static func accept(
        _ client: any Channel,
        _ state: NIOLoopBoundBox<State>,
        _ socket: String
    ) throws {
        let near = ProxyEnd()
        try client.pipeline.syncOperations.addHandler(near)
        if state.value.mode == .silent { near.hold() }
        Self.keep(near, client, state)
        guard state.value.mode != .refusing else { return near.close() }
        let bound = NIOLoopBound(near, eventLoop: client.eventLoop)
        ClientBootstrap(group: client.eventLoop)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    let far = ProxyEnd()
                    try server.pipeline.syncOperations.addHandler(far)
                    if state.value.mode == .silent { far.hold() }
                    Self.keep(far, server, state)
                    far.join(bound.value)
                }
            }
            .connect(unixDomainSocketPath: socket)
            .whenComplete { result in
                if case .failure = result { bound.value.close() } else { bound.value.readOn() }
            }
    }

    private static func keep(
        _ end: ProxyEnd,
        _ channel: any Channel,
        _ state: NIOLoopBoundBox<State>
    ) {
        let id = ObjectIdentifier(end)
        state.value.ends[id] = end
        channel.closeFuture.whenComplete { _ in state.value.ends[id] = nil }
    }
}

/// One of the two sockets of a connection through the proxy. Confined to its event loop.
private final class ProxyEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?
    private var partner: ProxyEnd?
    private var isHeld = false
    private var isReadWanted = false

    func join(_ other: ProxyEnd) {
        self.partner = other
        other.partner = self
    }

    func hold() { self.isHeld = true }

    func release() {
        self.isHeld = false
        self.readOn()
    }

    func close() {
        // Says so to the other side even where another process inherited the socket.
        self.context?.close(mode: .output, promise: nil)
        self.context?.close(promise: nil)
    }

    func readOn() {
        guard self.isReadWanted, let context = self.context else { return }
        self.read(context: context)
    }

    private var isReady: Bool { self.context?.channel.isWritable == true }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.partner = nil
    }

    func read(context: ChannelHandlerContext) {
        guard !self.isHeld, self.partner?.isReady == true else {
            self.isReadWanted = true
            return
        }
        self.isReadWanted = false
        context.read()
    }

    func channelActive(context: ChannelHandlerContext) {
        self.partner?.readOn()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        self.partner?.context?.write(Self.wrapOutboundOut(bytes), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.partner?.context?.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.partner?.readOn() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.partner?.close()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
