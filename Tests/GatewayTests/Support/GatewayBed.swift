// Decides how tests get a gateway: over a database of its own, asked in memory or over a socket.

import Foundation
import Gateway
import HTTP2
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Postgres
import PulserIR
import Store
import TestBed

let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Lets everybody in as one principal.
struct OpenDoor: Doorkeeper {
    var principal = Principal(token: "test", name: "test", scope: .admin, tenant: "default")

    func admit(
        _ exchange: any ServerExchange,
        to scope: Principal.Scope?
    ) async throws(Problem) -> Admission {
        Admission(self.principal)
    }
}

/// How near to the wire a test asks.
enum Depth: String, CaseIterable, Sendable {
    /// The door is called with an exchange made in memory.
    case door
    /// A server on loopback, asked by our client.
    case live

    /// Those that there are.
    static let usable = Depth.allCases
}

/// A gateway being tested.
struct GatewayBed: Sendable {
    let store: Store
    let database: PostgresConfiguration
    let gateway: Gateway
    let door: Door
    /// Where its server listens; 0 without one.
    let port: Int
    private let pool: PostgresPool
    private let client: HTTP2Client?

    /// The files of `migrations/`.
    static func migrations() throws -> [Migration] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../migrations").standardized
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path())
        return try names.filter { $0.hasSuffix(".sql") }.map { name in
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            return Migration(number: Int(name.prefix(4)) ?? 0, name: name, sql: text)
        }
    }

    /// Runs `body` beside a gateway over a fresh, migrated database; with `access` it knows tokens,
    /// without everybody may do everything.
    static func with(
        _ depth: Depth = .door,
        configuration: GatewayConfiguration = GatewayConfiguration(),
        access: AccessConfiguration? = nil,
        peers: (any ArtifactPeers)? = nil,
        seal: SealRing? = nil,
        page: PageSource? = nil,
        _ body: @escaping @Sendable (GatewayBed) async throws -> Void
    ) async throws {
        let database = try await TestPostgres.shared.freshDatabase()
        let migrations = try Self.migrations()
        try await Migrator(
            configuration: database,
            migrations: migrations,
            logger: logger
        ).apply()
        let pool = PostgresPool(PostgresPoolConfiguration(connection: database), logger: logger)
        let store = Store(pool: pool, logger: logger, seal: seal)
        let doorkeeper: any Doorkeeper =
            access.map { AccessDesk(store: store, configuration: $0, logger: logger) }
            ?? OpenDoor()
        var equipment = Gateway.Equipment(
            store: store,
            doorkeeper: doorkeeper,
            listener: { Listener(configuration: database, channels: $0, logger: logger) },
            artifacts: TestPostgres.temporaryDirectory(),
            logger: logger
        )
        equipment.readiness = Readiness(migrationsMax: migrations.map(\.number).max() ?? 0)
        equipment.migrations = migrations
        equipment.artifactPeers = peers
        equipment.page = page
        let gateway = Gateway(configuration, equipment)
        let door = gateway.door()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            group.addTask { await gateway.run() }
            defer { group.cancelAll() }
            let port = depth == .live ? try await Self.serve(door, &group) : 0
            let client = depth == .live ? Self.client(port) : nil
            if let client { group.addTask { await client.run() } }
            try await body(
                GatewayBed(
                    store: store,
                    database: database,
                    gateway: gateway,
                    door: door,
                    port: port,
                    pool: pool,
                    client: client
                )
            )
        }
    }

    private static func serve(
        _ door: Door,
        _ group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> Int {
        var configuration = HTTPServerConfiguration()
        configuration.refusal = Problem.refusal
        let server = HTTPServer(
            configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        ) { await door.respond(to: $0) }
        let (addresses, listening) = AsyncStream<SocketAddress>.makeStream()
        group.addTask {
            defer { listening.finish() }
            try await server.run { listening.yield($0) }
        }
        var first = addresses.makeAsyncIterator()
        guard let port = await first.next()?.port else {
            throw Unanswered(description: "the server did not listen")
        }
        return port
    }

    private static func client(_ port: Int) -> HTTP2Client {
        var configuration = HTTP2ClientConfiguration(host: "127.0.0.1", port: port)
        // Other tests keep the machine busy.
        configuration.connectTimeout = .seconds(30)
        return HTTP2Client(
            configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
    }

    // MARK: Asking

    /// Sends a request and waits for the whole answer.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fields: HTTPFields = [:],
        body: ByteBuffer? = nil,
        authority: String = "localhost",
        isTLS: Bool = false
    ) async throws -> Answer {
        let request = HTTPRequest(
            method: method,
            scheme: "http",
            authority: authority,
            path: path,
            headerFields: fields
        )
        guard let client else {
            let exchange = FakeExchange(request, body: body, isTLS: isTLS)
            await self.door.respond(to: exchange)
            return try await exchange.answer()
        }
        let response = try await client.send(request, body: body)
        var bytes: [UInt8] = []
        for try await chunk in response.body { bytes += Array(chunk.readableBytesView) }
        return Answer(
            status: response.head.status.code,
            fields: response.head.headerFields,
            bytes: bytes
        )
    }

    /// Gets a path.
    func get(
        _ path: String,
        _ fields: HTTPFields = [:],
        authority: String = "localhost"
    ) async throws -> Answer {
        try await self.send(.get, path, fields, authority: authority)
    }

    /// Posts JSON.
    func post(
        _ path: String,
        _ json: JSONValue,
        _ fields: HTTPFields = [:],
        isTLS: Bool = false
    ) async throws -> Answer {
        var fields = fields
        fields[.contentType] = "application/json"
        return try await self.send(
            .post,
            path,
            fields,
            body: ByteBuffer(bytes: json.canonicalBytes),
            isTLS: isTLS
        )
    }

    /// A token that lets in, as the field to send it in.
    func token(
        _ scope: Principal.Scope,
        name: String = "test",
        tenant: String = Principal.defaultTenant,
        lifetime: Duration? = nil
    ) async throws -> (fields: HTTPFields, id: String) {
        let (text, stored) = TokenText.mint(
            name: name,
            scope: scope,
            tenant: tenant,
            lifetime: lifetime
        )
        _ = try await self.store.createToken(stored)
        return ([.authorization: "Bearer \(text)"], stored.id)
    }

    // MARK: Database

    /// The first cell of `sql`'s answer.
    @discardableResult
    func text(_ sql: String) async throws -> String? {
        try await self.pool.withConnection { connection throws(PostgresError) in
            let rows = try await connection.query(sql, [], format: .text)
            return rows.count == 0 ? nil : rows.columnText(0, 0)
        }
    }
}

extension Answer {
    /// The body as JSON.
    var json: JSONValue {
        get throws { try JSONValue(parsing: self.bytes) }
    }

    /// The code of the problem in the body; `nil` when it is none.
    var code: String? {
        guard self.fields[.contentType] == "application/problem+json" else { return nil }
        return (try? self.json)?["code"]?.stringValue
    }
}
