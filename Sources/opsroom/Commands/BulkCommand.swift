// `opsroom bulk`: one action on all runs that fit a filter, counted before it is made.

import ArgumentParser
import ControlRoom
import Glibc
import HTTPTypes
import PulserIR

struct BulkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulk",
        abstract: "Cancel, retry, pause, resume or discard all runs that fit a filter.",
        discussion: """
            The node counts the runs first; the action is made for exactly so many. It goes on at
            the node when this command ends: list, show and stop are about such actions.

            Filters: status session lane key template plan parent text enqueued_after
            enqueued_before finished_after finished_before run quiet.

            Examples:
              opsroom bulk cancel --filter status=queued --filter lane=B
              opsroom bulk retry --filter 'status=failed plan=release' --dry-run
              opsroom bulk pause --filter session=billing --yes --reason "freeze"
              opsroom bulk show 17

            Exit codes: 0 all done · 2 some failed · 7 refused without --yes.
            """,
        subcommands: [
            Cancel.self, Retry.self, Pause.self, Resume.self, Discard.self, List.self, Show.self,
            Stop.self,
        ]
    )

    struct Cancel: BulkVerb {
        static let configuration = Self.words(
            "cancel",
            "End all runs that fit a filter.",
            "status=queued lane=B"
        )
        @Argument(help: .hidden) var number: String?
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            // Cancelling an action is not cancelling runs.
            if let number {
                throw ValidationError(
                    "this cancels runs, which --filter names; an action is ended by "
                        + "`opsroom bulk stop \(number)`"
                )
            }
            try self.checkFilter()
        }
    }

    struct Retry: BulkVerb {
        static let configuration = Self.words(
            "retry",
            "Run all that fit a filter again, from what did not succeed.",
            "status=failed plan=release"
        )
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws { try self.checkFilter() }
    }

    struct Pause: BulkVerb {
        static let configuration = Self.words(
            "pause",
            "Hold all runs that fit a filter before their next step.",
            "session=billing"
        )
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws { try self.checkFilter() }
    }

    struct Resume: BulkVerb {
        static let configuration = Self.words(
            "resume",
            "Have all paused runs that fit a filter go on.",
            "session=billing"
        )
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws { try self.checkFilter() }
    }

    struct Discard: BulkVerb {
        static let configuration = Self.words(
            "discard",
            "Put all dead letters that fit a filter aside.",
            "text=timeout"
        )
        @OptionGroup var wish: BulkOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws { try self.checkFilter() }
    }
}

/// A command that does one thing to all runs that fit.
protocol BulkVerb: AsyncParsableCommand {
    var wish: BulkOptions { get }
    var output: OutputOptions { get }
    var place: PlaceOptions { get }
}

extension BulkVerb {
    fileprivate static func words(
        _ name: String,
        _ what: String,
        _ example: String
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name,
            abstract: what,
            discussion: """
                Example:
                  opsroom bulk \(name) --filter '\(example)'
                """
        )
    }

    fileprivate func checkFilter() throws {
        guard !self.wish.filter.isEmpty else {
            throw ValidationError("say which runs: --filter status=failed; --filter all means all")
        }
    }

    func run() async throws {
        try await BulkAction(
            action: Self.configuration.commandName ?? "",
            wish: self.wish,
            output: self.output,
            place: self.place
        ).run()
    }
}

/// Which runs, and how sure.
struct BulkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Which runs; repeat, or separate by spaces.", valueName: "name=value")
    )
    var filter: [String] = []
    @Flag(help: "Do not ask.") var yes = false
    @Flag(name: .customLong("dry-run"), help: "Only count, and show some of them.")
    var dryRun = false
    @Option(help: "Why, for the record.") var reason: String?

    /// The filter as the API takes it.
    func json() throws -> JSONValue {
        var values: [String: [JSONValue]] = [:]
        for text in self.filter.flatMap({ $0.split(separator: " ") }) where text != "all" {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw RoomError(.usage, "the filter '\(text)' is not name=value")
            }
            let name = String(text[..<equals])
            let value = text[text.index(after: equals)...]
            // Only a status can be one of several.
            let parts = name == "status" ? value.split(separator: ",") : [value]
            values[name, default: []] += parts.map { .string(String($0)) }
        }
        return .object(values.mapValues { $0.count == 1 ? $0[0] : .array($0) })
    }
}

/// One action on many runs, from the count to the end.
struct BulkAction: Sendable {
    let action: String
    let wish: BulkOptions
    let output: OutputOptions
    let place: PlaceOptions

    func run() async throws {
        let access = try self.place.choice.require("many runs at once are changed")
        let body: [String: JSONValue] = [
            "action": .string(self.action), "filter": try self.wish.json(),
        ]
        let ended = try await RemoteConnection.open(access, logger: self.place.logger) {
            try await self.run($0, body)
        }
        guard let ended else { return }
        let progress = ended["progress"]
        if self.output.output != .table {
            self.output.printJSON(ended)
        } else {
            func count(_ name: String) -> Int64 { progress?[name]?.integerValue ?? 0 }
            let sign = Wording.sign(count("failed") > 0 ? "failed" : "succeeded")
            Terminal.output.line(
                Terminal.output.styled(sign.sign, sign.style)
                    + " \(self.action): \(count("ok")) done, \(count("skipped")) skipped, "
                    + "\(count("failed")) failed"
            )
            if count("skipped") + count("failed") > 0, let id = ended["id"]?.stringValue {
                Terminal.error.line("Next:  opsroom bulk show \(id)\(self.place.words)")
            }
        }
        if progress?["failed"]?.integerValue ?? 0 > 0 { throw ExitCode(2) }
    }

    private func run(
        _ connection: RemoteConnection,
        _ body: [String: JSONValue]
    ) async throws -> JSONValue? {
        var request = RemoteRequest(method: .post, path: ["bulk"], body: .object(body))
        request.query = [("preview", "true")]
        let preview = try await connection.send(request).json()
        let count = preview["count"]?["runs"]?.integerValue ?? 0
        let isExact = preview["count"]?["exact"]?.boolValue ?? true
        let words = "\(isExact ? "" : "more than ")\(count) run\(count == 1 ? "" : "s")"
        if self.wish.dryRun {
            if self.output.output == .table {
                self.show(preview, words)
            } else {
                self.output.printJSON(preview)
            }
            return nil
        }
        guard count > 0 else {
            throw RoomError(.notFound, "no run fits the filter", next: "opsroom runs list")
        }
        if !self.wish.yes { try self.ask(preview, words) }
        var order = body
        // More than were counted cannot be held against the number; the node has a bound of its own.
        if isExact { order["expected_count"] = .integer(count) }
        order["reason"] = self.wish.reason.map { .string($0) }
        let made = try await connection.post(
            ["bulk"],
            .object(order),
            fields: .freshKey,
            isIdempotent: true
        )
        guard let id = made["id"]?.stringValue else {
            throw RoomError(.failed, "the server's action cannot be read by this version")
        }
        return try await Interruptible.run(
            RoomError(
                .interrupted,
                "interrupted; the action goes on at \(connection.access.url)",
                next: "opsroom bulk show \(id)\(self.place.words)"
            )
        ) { try await self.follow(connection, id) }
    }

    /// Waits for the action's end, telling how far it is.
    private func follow(_ connection: RemoteConnection, _ id: String) async throws -> JSONValue {
        var told: Int64 = -1
        while true {
            let document = try await connection.get(["bulk", id])
            guard document["status"]?.stringValue == "running" else { return document }
            let total = document["progress"]?["total"]?.integerValue ?? 0
            let done = total - (document["progress"]?["pending"]?.integerValue ?? 0)
            if done != told, Terminal.error.isTerminal {
                Terminal.error.write("\r\u{1B}[K  \(self.action): \(done) of \(total)")
            }
            told = done
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func show(_ preview: JSONValue, _ words: String) {
        let terminal = Terminal.output
        terminal.line("\(terminal.styled(words, .bold)) fit")
        for run in (preview["sample"]?.arrayValue ?? []).compactMap({ try? RunFacts($0) }) {
            terminal.line(
                "  \(run.id)  \(Wording.status(run.status.rawValue))  \(run.plan)  "
                    + terminal.styled(run.place, .dim)
            )
        }
    }

    private func ask(_ preview: JSONValue, _ words: String) throws {
        guard isatty(STDIN_FILENO) == 1, Terminal.error.isTerminal else {
            throw RoomError(
                .refused,
                "\(words) fit; nobody is there to ask: --yes has them \(self.past)",
                next: "opsroom bulk \(self.action)\(self.filterWords) --dry-run"
            )
        }
        self.show(preview, words)
        Terminal.error.write("Have \(words) \(self.past)? [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw RoomError(.refused, "nothing was done", next: "opsroom runs list")
        }
    }

    private var past: String {
        [
            "cancel": "cancelled", "retry": "run again", "pause": "paused", "resume": "resumed",
            "discard": "put aside",
        ][
            self.action
        ] ?? self.action
    }

    private var filterWords: String {
        self.wish.filter.map { " --filter \(ShellWord.quoted($0))" }.joined()
    }
}
