// `opsroom events`: what happens, as it happens.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Follow what happens, without missing or repeating anything.",
        discussion: """
            Examples:
              opsroom events tail --session billing
              opsroom events tail --run 7k3m -o jsonl | jq .type
            """,
        subcommands: [Tail.self]
    )

    /// What is done for a reader who is too slow.
    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case park
        case conflate
        case drop
        case close
    }

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tail",
            abstract: "Events of a running node, from now on or from a cursor.",
            discussion: """
                The stream is taken up again by itself when the connection or the node is lost;
                every event comes once. At its end, Ctrl-C included, the cursor goes to stderr:
                --from goes on right behind it. The stream of a run begins with its first event and
                ends with the run.

                Examples:
                  opsroom events tail
                  opsroom events tail --lane billing/B --types 'run.*' --types step.failed
                  opsroom events tail --run 7k3m --from 2fq80a1c:5.2s -o jsonl

                Exit codes: 0 the run has ended · 2 it ended badly, with --exit-status ·
                69 the node did not come back · 130 interrupted.
                """
        )

        @Option(help: "Only this session.") var session: String?
        @Option(
            help: "Only this run, to its end.",
            completion: .custom(RunCompletion.ids)
        )
        var run: String?
        @Option(help: ArgumentHelp("Only this lane.", valueName: "session/lane")) var lane: String?
        @Option(help: "Only these kinds, as 'step.failed' or 'run.*'; repeat or use commas.")
        var types: [String] = []
        @Option(help: "Only these levels: info, warning, error; repeat or use commas.")
        var levels: [String] = []
        @Option(help: ArgumentHelp("A cursor, 'start' or 'now'.", valueName: "cursor"))
        var from: String?
        @Option(help: "When this reader is too slow: wait, thin out, skip or end.")
        var mode: Mode?
        @Flag(name: .customLong("exit-status"), help: "Exit with 2 when the run did not succeed.")
        var exitStatus = false
        @OptionGroup var patience: PatienceOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard [self.session, self.run, self.lane].compactMap({ $0 }).count <= 1 else {
                throw ValidationError("take one of --session, --run and --lane")
            }
            guard self.output.output != .json else {
                throw ValidationError("a stream is no one document: take -o jsonl")
            }
            guard self.run != nil || !self.exitStatus else {
                throw ValidationError("--exit-status belongs to --run")
            }
        }

        func run() async throws {
            let access = try self.place.choice.require("events are told")
            let status = try await RemoteConnection.open(access, logger: self.place.logger) {
                try await self.tail($0)
            }
            if self.exitStatus, status != RunStatus.succeeded.rawValue { throw ExitCode(2) }
        }

        private func tail(_ connection: RemoteConnection) async throws -> String? {
            var query: [(name: String, value: String)] = []
            if !self.types.isEmpty { query.append(("types", self.types.joined(separator: ","))) }
            if !self.levels.isEmpty { query.append(("levels", self.levels.joined(separator: ","))) }
            if let mode { query.append(("mode", mode.rawValue)) }
            // A cursor has a colon in it; the words for the ends have none.
            let cursor = self.from.flatMap { $0.contains(":") ? $0 : nil }
            if let from = self.from, cursor == nil { query.append(("from", from)) }
            let stream = RemoteStream(
                connection,
                path: try await self.path(connection),
                query: query,
                from: cursor,
                patience: self.patience.reconnect.duration
            )
            let printer = EventPrinter(form: self.output.output)
            let result: Result<String?, any Error>
            do {
                result = .success(
                    try await Interruptible.run {
                        try await stream.follow(
                            StreamListener(
                                news: { try printer.print($0) },
                                notice: { printer.notice($0) }
                            )
                        )
                    }
                )
            } catch {
                result = .failure(error)
            }
            printer.notice(nil)
            if let cursor = stream.cursor { Terminal.error.line("cursor  \(cursor)") }
            do {
                return try result.get()
            } catch is EventPrinter.NobodyReads {
                return nil
            } catch let error as RoomError where error.code == .interrupted {
                throw ExitCode(130)
            }
        }

        private func path(_ connection: RemoteConnection) async throws -> [String] {
            let room = RemoteAccess(connection: connection)
            if let run { return ["runs", try await room.resolve(run).description, "events"] }
            if let session {
                return ["sessions", try await room.sessionNumber(session), "events"]
            }
            if let lane { return ["lanes", try await room.laneNumber(lane), "events"] }
            return ["events"]
        }
    }
}

/// Shows what a stream tells.
final class EventPrinter: Sendable {
    /// Stdout is closed: there is nobody to go on for.
    struct NobodyReads: Error {}

    private let form: OutputForm
    private let lastNotice = Latest()

    init(form: OutputForm) { self.form = form }

    /// Prints one piece of news.
    ///
    /// - Throws: ``NobodyReads``.
    func print(_ news: StreamMachine.News) throws {
        switch news {
        case .event(let line):
            let json = self.form == .table ? try JSONValue(parsing: line) : .null
            try self.data(
                self.form == .table ? EventLine(event: json).text(Terminal.output) : line
            )
        case .gap(let frame, let count):
            try self.aside("gap", frame, "! \(count) event(s) left out: this reader is too slow")
        case .reset(let frame, let reason):
            let why =
                switch reason {
                case "epoch": "the cursor is of another installation"
                case "ahead": "the cursor is ahead of what is stored: an older state was restored"
                case "expired": "events behind the cursor are no longer kept"
                default: reason
                }
            try self.aside("reset", frame, "! begun anew: \(why)")
        case .snapshot(let frame): try self.aside("snapshot", frame, nil)
        // What follows from it is told by the connection's loss.
        case .bye, .end, .nothing: break
        }
    }

    /// Tells that the connection is away, or back.
    func notice(_ text: String?) {
        guard self.lastNotice.exchange(text) != text else { return }
        let terminal = Terminal.error
        if let text {
            terminal.line(terminal.styled("! \(text)", .yellow))
        }
    }

    /// A frame between the events: a line of JSON among them, or a sentence beside them.
    private func aside(_ name: String, _ frame: JSONValue, _ sentence: String?) throws {
        if self.form == .table {
            if let sentence { Terminal.error.line(Terminal.error.styled(sentence, .yellow)) }
            return
        }
        var members = frame.objectValue ?? [:]
        members["frame"] = .string(name)
        try self.data(JSONValue.object(members).canonicalText)
    }

    private func data(_ line: String) throws {
        guard Terminal.output.line(line) else { throw NobodyReads() }
    }
}
