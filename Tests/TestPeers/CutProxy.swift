// A way to a node that a test can cut, or keep answers back on.

public import NIOCore
public import NIOPosix
import Synchronization

/// Passes bytes on to a port, until told otherwise.
public final class CutProxy: Sendable {
    /// What a connection does with bytes.
    private struct State {
        var channels: [any Channel] = []
        /// Bytes of the server are thrown away.
        var isMute = false
        /// Connections are closed when they are made.
        var isCut = false
        var connections = 0
    }

    private let state = Mutex(State())
    private let group: any EventLoopGroup
    private let target: Int
    private let listener = Mutex<(any Channel)?>(nil)

    /// A way to a port of the loopback address.
    public init(to target: Int, group: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup) {
        self.target = target
        self.group = group
    }

    /// Connections that were made.
    public var connections: Int { self.state.withLock { $0.connections } }

    /// Listens.
    ///
    /// - Returns: The port.
    public func start() async throws -> Int {
        let channel = try await ServerBootstrap(group: self.group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in self.accept(channel) }
            .bind(host: "127.0.0.1", port: 0).get()
        self.listener.withLock { $0 = channel }
        return channel.localAddress?.port ?? 0
    }

    /// Throws away what the server answers, from now on.
    public func mute() { self.state.withLock { $0.isMute = true } }

    /// Closes every connection and each that is made.
    public func cut() {
        let channels = self.state.withLock { state in
            state.isCut = true
            defer { state.channels = [] }
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Passes bytes on again.
    public func heal() {
        self.state.withLock { state in
            state.isCut = false
            state.isMute = false
        }
    }

    /// Cuts it for ever.
    public func stop() async throws {
        self.cut()
        try await self.listener.withLock { $0 }?.close()
    }

    fileprivate var isMute: Bool { self.state.withLock { $0.isMute } }

    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let isCut = self.state.withLock { state in
            state.connections += 1
            if !state.isCut { state.channels.append(channel) }
            return state.isCut
        }
        guard !isCut else { return channel.close() }
        return ClientBootstrap(group: channel.eventLoop)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: self.target)
            .flatMapThrowing { server in
                try channel.pipeline.syncOperations.addHandler(Passing(to: server))
                try server.pipeline.syncOperations.addHandler(Passing(to: channel, proxy: self))
                try channel.syncOptions?.setOption(.autoRead, value: true)
                try server.syncOptions?.setOption(.autoRead, value: true)
            }
    }
}

/// Writes what comes to another channel.
private final class Passing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let proxy: CutProxy?

    init(to other: any Channel, proxy: CutProxy? = nil) {
        self.other = other
        self.proxy = proxy
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.proxy?.isMute != true else { return }
        self.other.writeAndFlush(self.unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { self.other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
