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
        abstract: "List, show, queue, cancel and retry runs.",
        discussion: """
            A run is named by its id or the beginning of it.

            Examples:
              opsroom runs list --status failed
              opsroom runs show 7k3m
              opsroom runs retry 7k3m
            """,
        subcommands: [
            List.self, Enqueue.self, Show.self, Watch.self, Logs.self, Cancel.self, Pause.self,
            Resume.self, Retry.self, Snooze.self, Priority.self, Move.self, Skip.self, Signal.self,
            Signals.self, Artifact.self,
        ]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "The newest runs, or those that fit.",
            discussion: """
                All that is asked for must fit; of several statuses one.

                Examples:
                  opsroom runs list --status failed --status timed_out
                  opsroom runs list --session billing --lane B -o json
                  opsroom runs list --status dead --finished-after 24h
                  opsroom runs list --text "connection refused" --plan release
                  opsroom runs list --parent 7k3m --status=-succeeded
                """
        )

        @OptionGroup(title: "Which runs") var filter: RunFilterOptions
        @Option(help: "At most so many.")
        var limit = 20
        @Option(help: "Only runs older than this one: the next page.")
        var before: String?
        @Flag(name: .customLong("no-headers"), help: "Rows only.")
        var noHeaders = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        private static func due(_ run: RunFacts) -> String {
            run.dueMilliseconds.map { "due \(Wording.ahead($0))" } ?? ""
        }

        func validate() throws {
            guard (1...1_000).contains(self.limit) else {
                throw ValidationError("--limit must be from 1 to 1000")
            }
        }

        func run() async throws {
            let query = RunQuery(
                filters: self.filter.texts,
                before: self.before,
                limit: self.limit
            )
            let runs = try await self.place.access { try await $0.runs(query) }
            if self.output.output != .table {
                return self.output.printJSON("runs", runs.map(\.json))
            }
            if runs.isEmpty {
                let isAny = query.filters.isEmpty && query.before == nil
                Terminal.error.line(
                    isAny ? "no runs; start one with: opsroom run PLAN" : "no runs are like that"
                )
                return
            }
            var table = Table(headers: [
                "RUN", "STATUS", "PLAN", "LANE", "ENQUEUED", "TOOK", "REASON",
            ])
            table.style = { column, text in
                column == 1 ? Wording.sign(String(text.dropFirst(2))).style : nil
            }
            table.rows = runs.map { run in
                [
                    run.id.description, Wording.status(run.status.rawValue), run.plan, run.place,
                    Wording.ago(run.enqueuedMilliseconds),
                    run.tookMilliseconds.map { Wording.duration(milliseconds: $0) } ?? "",
                    Wording.oneLine(run.failure ?? run.waitReason ?? Self.due(run), 200),
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
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let output = self.output
            let words = self.place.words
            try await self.place.access { room in
                let id = try await room.resolve(wanted)
                if output.output != .table {
                    return output.printJSON(try await room.evidence(id))
                }
                let view = RunView(plan: try await room.plan(of: room.run(id)), id: id)
                let run = try await room.follow(id, isLive: false) { await view.take($0.json) }
                let late =
                    run.status.isTerminal
                    ? nil : DeadlineNote.text(try await room.evidence(id))
                await view.printSummary(run, words, until: late)
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
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let wanted = self.run
            let form = self.output.output
            let step = self.step
            let isLive = self.follow
            let documents = Collected()
            try await self.place.access { room in
                let id = try await room.resolve(wanted)
                _ = try await room.follow(id, isLive: isLive) { event in
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
}

private actor Collected {
    var all: [JSONValue] = []
    func add(_ value: JSONValue) { self.all.append(value) }
}

/// Completes run ids from a room that is open already.
enum RunCompletion {
    /// Finds the data directory on a command line that is not finished yet.
    private struct RoomProbe: ParsableArguments {
        @OptionGroup var place: PlaceOptions
        @Argument(parsing: .allUnrecognized) var others: [String] = []
    }

    @Sendable
    static func ids(_ words: [String], _ index: Int, _ prefix: String) async -> [String] {
        guard let options = try? RoomProbe.parse(words).place,
            let room = try? options.room(options.configuration()),
            let rows = await room.glimpse(
                within: .seconds(1),
                { try await $0.runs(RunFilter(limit: 50)) }
            )
        else { return [] }
        return rows.map(\.id.description).filter { $0.hasPrefix(prefix) }
    }
}
