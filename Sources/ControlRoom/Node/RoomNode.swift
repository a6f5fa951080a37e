// The node: tools, lives, and a clean way out, beside a body that uses it.

import AsyncHTTPClient
import Execution
import Foundation
import Logging
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

    /// Runs the node beside `body`; when the body ends the node drains and leaves.
    func run<Value: Sendable>(
        isExclusive: Bool,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let stop = AsyncStream<Void>.makeStream()
        let ready = AsyncStream<Void>.makeStream()
        let tools = ToolBox(configuration: ToolsConfiguration())
        do {
            let value = try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask {
                    try await self.live(tools, isExclusive, stop.stream, ready.continuation)
                    return nil
                }
                group.addTask {
                    for await _ in ready.stream { break }
                    do {
                        let value = try await body()
                        stop.continuation.finish()
                        return value
                    } catch {
                        stop.continuation.finish()
                        throw error
                    }
                }
                var value: Value?
                while let next = try await group.next() {
                    if let next { value = next }
                }
                return value
            }
            await tools.shutdown()
            guard let value else { throw RoomError(.failed, "the node ended early") }
            return value
        } catch {
            await tools.shutdown()
            throw error
        }
    }

    private func live(
        _ tools: ToolBox,
        _ isExclusive: Bool,
        _ stop: AsyncStream<Void>,
        _ ready: AsyncStream<Void>.Continuation
    ) async throws {
        var settings = ExecutionConfiguration(
            nodeName: self.room.configuration.nodeName,
            address: "\(HostName.current):\(self.data)",
            build: BuildInfo.version,
            workspaces: "\(self.data)/workspaces",
            artifacts: self.client.artifacts,
            isExclusive: isExclusive
        )
        settings.runsMax = self.room.configuration.runsMax
        settings.secrets = self.room.configuration.secrets
        settings.environment = self.room.configuration.environment
        for folder in [settings.workspaces, settings.artifacts] {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
        try? await self.client.store.sweepScratch()
        let equipment = NodeLife.Equipment(
            store: self.client.store,
            listener: self.client.listener([.work, .request]),
            tools: tools,
            scratch: PostgresScratch(store: self.client.store, conninfo: self.conninfo),
            configuration: settings,
            logger: self.room.logger,
            onAvailability: { reason in
                self.room.onNotice(reason.map { .databaseUnavailable($0) } ?? .databaseAvailable)
            }
        )
        let stopping = StopOnce(stop)
        while true {
            let life = NodeLife(equipment) { await stopping.wait() }
            let ending = try await life.run { _ in
                self.room.onNotice(.ready)
                ready.finish()
            }
            guard ending == .dead, !Task.isCancelled else { return }
            self.room.onNotice(.reborn)
        }
    }
}

/// Lets several lives wait for the same stop.
private actor StopOnce {
    private let stream: AsyncStream<Void>
    private var isOver = false

    init(_ stream: AsyncStream<Void>) { self.stream = stream }

    func wait() async {
        if self.isOver { return }
        for await _ in self.stream {}
        // Cancelled without a stop: the next life may still wait.
        if !Task.isCancelled { self.isOver = true }
    }
}

/// What this program is.
public enum BuildInfo {
    /// The version, as `opsroom --version` prints it.
    public static let version = "0.1.0"
}
