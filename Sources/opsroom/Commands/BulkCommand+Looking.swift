// `opsroom bulk list`, `show` and `stop`: actions on many runs, and what came of them.

import ArgumentParser
import ControlRoom
import PulserIR
import Store

extension BulkCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Actions on many runs, the newest first.",
            discussion: """
                Example:
                  opsroom bulk list -o json
                """
        )

        @Option(help: "At most so many.") var limit = 20
        @Flag(name: .customLong("no-headers"), help: "Rows only.") var noHeaders = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (1...1_000).contains(self.limit) else {
                throw ValidationError("--limit must be from 1 to 1000")
            }
        }

        func run() async throws {
            let limit = self.limit
            let actions = try await self.place.access { try await $0.bulkActions(limit: limit) }
            guard self.output.output == .table else {
                return self.output.printJSON("bulk", actions)
            }
            guard !actions.isEmpty else {
                Terminal.error.line(
                    "no actions on many runs; one begins with: "
                        + "opsroom bulk retry --filter status=failed"
                )
                return
            }
            var table = Table(headers: [
                "BULK", "ACTION", "STATUS", "RUNS", "DONE", "SKIPPED", "FAILED", "MADE", "BY",
                "FILTER",
            ])
            table.style = { column, text in
                column == 2 ? Wording.sign(String(text.dropFirst(2))).style : nil
            }
            table.rows = actions.map { action in
                let facts = BulkFacts(action)
                return [
                    facts.text("id"), facts.text("action"), Wording.status(facts.text("status")),
                    facts.count("total"), facts.count("ok"), facts.count("skipped"),
                    facts.count("failed"), facts.time("created_at").map(Wording.ago) ?? "",
                    facts.text("by"), Wording.oneLine(facts.filter, 200),
                ]
            }
            table.print(isPlain: self.noHeaders)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "An action on many runs, and the runs that it did nothing to.",
            discussion: """
                Runs are told that failed or were skipped, each with the reason; with --state
                those in that state.

                Examples:
                  opsroom bulk show 17
                  opsroom bulk show 17 --state ok --limit 1000 -o json
                """
        )

        /// What came of a run.
        enum State: String, ExpressibleByArgument, CaseIterable {
            case pending
            case ok
            case skipped
            case failed
        }

        @Argument(help: "Its number.") var number: Int64
        @Option(help: "Only runs in this state.") var state: State?
        @Option(help: "At most so many runs of a state.") var limit = 20
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard (1...10_000).contains(self.limit) else {
                throw ValidationError("--limit must be from 1 to 10000")
            }
        }

        func run() async throws {
            let (number, limit) = (self.number, self.limit)
            let wanted = self.state.flatMap { BulkItem.State(rawValue: $0.rawValue) }
            let states = wanted.map { [$0] } ?? [.failed, .skipped]
            let (action, runs) = try await self.place.access { room in
                let action = try await room.bulkAction(number)
                var runs: [JSONValue] = []
                for state in states {
                    runs += try await room.bulkRuns(number, state, limit: limit)
                }
                return (action, runs)
            }
            guard self.output.output == .table else {
                guard case .object(var members) = action else { return }
                members["runs"] = .array(runs)
                return self.output.printJSON(.object(members))
            }
            BulkFacts(action).print()
            if !runs.isEmpty { self.printTable(runs) }
            if action["status"]?.stringValue == "running" {
                Terminal.error.line("Next:  opsroom bulk stop \(number)\(self.place.words)")
            }
        }

        private func printTable(_ runs: [JSONValue]) {
            var table = Table(headers: ["RUN", "STATE", "REASON"])
            table.style = { column, text in
                column == 1 ? Wording.sign(String(text.dropFirst(2))).style : nil
            }
            table.rows = runs.map { run in
                [
                    run["run"]?.stringValue ?? "", Wording.status(run["state"]?.stringValue ?? ""),
                    Wording.oneLine(run["reason"]?.stringValue ?? "", 200),
                ]
            }
            table.print()
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stop",
            abstract: "End an action on many runs; what it did stays done.",
            discussion: """
                Example:
                  opsroom bulk stop 17
                """
        )

        @Argument(help: "Its number.") var number: Int64
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let number = self.number
            let action = try await self.place.access { try await $0.stopBulk(number) }
            guard self.output.output == .table else { return self.output.printJSON(action) }
            BulkFacts(action).print()
        }
    }
}

/// What commands read of an action's document.
private struct BulkFacts {
    let json: JSONValue

    init(_ json: JSONValue) { self.json = json }

    func text(_ name: String) -> String { self.json[name]?.stringValue ?? "" }

    func count(_ name: String) -> String {
        String(self.json["progress"]?[name]?.integerValue ?? 0)
    }

    func time(_ name: String) -> Int64? {
        self.json[name]?.stringValue.flatMap(RunProgress.milliseconds)
    }

    /// The filter as `--filter` takes it.
    var filter: String {
        let members = self.json["filter"]?.objectValue ?? [:]
        let words = members.sorted { $0.key < $1.key }.map { name, value in
            if name == "run", let count = value.integerValue {
                return count == 1 ? "1 run" : "\(count) runs"
            }
            let texts = (value.arrayValue ?? [value]).compactMap(\.stringValue)
            return "\(name)=\(texts.joined(separator: ","))"
        }
        return words.isEmpty ? "all" : words.joined(separator: " ")
    }

    func print() {
        let terminal = Terminal.output
        let status = self.text("status")
        var line =
            terminal.styled(Wording.status(status), Wording.sign(status).style)
            + "  \(self.text("action")), made by \(self.text("by"))"
        if let made = self.time("created_at") {
            line += " \(Wording.ago(made))"
            if let ended = self.time("ended_at") {
                line += ", took \(Wording.duration(milliseconds: ended - made))"
            }
        }
        terminal.line(line)
        terminal.line("  filter   \(self.filter)")
        let reason = self.text("reason")
        if !reason.isEmpty { terminal.line("  reason   \(Wording.oneLine(reason, 200))") }
        let counts = ["ok": "done", "skipped": "skipped", "failed": "failed", "pending": "to do"]
        let tally = ["ok", "skipped", "failed", "pending"].map {
            "\(self.count($0)) \(counts[$0] ?? $0)"
        }
        terminal.line("  runs     \(self.count("total")): \(tally.joined(separator: ", "))")
    }
}
