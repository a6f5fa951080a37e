// `opsroom runs`: list, show, read, cancel and retry runs.

import ArgumentParser
import Compiler
import ControlRoom
import Foundation
import PulserIR
import Store

struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "List, show, cancel and retry runs.",
        discussion: """
            A run is named by its id or the beginning of it.

            Examples:
              opsroom runs list --status failed
              opsroom runs show 7k3m
              opsroom runs retry 7k3m
            """,
        subcommands: [List.self, Show.self, Logs.self, Cancel.self, Retry.self, Artifact.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "The newest runs.",
            discussion: """
                Examples:
                  opsroom runs list --status failed --status timed_out
                  opsroom runs list --session billing --lane B -o json
                """
        )

        @Option(
            help: "Only runs with this status; repeat for more.",
            completion: .list(RunStatus.allCases.map(\.rawValue)),
            transform: Self.status
        )
        var status: [RunStatus] = []
        @Option(help: "Only runs of this session.")
        var session: String?
        @Option(help: "Only runs of this lane.")
        var lane: String?
        @Option(help: "At most so many.")
        var limit = 20
        @Option(help: "Only runs older than this one: the next page.")
        var before: String?
        @Flag(name: .customLong("no-headers"), help: "Rows only.")
        var noHeaders = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        private static func status(_ text: String) throws -> RunStatus {
            if let status = RunStatus(rawValue: text) { return status }
            let known = RunStatus.allCases.map(\.rawValue)
            let near = Nearest.word(to: text, among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw ValidationError("'\(text)' is no status\(near)")
        }

        func validate() throws {
            guard (1...1_000).contains(self.limit) else {
                throw ValidationError("--limit must be from 1 to 1000")
            }
        }

        func run() async throws {
            let rows = try await self.room.client { client in
                var filter = RunFilter(
                    statuses: self.status,
                    session: self.session,
                    lane: self.lane,
                    limit: self.limit
                )
                if let before = self.before {
                    filter.before = try await client.store.resolveRun(before)
                }
                return try await client.store.runs(filter)
            }
            if self.output.output != .table {
                return self.output.printJSON("runs", rows.map(RunDocument.json))
            }
            if rows.isEmpty {
                Terminal.error.line("no runs; start one with: opsroom run PLAN")
                return
            }
            var table = Table(headers: [
                "RUN", "STATUS", "PLAN", "LANE", "ENQUEUED", "TOOK", "REASON",
            ])
            table.style = { column, text in
                column == 1 ? Wording.sign(String(text.dropFirst(2))).style : nil
            }
            table.rows = rows.map { row in
                let took = row.finishedMilliseconds.map {
                    Wording.duration(milliseconds: $0 - (row.startedMilliseconds ?? $0))
                }
                return [
                    row.id.description, Wording.status(row.status.rawValue), row.planName,
                    "\(row.sessionName)/\(row.laneName)", Wording.ago(row.enqueuedMilliseconds),
                    took ?? "", Wording.oneLine(row.failure ?? row.waitReason ?? "", 200),
                ]
            }
            table.print(isPlain: self.noHeaders)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "A run with its steps, verifiers and artifacts.",
            discussion: """
                Examples:
                  opsroom runs show 7k3m
                  opsroom runs show 7k3m -o json | jq .outputs
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let form = self.output.output
            try await self.room.client { client in
                let id = try await client.store.resolveRun(wanted)
                if form != .table {
                    let row = try await client.store.run(id)
                    return self.output.printJSON(try await RunDocument.full(row, client))
                }
                let plan = try await client.store.plan(client.store.run(id).planDigest)
                let view = RunView(plan: plan, id: id)
                let row = try await client.follow(id, isLive: false) { await view.take($0.json) }
                await view.printSummary(row)
            }
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logs",
            abstract: "What a run's steps printed.",
            discussion: """
                Examples:
                  opsroom runs logs 7k3m --step build
                  opsroom runs logs 7k3m -o jsonl    every event as it is stored
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "Only this step.") var step: String?
        @Flag(name: .shortAndLong, help: "Go on until the run has ended.") var follow = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let form = self.output.output
            let step = self.step
            let isLive = self.follow
            let documents = Collected()
            try await self.room.client { client in
                let id = try await client.store.resolveRun(wanted)
                _ = try await client.follow(id, isLive: isLive) { event in
                    let name = event.json["step"]?.stringValue ?? ""
                    guard step == nil || name == step || name.hasPrefix("\(step ?? "")[") else {
                        return
                    }
                    switch form {
                    case .jsonl: Terminal.output.line(event.line)
                    case .json: await documents.add(event.json)
                    case .table:
                        guard event.json["type"]?.stringValue == "step.output" else { return }
                        let line = event.json["data"]?["line"]?.stringValue ?? ""
                        let prefix = Terminal.output.styled("\(name) │ ", .dim)
                        Terminal.output.line((step == nil ? prefix : "") + line)
                    }
                }
            }
            if form == .json { self.output.printJSON("events", await documents.all) }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "End a run: its programs are stopped, its always() steps still run.",
            discussion: """
                What was done is not undone; a failed run is rolled back, a cancelled one is not.

                Example:
                  opsroom runs cancel 7k3m --reason "wrong environment"
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "Why, for the record.") var reason = "cancelled by hand"
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let reason = self.reason
            let row = try await self.room.client(node: .some) { client in
                let id = try await client.store.resolveRun(wanted)
                do {
                    _ = try await client.store.requestCancel(id, reason: reason)
                } catch let error as StoreError where error.code == .conflict {
                    var failure = RoomError(error)
                    failure.next = "opsroom runs show \(id)"
                    throw failure
                }
                return try await client.awaitEnd(id, within: .seconds(30))
            }
            guard row.status.isTerminal else {
                throw RoomError(
                    .timedOut,
                    "run \(row.id) is asked to end and is still \(row.status.rawValue)",
                    next: "opsroom runs show \(row.id)"
                )
            }
            Terminal.output.line("\(row.id) \(row.status.rawValue)")
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract:
                "Run an ended or waiting run again, from what did not succeed or a chosen step.",
            discussion: """
                Every step that did not succeed runs again, and with --from that step too; steps
                that succeeded keep their results unless they depend on one that runs again.

                Examples:
                  opsroom runs retry 7k3m
                  opsroom runs retry 7k3m --from migrate --input env=prod
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Option(help: "The step to begin with.") var from: String?
        @OptionGroup var inputOptions: InputOptions
        @Flag(help: "Return at once; a node runs it.") var detach = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let from = self.from
            let detach = self.detach
            let inputs = try self.inputOptions.values()
            let form = self.output.output
            let row = try await self.room.client(node: detach ? .none : .some) { client in
                let old = try await client.store.run(client.store.resolveRun(wanted))
                let steps = try await Self.queue(client, old, from, inputs)
                if form == .table {
                    Terminal.error.line("runs again: \(steps.joined(separator: ", "))")
                }
                if detach {
                    let row = try await client.store.run(old.id)
                    if form != .table { self.output.printJSON(RunDocument.json(row)) }
                    return row
                }
                let plan = try await client.store.plan(old.planDigest)
                let view = RunView(plan: plan, id: old.id)
                let row = try await client.follow(old.id, isLive: true) { await view.take($0.json) }
                if form == .table { await view.printSummary(row) }
                if form != .table {
                    self.output.printJSON(try await RunDocument.full(row, client))
                }
                return row
            }
            if row.status.isTerminal, row.status != .succeeded { throw ExitCode(2) }
        }

        private static func queue(
            _ client: RoomClient,
            _ run: RunRow,
            _ from: String?,
            _ inputs: [String: String]
        ) async throws -> [String] {
            do {
                return try await client.retry(run, from: from, inputs: inputs)
            } catch let error as InputError {
                throw Failure(error, next: "opsroom runs show \(run.id) -o json")
            } catch let error as StoreError where error.code == .conflict {
                var failure = RoomError(error)
                failure.next = "opsroom runs show \(run.id)"
                throw failure
            }
        }
    }

    struct Artifact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "artifact",
            abstract: "Write an artifact of a run to stdout, after checking its digest.",
            discussion: """
                Example:
                  opsroom runs artifact 7k3m report.json > report.json
                """
        )

        @Argument(help: "The run.", completion: .custom(RunCompletion.ids)) var run: String
        @Argument(help: "The artifact's name.") var name: String
        @OptionGroup var room: RoomOptions

        func run() async throws {
            let wanted = self.run
            let name = self.name
            let bytes = try await self.room.client { client in
                let id = try await client.store.resolveRun(wanted)
                let artifacts = try await client.store.artifacts(id)
                guard let artifact = artifacts.last(where: { $0.name == name }) else {
                    let names = artifacts.map(\.name).joined(separator: ", ")
                    throw RoomError(
                        .notFound,
                        "run \(id) has no artifact '\(name)'; it has: "
                            + (names.isEmpty ? "none" : names),
                        next: "opsroom runs show \(id)"
                    )
                }
                let bytes = try await client.artifact(id, artifact)
                guard Digest(of: bytes) == artifact.digest else {
                    throw RoomError(.failed, "artifact '\(name)' does not have its digest any more")
                }
                return bytes
            }
            FileHandle.standardOutput.write(Data(bytes))
        }
    }
}

private actor Collected {
    var all: [JSONValue] = []
    func add(_ value: JSONValue) { self.all.append(value) }
}

/// Completes run ids from a room that is open already.
enum RunCompletion {
    /// Finds the data directory on a command line that is not finished yet.
    private struct RoomProbe: ParsableArguments {
        @OptionGroup var room: RoomOptions
        @Argument(parsing: .allUnrecognized) var others: [String] = []
    }

    @Sendable
    static func ids(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
        guard let options = try? RoomProbe.parse(words).room,
            let room = try? options.room(options.configuration()),
            let rows = await room.glimpse(
                within: .seconds(1),
                { try await $0.runs(RunFilter(limit: 50)) }
            )
        else { return [] }
        return rows.map(\.id.description).filter { $0.hasPrefix(prefix) }
    }
}
