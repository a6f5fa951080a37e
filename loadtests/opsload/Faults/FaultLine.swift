// Decides what passes on a line: everything, nothing, or a line that is dead and comes alive again.

import Glibc
import NIOCore
import NIOPosix

/// A port on loopback that leads to the unix socket of a Postgres or the port of a node, as long as it is
/// open; for all who call, or but for some of them.
///
/// Runs on one event loop. Ends: ``close()``.
final class FaultLine: Sendable {
    enum Mode: Int, Sendable, Comparable {
        case open
        /// No byte passes; what was sent meanwhile arrives when it is open again.
        case silent
        /// Connections end at once, and nobody listens. Those of one caller alone end when made.
        case refusing

        static func < (left: Mode, right: Mode) -> Bool { left.rawValue < right.rawValue }
    }

    /// Where it leads.
    enum Target: Sendable {
        case socket(String)
        case port(Int)
    }

    private struct Entry {
        var end: ProxyEnd
        var caller: String?
    }

    /// Confined to the event loop.
    private struct State {
        var mode = Mode.open
        var callers: [String: Mode] = [:]
        var ends: [ObjectIdentifier: Entry] = [:]
        var listener: (any Channel)?

        func mode(for caller: String?) -> Mode {
            max(self.mode, caller.flatMap { self.callers[$0] } ?? .open)
        }
    }

    /// Ports below those that the kernel gives to whoever connects: what is not listened on for a while
    /// is still there afterwards.
    private static let ports = 15_000..<32_000
    /// How long somebody else may have the port.
    private static let patience: Duration = .seconds(5)

    private let loop: any EventLoop
    private let target: Target
    private let who: @Sendable (_ port: Int, _ line: Int) -> String?
    private let state: NIOLoopBoundBox<State>
    let port: Int

    /// Listens on a free port.
    ///
    /// - Parameters:
    ///   - target: Where it leads.
    ///   - who: Names the caller whose port this is; `nil` for anybody.
    /// - Throws: ``LoadError`` when there is no free port.
    init(
        to target: Target,
        who: @escaping @Sendable (_ port: Int, _ line: Int) -> String? = { _, _ in nil }
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop)
        self.loop = loop
        self.target = target
        self.who = who
        self.state = state
        var listener: (any Channel)?
        for _ in 0..<100 where listener == nil {
            let port = Int.random(in: Self.ports)
            listener = try? await Self.listen(port, loop, state, target, who)
        }
        guard let listener else { throw LoadError("there is no free port") }
        self.port = listener.localAddress?.port ?? 0
    }

    private static func listen(
        _ port: Int,
        _ loop: any EventLoop,
        _ state: NIOLoopBoundBox<State>,
        _ target: Target,
        _ who: @escaping @Sendable (_ port: Int, _ line: Int) -> String?
    ) async throws -> any Channel {
        let listener = try await ServerBootstrap(group: loop)
            .childChannelInitializer { client in
                client.eventLoop.makeCompletedFuture {
                    let caller = client.remoteAddress?.port.flatMap { who($0, port) }
                    try Self.accept(client, caller, state, target)
                }
            }
            .withBoundSocket(try Self.bind(port)).get()
        try await loop.submit { state.value.listener = listener }.get()
        return listener
    }

    /// A socket that no child process inherits: it would go on listening there.
    private static func bind(_ port: Int) throws(LoadError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        var isOne: Int32 = 1
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_REUSEADDR,
            &isOne,
            socklen_t(MemoryLayout<Int32>.size)
        )
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, size) == 0
            }
        }
        guard isBound else {
            Glibc.close(descriptor)
            throw LoadError("somebody has port \(port)")
        }
        return descriptor
    }

    /// How libpq reaches the database through it.
    var conninfo: String {
        "host=127.0.0.1 port=\(self.port) user=opsroom dbname=opsroom sslmode=disable "
            + "gssencmode=disable"
    }

    /// Changes what passes.
    ///
    /// - Parameters:
    ///   - mode: What passes from now on.
    ///   - caller: Whose connections are meant; `nil` for all.
    /// - Throws: When somebody else listens at its port meanwhile, and goes on doing so.
    func become(_ mode: Mode, for caller: String? = nil) async throws {
        let state = self.state
        let listener = try await self.loop.submit { () -> (any Channel)? in
            if let caller { state.value.callers[caller] = mode } else { state.value.mode = mode }
            for entry in state.value.ends.values {
                switch state.value.mode(for: entry.caller) {
                case .open: entry.end.release()
                case .refusing: entry.end.close()
                case .silent: entry.end.hold()
                }
            }
            return state.value.listener
        }
        .get()
        guard caller == nil else { return }
        if mode == .refusing {
            try await self.loop.submit { state.value.listener = nil }.get()
            try? await listener?.close()
        } else if listener == nil {
            try await self.listenAgain()
        }
    }

    private func listenAgain() async throws {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do {
                _ = try await Self.listen(
                    self.port,
                    self.loop,
                    self.state,
                    self.target,
                    self.who
                )
                return
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Ends it.
    func close() async {
        let state = self.state
        try? await self.loop.submit {
            for entry in state.value.ends.values { entry.end.close() }
            state.value.listener?.close(promise: nil)
        }
        .get()
    }

    private static func accept(
        _ client: any Channel,
        _ caller: String?,
        _ state: NIOLoopBoundBox<State>,
        _ target: Target
    ) throws {
        let near = ProxyEnd()
        try client.pipeline.syncOperations.addHandler(near)
        let mode = state.value.mode(for: caller)
        if mode == .silent { near.hold() }
        Self.keep(near, client, caller, state)
        guard mode != .refusing else { return near.close() }
        let bound = NIOLoopBound(near, eventLoop: client.eventLoop)
        let bootstrap = ClientBootstrap(group: client.eventLoop)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    let far = ProxyEnd()
                    try server.pipeline.syncOperations.addHandler(far)
                    if state.value.mode(for: caller) == .silent { far.hold() }
                    Self.keep(far, server, caller, state)
                    far.join(bound.value)
                }
            }
        let connected =
            switch target {
            case .socket(let path): bootstrap.connect(unixDomainSocketPath: path)
            case .port(let port): bootstrap.connect(host: "127.0.0.1", port: port)
            }
        connected.whenComplete { result in
            if case .failure = result { bound.value.close() } else { bound.value.readOn() }
        }
    }

    private static func keep(
        _ end: ProxyEnd,
        _ channel: any Channel,
        _ caller: String?,
        _ state: NIOLoopBoundBox<State>
    ) {
        let id = ObjectIdentifier(end)
        state.value.ends[id] = Entry(end: end, caller: caller)
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
    /// What a read that was asked for before the line was held brought: at most one turn's.
    private var kept: [ByteBuffer] = []

    func join(_ other: ProxyEnd) {
        self.partner = other
        other.partner = self
    }

    func hold() { self.isHeld = true }

    func release() {
        self.isHeld = false
        for bytes in self.kept { self.pass(bytes) }
        self.kept = []
        self.partner?.context?.flush()
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
        if self.isHeld { self.kept.append(bytes) } else { self.pass(bytes) }
    }

    private func pass(_ bytes: ByteBuffer) {
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
