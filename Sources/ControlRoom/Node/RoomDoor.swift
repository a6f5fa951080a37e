// The node's API: listens beside the node, and goes before it does.

import Foundation
import Gateway
import HTTP2
import Logging
import NIOCore
import NIOPosix
import Store

/// The door of a node that listens.
///
/// Owner: RoomNode. Ends: with the body of ``serving(_:)``, after ``drain()``.
struct RoomDoor: Sendable {
    let gateway: Gateway
    let readiness: Readiness
    private let settings: ListenSettings
    private let logger: Logger
    private let onNotice: @Sendable (Room.Notice) -> Void
    private let ending = AsyncStream<Never>.makeStream()
    private let ended = AsyncStream<Never>.makeStream()

    init(
        _ room: Room,
        _ settings: ListenSettings,
        _ client: RoomClient,
        _ artifacts: ClusterArtifacts
    ) throws {
        self.settings = settings
        self.logger = room.logger
        self.onNotice = room.onNotice
        let migrations = try MigrationFiles.load(environment: room.configuration.environment)
        self.readiness = Readiness(migrationsMax: migrations.map(\.number).max() ?? 0)
        var equipment = Gateway.Equipment(
            store: client.store,
            doorkeeper: AccessDesk(
                store: client.store,
                configuration: settings.access(),
                logger: room.logger
            ),
            listener: { client.listener($0) },
            artifacts: client.artifacts,
            logger: room.logger
        )
        equipment.artifactPeers = artifacts
        equipment.zones = ZoneFiles.library(environment: room.configuration.environment)
        equipment.readiness = self.readiness
        equipment.migrations = migrations
        equipment.registry = Telemetry.registry
        equipment.page = PageFolder.source(environment: room.configuration.environment)
        var configuration = GatewayConfiguration()
        configuration.metricsOpenOnLoopback = settings.isMetricsOpen
        self.gateway = Gateway(configuration, equipment)
    }

    /// Listens for as long as `body` runs.
    ///
    /// - Parameter body: Gets the address once it is listened on.
    /// - Returns: What `body` returned.
    /// - Throws: ``RoomError`` when the address cannot be listened on; what `body` threw.
    func serving<Value: Sendable>(
        _ body: @escaping @Sendable (ServerURL) async throws -> Value
    ) async throws -> Value {
        let (addresses, listening) = AsyncStream<SocketAddress>.makeStream()
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                await self.gateway.run()
                return nil
            }
            group.addTask {
                defer {
                    listening.finish()
                    self.ended.continuation.finish()
                }
                try await self.listen { listening.yield($0) }
                return nil
            }
            group.addTask {
                var first = addresses.makeAsyncIterator()
                // Without an address the listening task tells why.
                guard let address = await first.next() else { return nil }
                return try await body(self.url(address))
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let value = next { return value }
            }
            throw RoomError(.failed, "the API ended early")
        }
    }

    /// Says goodbye: no new work is taken, streams are told where to go on, connections end.
    func drain() async {
        self.readiness.drain()
        await self.gateway.drain()
        self.ending.continuation.finish()
        for await _ in self.ended.stream {}
    }

    private func listen(
        _ onListening: @escaping @Sendable (SocketAddress) -> Void
    ) async throws {
        let failure = await withTaskGroup(of: HTTP2Error?.self) { group in
            group.addTask { await self.serve(onListening) }
            // Awaited once for all attempts: a stream whose reader was cancelled is over.
            group.addTask {
                for await _ in self.ending.stream {}
                return nil
            }
            // The server drains when it is cancelled.
            var failure: HTTP2Error?
            while let next = await group.next() {
                failure = failure ?? next
                group.cancelAll()
            }
            return failure
        }
        if let failure { throw RoomError(failure, listening: self.settings) }
    }

    /// Serves where it was told to, or at another port when that does not matter.
    ///
    /// - Returns: What made it end, unless it was cancelled.
    private func serve(
        _ onListening: @escaping @Sendable (SocketAddress) -> Void
    ) async -> HTTP2Error? {
        var configuration = self.settings.server()
        let failure = await self.serve(configuration, onListening)
        guard failure?.code == .bindFailed, self.settings.isPortFlexible else { return failure }
        configuration.port = 0
        return await self.serve(configuration, onListening)
    }

    private func serve(
        _ configuration: HTTPServerConfiguration,
        _ onListening: @escaping @Sendable (SocketAddress) -> Void
    ) async -> HTTP2Error? {
        let door = self.gateway.door()
        let server = HTTPServer(
            configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: self.logger
        ) { await door.respond(to: $0) }
        do throws(HTTP2Error) {
            try await server.run(onListening: onListening) { change in
                self.onNotice(.certificate(change))
            }
            return nil
        } catch {
            return error
        }
    }

    private func url(_ address: SocketAddress) throws(RoomError) -> ServerURL {
        let scheme = self.settings.certificate == nil ? "http" : "https"
        let host = self.settings.host.contains(":") ? "[\(self.settings.host)]" : self.settings.host
        return try ServerURL("\(scheme)://\(host):\(address.port ?? self.settings.port)")
    }
}

extension RoomError {
    /// The transport's error in the room's words.
    init(_ error: HTTP2Error, listening settings: ListenSettings) {
        switch error.code {
        case .bindFailed:
            self.init(
                .conflict,
                "\(settings.host):\(settings.port) cannot be listened on: \(error.message)",
                next: "opsroom up --listen \(settings.host):0"
            )
        case .certificate, .configuration: self.init(.usage, error.message)
        default: self.init(.unavailable, error.message)
        }
    }
}
