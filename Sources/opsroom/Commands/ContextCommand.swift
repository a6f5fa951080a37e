// `opsroom context`: the servers this person knows, and which one commands talk to.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Name servers and choose the one that commands talk to.",
        discussion: """
            Contexts lie in ~/.config/opsroom/config.toml, which only you can read. A flag wins over
            the environment (OPSROOM_SERVER, OPSROOM_TOKEN, OPSROOM_CONTEXT), the environment over
            the current context. Without any of them commands work on the data directory.

            Examples:
              opsroom context add prod --server https://ops.example:7460 --token-file token
              opsroom context use prod
              opsroom context use --none
            """,
        subcommands: [List.self, Show.self, Use.self, Add.self, Remove.self]
    )

    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "All contexts; the current one is marked.",
            discussion: """
                Example:
                  opsroom context list -o json
                """
        )

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let file = try ContextFile.read(environment: ContextCommand.environment)
            guard self.output.output == .table else {
                return self.output.printJSON("contexts", file.contexts.map { Self.json($0, file) })
            }
            if file.contexts.isEmpty {
                Terminal.error.line("no contexts; a node that is started adds one: opsroom up")
                return
            }
            var table = Table(headers: ["", "NAME", "SERVER", "TOKEN", "DATA"])
            table.style = { column, text in column == 0 && !text.isEmpty ? .green : nil }
            table.rows = file.contexts.map {
                [
                    $0.name == file.current ? "●" : "", $0.name, $0.server,
                    $0.token == nil ? "none" : "set", $0.data ?? "",
                ]
            }
            table.print()
        }

        private static func json(_ context: ContextFile.Context, _ file: ContextFile) -> JSONValue {
            .object([
                "name": .string(context.name), "server": .string(context.server),
                "is_current": .bool(context.name == file.current),
                "has_token": .bool(context.token != nil),
                "data": context.data.map { .string($0) } ?? .null,
                "ca": context.ca.map { .string($0) } ?? .null,
                "certificate": context.certificate.map { .string($0) } ?? .null,
                "key": context.key.map { .string($0) } ?? .null,
            ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Whom commands talk to now.",
            discussion: """
                Example:
                  opsroom context show --origin
                """
        )

        @Flag(help: "Say where each value came from.") var origin = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let values: [RoomConfiguration.Value]
            if let access = try self.place.choice.resolve() {
                values = access.origins
            } else {
                values = try self.place.configuration().origins.compactMap { value in
                    var value = value
                    switch value.name {
                    case Setting.data.rawValue: return value
                    case Setting.join.rawValue:
                        value.name = "database"
                        return value
                    default: return nil
                    }
                }
            }
            guard self.output.output == .table else {
                return self.output.printJSON("settings", values.map(\.json))
            }
            let width = values.map(\.name.count).max() ?? 0
            for value in values {
                let name = value.name.padding(toLength: width, withPad: " ", startingAt: 0)
                let origin = self.origin ? Terminal.output.styled("  (\(value.origin))", .dim) : ""
                Terminal.output.line("\(name)  \(value.value)\(origin)")
            }
        }
    }

    struct Use: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "use",
            abstract: "Have commands talk to a server; with --none to the data directory again.",
            discussion: """
                Examples:
                  opsroom context use prod
                  opsroom context use --none
                """
        )

        @Argument(help: "The context.", completion: .custom(ContextCompletion.names))
        var name: String?
        @Flag(help: "No context: the data directory.") var none = false

        func validate() throws {
            guard (self.name != nil) != self.none else {
                throw ValidationError("name a context, or say --none")
            }
        }

        func run() async throws {
            let name = self.name
            try ContextFile.change(environment: ContextCommand.environment) {
                file throws(RoomError) in try file.use(name)
            }
            Terminal.output.line(
                name.map { "commands talk to \($0) now" }
                    ?? "commands work on the data directory now"
            )
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Name a server, or change what a name means.",
            discussion: """
                A token is read from a file or stdin: what stands on a command line others can see.

                Examples:
                  opsroom context add prod --server https://ops.example:7460 --token-file token
                  pass show ops | opsroom context add prod --server https://ops.example --token-file -
                """
        )

        @Argument(help: "Its name.") var name: String
        @Option(help: ArgumentHelp("The server.", valueName: "url")) var server: String
        @Option(
            name: .customLong("token-file"),
            help: ArgumentHelp("Where the token is read from; - is stdin.", valueName: "file"),
            completion: .file()
        )
        var tokenFile: String?
        @Option(
            help: ArgumentHelp("PEM of who signs the server's certificate.", valueName: "file"),
            completion: .file()
        )
        var ca: String?
        @Option(
            help: ArgumentHelp("PEM of your own certificate.", valueName: "file"),
            completion: .file()
        )
        var certificate: String?
        @Option(help: ArgumentHelp("PEM of its key.", valueName: "file"), completion: .file())
        var key: String?
        @Flag(help: "Make it the current one too.") var use = false

        func validate() throws {
            guard self.name.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/) != nil else {
                throw ValidationError(
                    "'\(self.name)' cannot name a context: "
                        + "letters, digits, '.', '-', '_', at most 64"
                )
            }
            guard (self.certificate == nil) == (self.key == nil) else {
                throw ValidationError("--certificate and --key go together")
            }
        }

        func run() async throws {
            let url = try ServerURL(self.server)
            let token = try self.token()
            try ContextFile.change(environment: ContextCommand.environment) {
                file throws(RoomError) in
                let known = file.contexts.first { $0.name == self.name }
                var context = ContextFile.Context(name: self.name, server: url.description)
                // A token goes only where it was meant to go.
                context.token = token ?? (known?.server == context.server ? known?.token : nil)
                context.data = known?.server == context.server ? known?.data : nil
                context.ca = Self.absolute(self.ca) ?? known?.ca
                context.certificate = Self.absolute(self.certificate) ?? known?.certificate
                context.key = Self.absolute(self.key) ?? known?.key
                file.put(context)
                if self.use { try file.use(self.name) }
            }
            Terminal.output.line("context \(self.name) is \(url)")
            if !self.use { Terminal.error.line("Next:  opsroom context use \(self.name)") }
        }

        private func token() throws(RoomError) -> String? {
            guard let path = self.tokenFile else { return nil }
            let handle =
                path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
            let bytes = try? handle?.read(upToCount: 4_096)
            let text = bytes.map { String(decoding: $0, as: UTF8.self) }
            guard let token = text?.trimmingCharacters(in: .whitespacesAndNewlines), !token.isEmpty
            else {
                throw RoomError(
                    .usage,
                    path == "-" ? "stdin holds no token" : "\(path) holds no token",
                    next: path == "-" ? nil : "ls -l \(ShellWord.quoted(path))"
                )
            }
            return token
        }

        private static func absolute(_ path: String?) -> String? {
            path.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Forget a context and its token.",
            discussion: """
                Example:
                  opsroom context remove prod
                """
        )

        @Argument(help: "The context.", completion: .custom(ContextCompletion.names))
        var name: String

        func run() async throws {
            let name = self.name
            try ContextFile.change(environment: ContextCommand.environment) {
                file throws(RoomError) in try file.remove(name)
            }
            Terminal.output.line("context \(name) removed")
        }
    }
}

/// Completes names of contexts.
enum ContextCompletion {
    @Sendable
    static func names(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
        let file = try? ContextFile.read(environment: ContextCommand.environment)
        return (file?.contexts.map(\.name) ?? []).filter { $0.hasPrefix(prefix) }
    }
}
