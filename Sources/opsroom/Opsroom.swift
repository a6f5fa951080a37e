// The program: which commands there are, and how every failure is told.

import ArgumentParser
import Compiler
import ControlRoom
import Foundation
import Glibc
import Store

/// `opsroom`: the node and the command line of a control room.
@main
struct Opsroom: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsroom",
        abstract: "Runs operations plans: durable, verified, with evidence.",
        discussion: """
            Examples:
              opsroom run examples/release-check.yaml
              opsroom plan check my-plan.yaml
              opsroom runs list --status failed
              opsroom up

            More: opsroom exit-codes · opsroom <command> --help
            """,
        version: BuildInfo.version,
        groupedSubcommands: [
            CommandGroup(name: "Work", subcommands: [RunCommand.self, PlanCommand.self]),
            CommandGroup(name: "Look", subcommands: [RunsCommand.self, SessionsCommand.self]),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    UpCommand.self, MigrateCommand.self, DoctorCommand.self, BenchCommand.self,
                    CompletionCommand.self, ExitCodesCommand.self,
                ]
            ),
        ]
    )

    static func main() async {
        do {
            var command = try Self.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(with: error)
        }
    }
}

/// How failures reach people and scripts.
enum Failure {
    /// Tells the failure on stderr and ends the process with its code.
    static func exit(with error: any Error) -> Never {
        if let error = error as? RoomError { Self.tell(error) }
        if let error = error as? StoreError { Self.tell(RoomError(error)) }
        if let error = error as? CompileError {
            for diagnostic in error.diagnostics { Terminal.error.line(diagnostic.description) }
            Glibc.exit(64)
        }
        if let error = error as? InputError {
            for problem in error.problems { Terminal.error.line("error: \(problem)") }
            Terminal.error.line("Next:  opsroom plan show PLAN   (lists its inputs)")
            Glibc.exit(64)
        }
        if error is CancellationError { Glibc.exit(130) }
        if let hint = Self.commandHint(error) {
            Terminal.error.line("error: \(hint)")
            Glibc.exit(64)
        }
        Opsroom.exit(withError: error)
    }

    /// Where to look when the failure names no command itself.
    private static func next(_ code: RoomError.Code) -> String {
        switch code {
        case .notFound: "opsroom runs list"
        case .usage: "opsroom --help"
        case .interrupted: "opsroom up"
        case .badResult, .timedOut, .refused: "opsroom runs list"
        case .failed, .conflict, .unavailable: "opsroom doctor"
        }
    }

    private static func tell(_ failure: RoomError) -> Never {
        var error = failure
        error.next = error.next ?? Self.next(error.code)
        if CommandLine.arguments.contains(where: { $0 == "json" || $0 == "jsonl" || $0 == "-ojson" }
        ) {
            Terminal.error.line(ErrorDocument(error).text)
        } else {
            Terminal.error.line("error: \(error.message)")
            if let next = error.next { Terminal.error.line("Next:  \(next)") }
        }
        Glibc.exit(error.code.rawValue)
    }

    /// The parser says only «Unexpected argument» for a misspelt command.
    private static func commandHint(_ error: any Error) -> String? {
        let arguments = CommandLine.arguments.dropFirst().prefix { !$0.hasPrefix("-") }
        var place: any ParsableCommand.Type = Opsroom.self
        for word in arguments {
            let commands =
                place.configuration.subcommands
                + place.configuration.groupedSubcommands.flatMap { $0.subcommands }
            let names = commands.compactMap { $0.configuration.commandName }
            if names.isEmpty { return nil }
            if names.contains(word) {
                guard let next = commands.first(where: { $0.configuration.commandName == word })
                else { return nil }
                place = next
                continue
            }
            guard Opsroom.exitCode(for: error) == .validationFailure else { return nil }
            let near = Nearest.word(to: word, among: names).map { "; did you mean '\($0)'?" }
            return "there is no command '\(word)'\(near ?? "")\nNext:  opsroom --help"
        }
        return nil
    }
}

/// An error as JSON.
private struct ErrorDocument {
    var text: String

    init(_ error: RoomError) {
        struct Body: Encodable {
            var code: String
            var message: String
            var next: String?
            var retryable: Bool
        }
        let body = Body(
            code: "\(error.code)",
            message: error.message,
            next: error.next,
            retryable: error.code == .unavailable
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(["error": body])) ?? Data()
        self.text = String(decoding: data, as: UTF8.self)
    }
}
