// `opsroom runs pause` and `opsroom runs resume`.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR
import Store

extension RunsCommand {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Have a run begin nothing more until it is resumed.",
            discussion: """
                Attempts under way come to their end first. A queued run is not taken, and its lane
                goes on with the next one; a run under way keeps its lane's place. The run's
                timeout goes on. A run that is rolled back or cleans up goes to its end.

                Example:
                  opsroom runs pause 7k3m
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "Who pauses it, for the record.") var by = NSUserName()
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let person = self.by
            let row = try await self.room.client { client in
                let id = try await client.store.resolveRun(wanted)
                try await RunsCommand.telling(id) {
                    _ = try await client.store.requestPause(id, by: person)
                }
                return try await client.store.run(id)
            }
            let isUnderWay = row.status == .claimed || row.status == .running
            let rest = isUnderWay ? "; what is under way comes to its end first" : ""
            Terminal.output.line("\(row.id) paused by \(row.pausedBy ?? person)\(rest)")
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Have a paused run go on where it stopped.",
            discussion: """
                Example:
                  opsroom runs resume 7k3m
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let (id, isWorking) = try await self.room.client { client in
                let id = try await client.store.resolveRun(wanted)
                try await RunsCommand.telling(id) {
                    _ = try await client.store.requestResume(id)
                }
                let nodes = try await client.store.nodes()
                return (id, nodes.contains { $0.status == "active" && $0.leaseMilliseconds > 0 })
            }
            let when = isWorking ? "" : "; it goes on when a node works: opsroom up"
            Terminal.output.line("\(id) resumed\(when)")
        }
    }

    /// Says how to look at a run that is not in a state for this.
    private static func telling(_ id: RunID, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError where error.code == .conflict {
            var failure = RoomError(error)
            failure.next = "opsroom runs show \(id)"
            throw failure
        }
    }
}
