// How links come about: nodes that call, nodes that are called, who is let in.

internal import HTTP2
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import PulserIR

extension ClusterNode {
    /// A link that is to be made.
    struct Dial: Sendable {
        var link: Link
        var address: NodeAddress
    }

    private static let path = "/cluster/v1/"

    /// The link for a call.
    func link(_ key: LinkPool.Key) -> Result<Link, ClusterError> {
        if let link = self.pool.existing(key) { return .success(link) }
        guard let address = self.directory.address(of: key.node) else {
            return .failure(
                ClusterError(.unreachable, "node \(key.node.number) is dead or not known")
            )
        }
        let made = self.pool.link(key, at: .now()) {
            self.makeLink(key.traffic, to: key.node)
        }
        switch made {
        case .failure(let error): return .failure(error)
        case .success((let link, let isNew)):
            if isNew { self.dials.continuation.yield(Dial(link: link, address: address)) }
            return .success(link)
        }
    }

    private func makeLink(_ traffic: Traffic, to node: NodeEpoch?) -> Link {
        var settings = Link.Settings()
        settings.limits = self.configuration.limits
        settings.queueBytesMax = self.configuration.queueBytesMax
        settings.callsMax = self.configuration.callsMax
        return Link(
            traffic,
            to: node,
            hello: Hello(
                cluster: self.configuration.cluster,
                node: self.me,
                build: self.configuration.build,
                traffic: traffic,
                catalog: self.catalog
            ),
            settings: settings,
            host: self,
            metrics: self.metrics
        )
    }

    // MARK: LinkHost

    func ready(_ link: Link) {
        self.metrics.links(true)
        self.logger.debug(
            "linked",
            metadata: ["node": "\(link.peer?.number ?? 0)", "traffic": "\(link.traffic.rawValue)"]
        )
        self.pool.ready(link)
    }

    func retired(_ link: Link) { self.pool.retired(link) }

    func ended(_ link: Link, wasReady: Bool, _ error: ClusterError) {
        if !wasReady { self.metrics.links(false) }
        self.logger.debug(
            "link ended",
            metadata: [
                "node": "\(link.peer?.number ?? 0)", "traffic": "\(link.traffic.rawValue)",
                "reason": "\(error.message)",
            ]
        )
        self.pool.ended(link, wasReady: wasReady, error, at: .now())
    }

    // MARK: run()

    /// Listens and connects until cancelled.
    func run(
        onListening: @escaping @Sendable (SocketAddress) -> Void
    ) async throws(ClusterError) {
        try self.configuration.validate()
        var listening = HTTPServerConfiguration()
        listening.host = self.configuration.host
        listening.port = self.configuration.port
        listening.tls = self.configuration.tls?.server
        listening.limits = self.limits
        listening.drainTimeout = .seconds(1)
        let server = HTTPServer(listening, group: self.group, logger: self.logger) { exchange in
            await self.serve(exchange)
        }
        let result = await withTaskGroup(of: Result<Void, HTTP2Error>.self) { tasks in
            tasks.addTask {
                do throws(HTTP2Error) {
                    return .success(try await server.run(onListening: onListening))
                } catch {
                    return .failure(error)
                }
            }
            tasks.addTask {
                await self.runDials()
                return .success(())
            }
            // Dialling ends when cancelled only: whatever comes first is the end.
            let first = await tasks.next() ?? .success(())
            self.end()
            tasks.cancelAll()
            return first
        }
        if case .failure(let error) = result {
            throw ClusterError(.configuration, "nodes cannot be listened for: \(error.message)")
        }
    }

    private func runDials() async {
        await withDiscardingTaskGroup { tasks in
            for await dial in self.dials.stream {
                tasks.addTask { await self.dial(dial.link, dial.address) }
            }
            self.end()
            tasks.cancelAll()
        }
    }

    /// Limits of connections between nodes: few streams, which live long and say nothing at times.
    private var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.streamsMax = Traffic.allCases.count
        limits.streamWindowBytes = 1_048_576
        limits.connectionWindowBytes = 4_194_304
        limits.bodyBytesPerSecondMin = 0
        limits.pingInterval = .seconds(2)
        limits.pingTimeout = .seconds(5)
        limits.writeTimeout = .seconds(10)
        return limits
    }

    // MARK: Calling a node

    private func dial(_ link: Link, _ address: NodeAddress) async {
        var tls = self.configuration.tls?.client
        if let name = address.serverName { tls?.serverName = name }
        guard tls != nil || ["127.0.0.1", "::1", "localhost"].contains(address.host) else {
            return link.end(
                ClusterError(.configuration, "nodes speak in the clear on loopback only")
            )
        }
        var calling = HTTP2ClientConfiguration(host: address.host, port: address.port, tls: tls)
        calling.limits = self.limits
        calling.attemptsMax = 1
        calling.connectTimeout = self.configuration.connectTimeout
        calling.drainTimeout = .zero
        let eventLoop = self.group.next()
        let client = HTTP2Client(calling, group: eventLoop, logger: self.logger)
        let channel = LinkChannel(link, on: eventLoop)
        let patience = self.configuration.connectTimeout
        let request = HTTPRequest(
            method: .post,
            scheme: nil,
            authority: nil,
            path: Self.path + link.traffic.rawValue
        )
        client.open(
            request,
            pulling: { channel.opened($0, isCaller: true, patience: patience) },
            receiver: { channel.receiver($0) }
        )
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await client.run() }
            await link.untilEnded()
            // Cancelled, the wait ends before the link does.
            link.end(ClusterError(.ended, "the node is leaving"))
            tasks.cancelAll()
        }
    }

    // MARK: Being called

    private func serve(_ exchange: any ServerExchange) async {
        guard self.isNode(exchange.origin) else {
            return exchange.respond(HTTPResponse(status: .forbidden), body: nil)
        }
        guard exchange.request.method == .post,
            let path = exchange.request.path, path.hasPrefix(Self.path),
            let traffic = Traffic(rawValue: String(path.dropFirst(Self.path.count)))
        else { return exchange.respond(HTTPResponse(status: .notFound), body: nil) }
        let link = self.makeLink(traffic, to: nil)
        if let reason = self.pool.add(link) {
            link.end(reason)
            return exchange.respond(HTTPResponse(status: .serviceUnavailable), body: nil)
        }
        let channel = LinkChannel(link, on: exchange.eventLoop)
        let patience = self.configuration.connectTimeout
        exchange.respond(HTTPResponse(status: .ok)) { body in
            channel.opened(body, isCaller: false, patience: patience)
        }
        var reason = "the node has ended the connection"
        do {
            for try await bytes in exchange.body { channel.received(bytes) }
        } catch {
            reason = "\(error)"
        }
        link.end(ClusterError(.unreachable, reason))
    }

    /// Whether somebody may call as a node: by a node's certificate, in the clear from this machine.
    private func isNode(_ origin: RequestOrigin) -> Bool {
        if let tls = self.configuration.tls {
            return origin.isTLS && tls.nodes.acceptsNode(names: origin.certificateNames)
        }
        let address = origin.address?.ipAddress ?? ""
        return address.hasPrefix("127.") || address == "::1"
    }
}
