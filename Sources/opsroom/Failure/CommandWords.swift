// What the words of a command line say even where they cannot be run: which command was meant, how
// its errors shall look, and what to run next.

import ArgumentParser
import ControlRoom

/// The words behind `opsroom`.
struct CommandWords {
    /// The commands among them, as far as there are such.
    let command: [String]
    /// Whether errors are told as JSON.
    let isJSON: Bool
    /// The first word that names no command where one is needed, and the names there are.
    private let stranger: (word: String, names: [String])?

    /// Commands with what lists that which they are about, where others are about runs. Lanes are
    /// listed of a session, so it is sessions that come first.
    private static let lists = [
        "sessions": "sessions", "lanes": "sessions", "limits": "limits", "schedules": "schedules",
        "dead": "dead", "bulk": "bulk",
    ]

    /// The flags that name a server, with a space before them.
    private let server: String

    /// Takes what the parser takes for the output's form, whatever the other words are.
    private struct FormProbe: ParsableArguments {
        @OptionGroup var output: OutputOptions
        @Argument(parsing: .allUnrecognized) var others: [String] = []
    }

    /// Takes what the parser takes for a server, whatever the other words are.
    private struct ServerProbe: ParsableArguments {
        @Option var server: String?
        @Option var context: String?
        @Argument(parsing: .allUnrecognized) var others: [String] = []
    }

    init(_ words: some Sequence<String>) {
        var command: [String] = []
        var stranger: (String, [String])?
        var place: any ParsableCommand.Type = Opsroom.self
        for word in words {
            let configuration = place.configuration
            let commands =
                configuration.subcommands
                + configuration.groupedSubcommands.flatMap { $0.subcommands }
            let names = commands.compactMap { $0.configuration.commandName }
            if word.hasPrefix("-") || names.isEmpty { break }
            if word == "help", command.isEmpty { continue }
            guard let next = commands.first(where: { $0.configuration.commandName == word }) else {
                stranger = (word, names)
                break
            }
            command.append(word)
            place = next
        }
        self.command = command
        self.stranger = stranger
        let there = try? ServerProbe.parse(Array(words))
        self.server =
            there?.server.map { " --server \(ShellWord.quoted($0))" }
            ?? there?.context.map { " --context \(ShellWord.quoted($0))" } ?? ""
        let form = try? FormProbe.parse(Array(words)).output.output
        self.isJSON = form == .json || form == .jsonl
    }

    /// What the parser complains about; of a misspelt command it says only «Unexpected argument».
    func failure(_ message: String) -> RoomError {
        guard let stranger = self.stranger else { return RoomError(.usage, message) }
        let near = Nearest.word(to: stranger.word, among: stranger.names)
        let hint = near.map { "; did you mean '\($0)'?" } ?? ""
        return RoomError(
            .usage,
            "there is no command '\(stranger.word)'\(hint)",
            next: Self.help(self.command + [near].compactMap { $0 })
        )
    }

    /// Where to look when a failure names no command itself.
    func next(_ error: RoomError) -> String {
        // Sentences about the data directory end with what to do: another one.
        if error.message.contains("--data") {
            return self.command == ["up"]
                ? "opsroom up --data OTHER" : "opsroom runs list --data OTHER"
        }
        if let remedy = error.message.firstMatch(of: /`([^`]+)`/) { return String(remedy.1) }
        let listed = self.command.first.flatMap { Self.lists[$0] } ?? "runs"
        let list = "opsroom \(listed) list"
        return switch error.code {
        case .usage: Self.help(self.command)
        case .interrupted: "opsroom up"
        case .notFound, .conflict, .badResult, .timedOut, .refused: list
        case .unauthenticated: "opsroom context show --origin"
        case .failed, .unavailable: "opsroom doctor"
        }
    }

    /// The command with the flags that name the server of this one, where it takes them.
    func there(_ next: String) -> String {
        let groups = [
            "runs", "sessions", "lanes", "events", "tokens", "nodes", "shards", "doctor", "run",
            "bulk", "migrate status", "cluster status", "why", "schedules", "retention", "dead",
            "limits",
        ]
        let named = ["--server", "--context", "--data", "--help"].contains { next.contains($0) }
        guard !self.server.isEmpty, !named,
            groups.contains(where: { next.hasPrefix("opsroom \($0)") })
        else { return next }
        return next + self.server
    }

    private static func help(_ command: [String]) -> String {
        (["opsroom"] + command + ["--help"]).joined(separator: " ")
    }
}
