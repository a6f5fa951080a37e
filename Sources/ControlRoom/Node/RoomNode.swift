// The node: tools, lives, and a clean way out, beside a body that uses it.

import AsyncHTTPClient
import Execution
import Foundation
import Gateway
import Logging
import NIOPosix
import Postgres
import PulserIR
import Store
import Synchronization
import Tools

/// A node in this process for as long as a body runs.
struct RoomNode: Sendable {
    let room: Room
    let client: RoomClient
    let conninfo: String
    let data: String
    let file: NodeFile
    let artifacts: ClusterArtifacts

    /// Runs the node beside `body`, with its API when it listens; when the body ends the API and
    /// then the node drain and leave.
    func run<Value: Sendable>(
        isExclusive: Bool,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let settings = self.room.configuration.listen else {
            return try await self.work(isExclusive, nil, nil, body)
        }
        let door = try RoomDoor(self.room, settings, self.client, self.artifacts)
        return try await door.serving { url in
            try await self.announce(url, settings)
            return try await self.work(isExclusive, door, url) {
                let result = await Result.catching { try await body() }
                await door.drain()
                return try result.get()
            }
        }
    }

    /// Tells where the API is, and sees to it that somebody may use it.
    private func announce(_ url: ServerURL, _ settings: ListenSettings) async throws {
        if settings.isPortFlexible, url.port != settings.port {
            self.room.onNotice(.otherPort(url.port))
        }
        var file = self.file
        file.server = url.description
        try file.write(in: self.data)
        if let path = settings.firstToken {
            let given = FirstTokenFile(path: path)
            guard let id = try await given.provide(to: self.client.store) else { return }
            return self.room.onNotice(.storedToken(id: id, path: path))
        }
        do throws(StoreError) {
            guard settings.isLoopback else {
                if try await self.client.store.hasAdminToken() { return }
                throw StoreError(.conflict, "no token")
            }
            let first = FirstToken(
                store: self.client.store,
                data: self.data,
                environment: self.room.configuration.environment
            )
            let own = settings.own(url)
            switch try await first.provide(server: own.server, authority: own.authority) {
            case .known: break
            case .made(let context, let path):
                self.room.onNotice(.firstToken(context: context, path: path))
            case .missing(let reason): self.room.onNotice(.noToken(reason))
            }
        } catch {
            guard !settings.isLoopback, error.code == .conflict else { throw RoomError(error) }
            throw RoomError(
                .refused,
                "listening on \(settings.host) without a token would let nobody in: make one on "
                    + "this machine first, or give one with --first-token",
                next: "opsroom up --listen 127.0.0.1:\(ListenSettings.defaultPort)"
            )
        }
    }

    private func work<Value: Sendable>(
        _ isExclusive: Bool,
        _ door: RoomDoor?,
        _ url: ServerURL?,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let stop = StopOnce()
        let ready = AsyncStream<Void>.makeStream()
        let tools = ToolBox(configuration: ToolsConfiguration())
        // The body's failure is told only after the node has drained and left: thrown inside the
        // group it would cut running steps off.
        let result: Result<Value, any Error>? = await withTaskGroup(
            of: Result<Value, any Error>?.self
        ) {
            group in
            group.addTask {
                do {
                    let life = Life(isExclusive: isExclusive, door: door, url: url)
                    try await self.live(tools, life, stop, ready.continuation)
                    return nil
                } catch {
                    // The body may wait for a node that never came up.
                    ready.continuation.finish()
                    return .failure(error)
                }
            }
            group.addTask {
                var isReady = false
                for await _ in ready.stream { isReady = true }
                guard isReady else { return nil }
                let result = await Result.catching { try await body() }
                await stop.stop()
                return result
            }
            var result: Result<Value, any Error>?
            while let next = await group.next() {
                guard let next else { continue }
                result = result ?? next
                // A node that ended by an error takes the body with it.
                if case .failure = next { await stop.stop() }
            }
            return result
        }
        await tools.shutdown()
        guard let result else { throw RoomError(.failed, "the node ended early") }
        return try result.get()
    }

    private func tellOutage(_ reason: String?, _ door: RoomDoor?) {
        door?.readiness.outage(reason)
        self.room.onNotice(reason.map { .databaseUnavailable($0) } ?? .databaseAvailable)
    }

    /// What a node's lives have in common.
    private struct Life: Sendable {
        var isExclusive: Bool
        var door: RoomDoor?
        var url: ServerURL?
    }

    private func live(
        _ tools: ToolBox,
        _ kind: Life,
        _ stop: StopOnce,
        _ ready: AsyncStream<Void>.Continuation
    ) async throws {
        var settings = ExecutionConfiguration(
            nodeName: self.room.configuration.nodeName,
            address: "\(HostName.current):\(self.data)",
            build: BuildInfo.version,
            workspaces: "\(self.data)/workspaces",
            artifacts: self.client.artifacts,
            isExclusive: kind.isExclusive
        )
        settings.runsMax = self.room.configuration.runsMax
        settings.drainTimeout = self.room.configuration.drainTimeout
        settings.peers = self.room.configuration.peers?.settings()
        settings.zone = self.room.configuration.zone
        settings.secrets = self.room.configuration.secrets
        settings.environment = self.room.configuration.environment
        try Self.makeFolders(settings)
        try? await self.client.store.sweepScratch()
        let events = kind.door?.gateway.events
        // Also without an API of its own the node tells others of its lanes.
        let tails = EventTails()
        var equipment = NodeLife.Equipment(
            store: self.client.store,
            listener: self.client.listener([
                .work, .request, .lanes, .cluster, .shards, .schedules,
            ]),
            tools: tools,
            scratch: PostgresScratch(
                store: self.client.store,
                conninfo: self.conninfo,
                isEmbedded: kind.isExclusive
            ),
            configuration: settings,
            logger: self.room.logger,
            group: MultiThreadedEventLoopGroup.singleton,
            onAvailability: { self.tellOutage($0, kind.door) },
            onCommitted: { chunks in
                events?.committed(chunks)
                tails.committed(chunks)
            }
        )
        equipment.zones = ZoneFiles.library(environment: self.room.configuration.environment)
        equipment.actors = EventTails.actors + [ArtifactActor.self]
        equipment.onSystem = { system in
            tails.serve(on: system)
            events?.relay(over: system)
            self.artifacts.use(system)
        }
        while true {
            let life = NodeLife(equipment) { await stop.wait() }
            let ending = try await life.run { node in
                kind.door?.readiness.joined(node)
                self.room.onNotice(.ready(kind.url?.description))
                ready.yield()
                ready.finish()
            }
            kind.door?.readiness.joined(nil)
            guard ending == .dead, !Task.isCancelled else { return }
            self.room.onNotice(.reborn)
        }
    }

    private static func makeFolders(_ settings: ExecutionConfiguration) throws {
        for folder in [settings.workspaces, settings.artifacts] {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
    }
}

/// Lets several lives wait for the same stop.
///
/// Each wait has a stream of its own: one whose reader was cancelled is over for everybody, and a
/// life that was declared dead cancels its wait.
private actor StopOnce {
    private var isOver = false
    private var waiting: [AsyncStream<Void>.Continuation] = []

    func stop() {
        self.isOver = true
        for continuation in self.waiting { continuation.finish() }
        self.waiting = []
    }

    /// Returns when the node shall stop, or the task is cancelled.
    func wait() async {
        if self.isOver { return }
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        self.waiting.append(continuation)
        for await _ in stream {}
    }
}

/// What this program is.
public enum BuildInfo {
    /// The version, as `opsroom --version` prints it.
    public static let version = "0.1.0"
}

extension Result where Failure == any Error {
    /// What `body` gives or throws.
    static func catching(_ body: () async throws -> Success) async -> Result {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
