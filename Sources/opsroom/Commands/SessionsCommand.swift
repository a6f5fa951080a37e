// `opsroom sessions`: named groups of lanes.

import ArgumentParser
import ControlRoom
import PulserIR

struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "List, create, pause and archive sessions.",
        discussion: """
            Examples:
              opsroom sessions list
              opsroom sessions create billing --lane A --lane B:4:10
            """,
        subcommands: [List.self, Create.self, Pause.self, Resume.self, Archive.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Sessions and what is open in them.",
            discussion: """
                Example:
                  opsroom sessions list --all -o json
                """
        )

        @Flag(help: "Archived ones too.") var all = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let all = self.all
            let rows = try await self.place.access { try await $0.sessions(all: all) }
            if self.output.output != .table {
                return self.output.printJSON("sessions", rows)
            }
            if rows.isEmpty {
                Terminal.error.line("no sessions; the first run makes 'default'")
                return
            }
            var table = Table(headers: ["SESSION", "STATUS", "LANES", "OPEN", "CREATED", "INTENT"])
            table.rows = rows.map { row in
                func text(_ name: String) -> String { row[name]?.stringValue ?? "" }
                func number(_ name: String) -> String { String(row[name]?.integerValue ?? 0) }
                let created = RunProgress.milliseconds(text("created_at")) ?? 0
                return [
                    text("name"), PauseWords.status(row) ?? Wording.status(text("status")),
                    number("lanes"),
                    number("open_runs"), Wording.ago(created), text("intent"),
                ]
            }
            table.print()
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a session.",
            discussion: """
                Lanes are NAME, NAME:WIDTH or NAME:WIDTH:PRIORITY; others are made when a run
                names them, with width 1.

                Example:
                  opsroom sessions create billing --intent "term migration" --lane A --lane B:4:10
                """
        )

        @Argument(help: "Its name.") var name: String
        @Option(help: "What it is for.") var intent = ""
        @Option(help: "A lane: NAME[:WIDTH[:PRIORITY]]; repeat for more.") var lane: [String] = []
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func validate() throws {
            guard self.name.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/) != nil,
                self.name.wholeMatch(of: /[0-9]+/) == nil
            else {
                throw ValidationError(
                    "'\(self.name)' cannot name a session: "
                        + "letters, digits, '.', '-', '_', at most 64, and not a number"
                )
            }
            let lanes = try self.lane.map(LaneOption.init)
            guard Set(lanes.map(\.name)).count == lanes.count else {
                throw ValidationError("a lane is named twice")
            }
        }

        func run() async throws {
            let name = self.name
            let intent = self.intent
            let lanes = try self.lane.map(LaneOption.init)
            let session = try await self.place.access { room in
                try await room.createSession(name, intent: intent, lanes: lanes)
                return try await room.session(name)
            }
            guard self.output.output == .table else { return self.output.printJSON(session) }
            Terminal.output.line("session \(name) created")
        }
    }

    struct Archive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "archive",
            abstract: "Close a session that has no open runs; its history stays.",
            discussion: """
                Example:
                  opsroom sessions archive billing
                """
        )

        @Argument(help: "Its name.") var name: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let name = self.name
            let session = try await self.place.access { room in
                try await room.archiveSession(name)
                return try await room.session(name)
            }
            guard self.output.output == .table else { return self.output.printJSON(session) }
            Terminal.output.line("session \(name) archived")
        }
    }
}

/// `NAME[:WIDTH[:PRIORITY]]`.
struct LaneOption: Sendable {
    var name: String
    var width = 1
    var priority = 0

    init(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        self.name = String(parts[0])
        try LaneName.check(self.name)
        let numbers = parts.dropFirst().map { Int($0) }
        guard numbers.count <= 2, numbers.allSatisfy({ $0 != nil }) else {
            throw ValidationError("'\(text)' is not NAME[:WIDTH[:PRIORITY]], both whole numbers")
        }
        self.width = (numbers.first ?? 1) ?? 1
        self.priority = (numbers.count > 1 ? numbers[1] : 0) ?? 0
        guard (1...1_000).contains(self.width) else {
            throw ValidationError("lane '\(self.name)': the width must be from 1 to 1000")
        }
        guard (-1_000_000...1_000_000).contains(self.priority) else {
            throw ValidationError(
                "lane '\(self.name)': the priority must be from -1,000,000 to 1,000,000"
            )
        }
    }
}

/// What may name a lane.
enum LaneName {
    /// UTF-8 bytes of the longest name.
    private static let bytesMax = 64

    /// - Throws: What is wrong with the name.
    static func check(_ name: String) throws {
        guard !name.isEmpty else { throw ValidationError("a lane needs a name") }
        guard !name.contains("/") else {
            throw ValidationError(
                "'\(name)' cannot name a lane: names with '/' belong to runs inside runs"
            )
        }
        guard name.utf8.count <= Self.bytesMax else {
            throw ValidationError("the lane's name is longer than \(Self.bytesMax) bytes")
        }
    }
}
