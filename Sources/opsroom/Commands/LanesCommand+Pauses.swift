// `opsroom sessions pause`, `opsroom lanes pause`: nothing new is taken, what is under way ends.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR
import Store

/// `session/lane`.
struct LanePath: Sendable {
    var session: String
    var lane: String

    init(_ text: String) throws {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw ValidationError("'\(text)' is not SESSION/LANE") }
        (self.session, self.lane) = (parts[0], parts[1])
    }
}

/// Pauses in words.
enum PauseWords {
    /// `paused by ann: audit`; `nil` for what is not paused.
    static func text(_ row: JSONValue) -> String? {
        guard let by = row["paused"]?["by"]?.stringValue else { return nil }
        return "paused by \(by)" + (row["paused"]?["reason"]?.stringValue.map { ": \($0)" } ?? "")
    }

    /// The same for a table.
    static func status(_ row: JSONValue) -> String? {
        self.text(row).map { Terminal.output.styled(Wording.oneLine($0, 60), .yellow) }
    }

    static func tell(_ what: String, _ row: JSONValue, _ output: OutputOptions) {
        guard output.output == .table else { return output.printJSON(row) }
        let state = self.text(row) ?? "takes runs"
        Terminal.output.line("\(what): \(Wording.oneLine(state, 1_200))")
    }
}

extension SessionsCommand {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Have a session take no runs until it is resumed.",
            discussion: """
                What is under way goes to its end, with the runs that it starts. New runs are
                queued.

                Example:
                  opsroom sessions pause billing --reason "audit until Friday"
                """
        )

        @Argument(help: "Its name.") var name: String
        @Option(help: "Why.") var reason: String?
        @Option(help: "Who pauses it, for the record (default: you).") var by: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let call = PauseCall(
                session: self.name,
                by: self.by ?? NSUserName(),
                reason: self.reason
            )
            let row = try await self.place.access { try await $0.pause(call) }
            PauseWords.tell("session \(self.name)", row, self.output)
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Have a paused session take runs again.",
            discussion: """
                Lanes and keys that are paused by themselves stay so.

                Example:
                  opsroom sessions resume billing
                """
        )

        @Argument(help: "Its name.") var name: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let call = PauseCall(session: self.name)
            let row = try await self.place.access { try await $0.pause(call) }
            PauseWords.tell("session \(self.name)", row, self.output)
        }
    }
}

extension LanesCommand {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Have a lane take no runs until it is resumed, or none of one key.",
            discussion: """
                What is under way goes to its end. New runs are queued. Runs of other keys are
                taken while one key is paused.

                Examples:
                  opsroom lanes pause billing/B --reason "the bank is away"
                  opsroom lanes pause billing/B --key customer-17
                """
        )

        @Argument(help: ArgumentHelp("The lane.", valueName: "session/lane")) var lane: String
        @Option(help: "Only runs of this key.") var key: String?
        @Option(help: "Why.") var reason: String?
        @Option(help: "Who pauses it, for the record (default: you).") var by: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            _ = try LanePath(self.lane)
            try LanesCommand.check(self.key)
        }

        func run() async throws {
            let path = try LanePath(self.lane)
            let call = PauseCall(
                session: path.session,
                lane: path.lane,
                key: self.key,
                by: self.by ?? NSUserName(),
                reason: self.reason
            )
            try await LanesCommand.tell(call, self.place, self.output)
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Have a paused lane take runs again, or those of one key.",
            discussion: """
                A lane that goes on leaves keys that are paused by themselves as they are, and
                nothing is taken while its session is paused.

                Example:
                  opsroom lanes resume billing/B
                """
        )

        @Argument(help: ArgumentHelp("The lane.", valueName: "session/lane")) var lane: String
        @Option(help: "Only runs of this key.") var key: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            _ = try LanePath(self.lane)
            try LanesCommand.check(self.key)
        }

        func run() async throws {
            let path = try LanePath(self.lane)
            let call = PauseCall(session: path.session, lane: path.lane, key: self.key)
            try await LanesCommand.tell(call, self.place, self.output)
        }
    }

    fileprivate static func check(_ key: String?) throws {
        guard let key else { return }
        guard (1...Store.keyBytesMax).contains(key.utf8.count) else {
            throw ValidationError("a key is 1 to \(Store.keyBytesMax) bytes")
        }
    }

    fileprivate static func tell(
        _ call: PauseCall,
        _ place: PlaceOptions,
        _ output: OutputOptions
    ) async throws {
        let row = try await place.access { try await $0.pause(call) }
        let lane = "lane \(call.session)/\(call.lane ?? "")"
        guard let key = call.key, output.output == .table else {
            return PauseWords.tell(lane, row, output)
        }
        let state = call.by.map { "paused by \($0)" } ?? "runs are taken"
        Terminal.output.line("key \(key) of \(lane): \(state)")
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "A lane with its settings, and what of it is paused.",
            discussion: """
                Example:
                  opsroom lanes show billing/B
                """
        )

        @Argument(help: ArgumentHelp("The lane.", valueName: "session/lane")) var lane: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws { _ = try LanePath(self.lane) }

        func run() async throws {
            let path = try LanePath(self.lane)
            let (lane, keys) = try await self.place.access { room in
                (
                    try await room.lane(path.lane, of: path.session),
                    try await room.pausedKeys(path.lane, of: path.session)
                )
            }
            guard self.output.output == .table else {
                var members = lane.objectValue ?? [:]
                members["paused_keys"] = .array(keys)
                return self.output.printJSON(.object(members))
            }
            for line in Self.lines(lane, keys) { Terminal.output.line(line) }
        }

        private static func lines(_ lane: JSONValue, _ keys: [JSONValue]) -> [String] {
            let terminal = Terminal.output
            func number(_ name: String) -> String { String(lane[name]?.integerValue ?? 0) }
            func row(_ name: String, _ value: String) -> String {
                terminal.styled(
                    "  " + name.padding(toLength: 12, withPad: " ", startingAt: 0),
                    .dim
                ) + value
            }
            let runs = (lane["runs"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
                .filter { $0.value.integerValue ?? 0 > 0 }
                .map { "\($0.value.integerValue ?? 0) \($0.key)" }
            return [
                "lane \(lane["session"]?.stringValue ?? "")/\(lane["name"]?.stringValue ?? ""): "
                    + (PauseWords.status(lane) ?? "takes runs"),
                row("width", number("width")), row("priority", number("priority")),
            ] + LaneWords.rules(lane).map { row($0.name, $0.value) } + [
                row("runs", runs.isEmpty ? "none" : runs.joined(separator: ", "))
            ]
                + keys.map { key in
                    row("key", "\(key["key"]?.stringValue ?? "") \(PauseWords.text(key) ?? "")")
                }
        }
    }
}
