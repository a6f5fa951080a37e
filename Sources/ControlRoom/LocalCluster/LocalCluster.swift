// Several nodes on this machine as processes of one: its server, its certificates, its way out.

import Foundation
import Gateway
public import Logging
import Postgres
import Store

/// A cluster for trying things out: real node processes, TLS between them and their callers, one
/// embedded Postgres that this process keeps.
///
/// Everything lies in one folder: `postgres`, `certs`, `contexts.toml`, and for each node its data
/// directory with `node.log` in it. Nodes that end by themselves are started again.
public struct LocalCluster: Sendable {
    /// The most nodes of one machine.
    public static let nodesMax = 32

    /// What a node says that others declared dead.
    public static let rebirth = "declared dead by another node; joining anew"

    /// What happens to it.
    public enum Notice: Sendable, Hashable {
        /// The server runs.
        case database
        /// An authority was made for it.
        case authority(path: String)
        /// A node's process was started.
        case started(node: String, pid: Int32)
        /// A node takes work.
        case ready(node: String, server: String)
        /// Others declared a node dead; it begins anew, as the same process.
        case reborn(node: String)
        /// A node ended by itself, why, and whether it is started again.
        case ended(node: String, reason: String, isStartedAgain: Bool)
        /// A node has left in order.
        case left(node: String)
    }

    /// The folder of everything.
    public let folder: String
    /// The nodes' names: `n1` and so on.
    public let names: [String]
    /// The program that is a node.
    private let program: String
    /// The first node's port, the next one's is one more, and behind them those for other nodes; 0 lets
    /// the system choose.
    private let port: Int
    private let environment: [String: String]
    private let logger: Logger
    private let onNotice: @Sendable (Notice) -> Void

    /// Prepares a cluster.
    ///
    /// - Parameters:
    ///   - folder: The folder of everything; made when it is missing.
    ///   - count: How many nodes.
    ///   - port: The first node's port, the next one's is one more, and behind them as many again where
    ///     nodes call each other; 0 lets the system choose.
    ///   - environment: The process's variables, for plans and secrets.
    ///   - logger: Where the cluster speaks.
    ///   - onNotice: Told what happens.
    /// - Throws: `usage` when there are too many nodes or ports.
    public init(
        folder: String,
        count: Int,
        port: Int,
        environment: [String: String],
        logger: Logger,
        onNotice: @escaping @Sendable (Notice) -> Void
    ) throws(RoomError) {
        guard (1...Self.nodesMax).contains(count) else {
            throw RoomError(.usage, "a local cluster has 1 to \(Self.nodesMax) nodes")
        }
        // Two for each node: one for callers, one for the other nodes.
        guard port == 0 || (1...65_535).contains(port + 2 * count - 1) else {
            throw RoomError(.usage, "ports end at 65535: choose another with --port")
        }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        guard let own else { throw RoomError(.failed, "this program cannot find itself") }
        self.folder = ContextFile.absolute(folder)
        self.names = (1...count).map { "n\($0)" }
        self.program = own
        self.port = port
        var environment = environment
        // The nodes have one database and one file of contexts: those of this folder.
        for setting in Setting.allCases { environment[setting.variable] = nil }
        environment[SettingsFile.variable] = nil
        environment[ContextFile.pathKey] = self.folder + "/contexts.toml"
        self.environment = environment
        self.logger = logger
        self.onNotice = onNotice
    }

    /// The file of contexts that know the nodes by their names.
    public var contexts: String { self.folder + "/contexts.toml" }

    /// Runs the cluster beside `body`; then the nodes drain, then the server stops.
    ///
    /// - Parameters:
    ///   - end: Returns when the cluster shall end, also while it comes up; `body` is cancelled then.
    ///   - body: Called when all nodes take work; gets the cluster's database. The cluster ends with
    ///     it, too.
    /// - Throws: ``RoomError`` when it cannot be brought up; what `body` threw.
    public func run(
        until end: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable (RoomClient) async throws -> Void
    ) async throws {
        let configuration = try RoomConfiguration(
            [.data: self.folder],
            environment: self.environment
        )
        let room = Room(configuration, logger: self.logger)
        try await room.open(purpose: "opsroom cluster local", node: .others) { client in
            self.onNotice(.database)
            try self.prepareCertificates()
            try await self.prepareContexts(client.store)
            try await self.runNodes(client, end, body)
        }
    }

    private func runNodes(
        _ client: RoomClient,
        _ end: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable (RoomClient) async throws -> Void
    ) async throws {
        let peers = try self.peerPorts()
        let nodes = self.names.indices.map { index in
            let port = self.port == 0 ? 0 : self.port + index
            return self.node(self.names[index], port: port, peerPort: peers[index], client)
        }
        let result: Result<Void, any Error> = await withTaskGroup(
            of: Result<Void, any Error>?.self
        ) { group in
            for node in nodes {
                group.addTask {
                    await node.run()
                    return nil
                }
            }
            group.addTask {
                await Result.catching {
                    try await Self.first(until: end) {
                        for node in nodes { try await node.untilReady() }
                        try await body(client)
                    }
                }
            }
            var result: Result<Void, any Error> = .success(())
            while let next = await group.next() {
                guard let next else { continue }
                result = next
                for node in nodes { await node.stop() }
            }
            return result
        }
        try result.get()
    }

    /// Runs `body` until it ends or `end` returns; then it is cancelled. What runs beside it is not:
    /// a cancelled task can take no process down in order.
    private static func first(
        until end: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { await end() }
            try await group.next()
            group.cancelAll()
            // What a cancelled body throws is no failure.
            while await group.nextResult() != nil {}
        }
    }

    /// Where nodes call each other: others are told, so they are chosen before anybody listens.
    private func peerPorts() throws(RoomError) -> [Int] {
        guard self.port == 0 else {
            return self.names.indices.map { self.port + self.names.count + $0 }
        }
        return try FreePorts.find(self.names.count)
    }

    private func node(
        _ name: String,
        port: Int,
        peerPort: Int,
        _ client: RoomClient
    ) -> LocalNodeActor {
        let certs = CertificateFolder(self.folder + "/certs")
        let data = "\(self.folder)/\(name)"
        var environment = self.environment
        environment[Setting.join.variable] = client.connection.conninfo
        let words = [
            "node", "--until-stdin-ends", "--name", name, "--data", data, "--listen",
            "127.0.0.1:\(port)", "--tls-cert", certs.file("\(name).pem"), "--tls-key",
            certs.file("\(name).key"), "--peer-listen", "127.0.0.1:\(peerPort)", "--peer-ca",
            certs.file(CertificateFolder.authorityFile),
        ]
        return LocalNodeActor(
            name: name,
            data: data,
            launch: LocalNodeActor.Launch(
                program: self.program,
                arguments: words,
                environment: environment
            ),
            onNotice: self.onNotice
        )
    }

    /// Makes what is missing, or ends within a month.
    private func prepareCertificates() throws(RoomError) {
        let certs = CertificateFolder(self.folder + "/certs")
        let place = certs.file(CertificateFolder.authorityFile)
        if FileFacts(place) == nil {
            try certs.makeAuthority(name: "opsroom on \(HostName.current)")
            self.onNotice(.authority(path: place))
        }
        let authority = try certs.authority()
        for name in self.names {
            if let known = try? CertificateReport(reading: certs.file("\(name).pem")),
                known.daysLeft() > 30
            {
                continue
            }
            let holder = try CertificateHolder(
                node: name,
                hosts: ["localhost", "127.0.0.1", "::1"]
            )
            try certs.write(
                try authority.issue(holder),
                as: name,
                signedBy: authority,
                isReplacing: true
            )
        }
    }

    /// Each node is a context of its name; the first one is the current one.
    private func prepareContexts(_ store: Store) async throws {
        let environment = self.environment
        let known = try ContextFile.read(environment: environment).contexts.first?.token
        let token: String
        if let known, try await FirstToken.works(known, store) {
            token = known
        } else {
            let (text, stored) = TokenText.mint(name: "the local cluster", scope: .admin)
            _ = try await store.createToken(stored)
            token = text
        }
        try ContextFile.change(environment: environment) { file throws(RoomError) in
            for name in file.contexts.map(\.name) { try file.remove(name) }
            for (index, name) in self.names.enumerated() {
                let port = self.port == 0 ? ServerURL.defaultPort : self.port + index
                var context = ContextFile.Context(name: name, server: "https://127.0.0.1:\(port)")
                context.token = token
                context.data = ContextFile.absolute("\(self.folder)/\(name)")
                context.ca = "\(self.folder)/certs/\(CertificateFolder.authorityFile)"
                file.put(context)
            }
            try file.use(self.names.first)
        }
    }
}
