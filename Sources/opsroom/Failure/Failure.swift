// How failures reach people and scripts: a sentence and a command to run next, or the same as JSON.

import ArgumentParser
import Compiler
import ControlRoom
import Glibc
import PulserIR
import Store

/// A failure as it is told.
struct Failure: Error {
    /// The sentence, the exit code and what to run next.
    var error: RoomError
    /// What is wrong with a plan, place by place.
    var diagnostics: [Diagnostic] = []
    /// What is wrong with inputs, one sentence each.
    var problems: [String] = []
    /// What a server says is to be done, where that is no command.
    var advice: String?
    /// Under which number the server's log tells more.
    var trace: String?

    init(_ error: RoomError) { self.error = error }

    /// A plan file with errors.
    init(_ error: CompileError, path: String) {
        let count = error.diagnostics.count
        self.error = RoomError(
            .usage,
            "\(path) has \(count) error\(count == 1 ? "" : "s")",
            next: "opsroom plan check \(ShellWord.quoted(path))"
        )
        self.diagnostics = error.diagnostics
    }

    /// Inputs that do not fit; `next` lists those that would.
    init(_ error: InputError, next: String) {
        self.error = RoomError(.usage, error.problems.joined(separator: "; "), next: next)
        self.problems = error.problems
    }

    /// Settings that cannot be used.
    init(_ error: SettingsError) {
        self.error = RoomError(.usage, error.description)
        self.problems = error.problems
    }

    /// Tells the failure on stderr and ends the process with its code.
    static func exit(with error: any Error) -> Never {
        let words = CommandWords(CommandLine.arguments.dropFirst())
        guard let failure = Self(error, words) else { Opsroom.exit(withError: error) }
        Terminal.error.line(words.isJSON ? failure.json.canonicalText : failure.text)
        Glibc.exit(failure.error.code.rawValue)
    }

    /// `nil` for what is no failure: help, the version, an exit code whose reason was told already.
    private init?(_ error: any Error, _ words: CommandWords) {
        switch error {
        case let failure as Failure: self = failure
        case let error as RoomError: self.init(error)
        case let error as SettingsError: self.init(error)
        case let error as StoreError:
            self.init(RoomError(error))
            if error.code == .ambiguous { self.error.next = "opsroom runs list" }
        case is CancellationError: self.init(RoomError(.interrupted, "interrupted"))
        case is ExitCode: return nil
        default:
            switch Opsroom.exitCode(for: error) {
            case .success: return nil
            case .validationFailure: self.init(words.failure(Opsroom.message(for: error)))
            default: self.init(RoomError(.failed, "\(error)"))
            }
        }
        self.error.next = words.there(self.error.next ?? words.next(self.error))
    }

    private var text: String {
        var lines = self.diagnostics.map(\.description) + self.problems.map { "error: \($0)" }
        if lines.isEmpty { lines = ["error: \(self.error.message)"] }
        if let advice { lines.append("       \(advice)") }
        if let next = self.error.next { lines.append("Next:  \(next)") }
        if let trace { lines.append(Terminal.error.styled("trace  \(trace)", .dim)) }
        return lines.joined(separator: "\n")
    }

    private var json: JSONValue {
        var members: [String: JSONValue] = [
            "code": .string("\(self.error.code)"),
            "message": .string(self.error.message),
            "next": self.error.next.map { .string($0) } ?? .null,
            "retryable": .bool(self.error.code == .unavailable),
        ]
        members["advice"] = self.advice.map { .string($0) }
        members["trace"] = self.trace.map { .string($0) }
        if !self.diagnostics.isEmpty {
            members["diagnostics"] = .array(self.diagnostics.map(\.json))
        }
        if !self.problems.isEmpty {
            members["problems"] = .array(self.problems.map { .string($0) })
        }
        return .object(["error": .object(members)])
    }
}

extension Diagnostic {
    /// The finding as `-o json` promises it.
    var json: JSONValue {
        .object([
            "severity": .string(self.severity.rawValue), "file": .string(self.file),
            "line": .integer(Int64(self.line)), "column": .integer(Int64(self.column)),
            "message": .string(self.message),
            "hint": self.hint.map { .string($0) } ?? .null,
        ])
    }
}

extension PlanFile {
    /// Compiles a plan named on the command line.
    static func compileNamed(_ path: String) throws -> CompiledPlan {
        try Self.compileNamedWithSources(path).plan
    }

    /// The same with the texts of its files.
    static func compileNamedWithSources(
        _ path: String
    ) throws -> (plan: CompiledPlan, files: [String: String]) {
        do {
            return try Self.compileWithSources(path)
        } catch let error as CompileError {
            throw Failure(error, path: path)
        }
    }
}
