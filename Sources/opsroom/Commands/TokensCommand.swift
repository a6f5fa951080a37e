// `opsroom tokens`: who may talk to a node.

import ArgumentParser
import ControlRoom
import Gateway
import HTTPTypes
import PulserIR
import Store

struct TokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Make, list and revoke API tokens of a running node.",
        discussion: """
            A token reads (read), works with runs (run), or does everything (admin). Its secret is
            shown once; the node keeps a hash of it.

            Examples:
              opsroom tokens create ci --scope run --expires 30d
              opsroom tokens list
              opsroom tokens revoke 4f1c
            """,
        subcommands: [Create.self, First.self, List.self, Revoke.self]
    )

    /// What a token may do.
    enum Scope: String, ExpressibleByArgument, CaseIterable {
        case read
        case work
        case run
        case admin
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a token; its secret goes to stdout, once.",
            discussion: """
                Examples:
                  opsroom tokens create ci --scope run --expires 30d > token
                  opsroom tokens create ana --scope admin --save-as prod
                  opsroom tokens create ben --group ops --group dba
                """
        )

        @Argument(help: "What it is for.") var name: String
        @Option(help: "What it may do.") var scope = Scope.run
        @Option(
            help: ArgumentHelp(
                "A group of its holder, for approvals; repeat for more.",
                valueName: "name"
            )
        )
        var group: [String] = []
        @Option(
            help: ArgumentHelp(
                "How long it holds, as 30d; without, for ever.",
                valueName: "duration"
            )
        )
        var expires: DurationOption?
        @Option(
            name: .customLong("save-as"),
            help: ArgumentHelp("Keep it as a context instead of showing it.", valueName: "name")
        )
        var saveAs: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            var body: [String: JSONValue] = [
                "name": .string(self.name), "scope": .string(self.scope.rawValue),
            ]
            if !self.group.isEmpty { body["groups"] = .array(self.group.map { .string($0) }) }
            body["expires_in_seconds"] = self.expires.map { .integer($0.seconds) }
            let order = JSONValue.object(body)
            let access = try self.place.choice.require("tokens are made")
            let logger = self.place.logger
            let token = try await RemoteConnection.open(access, logger: logger) {
                try await $0.post(["tokens"], order)
            }
            guard let secret = token["token"]?.stringValue else {
                throw RoomError(.failed, "the server made a token and did not show it")
            }
            if let saveAs { return try self.save(secret, as: saveAs, access, token) }
            guard self.output.output == .table else { return self.output.printJSON(token) }
            Terminal.output.line(secret)
            let terminal = Terminal.error
            let expiry = TokenRow(token).expiry.map { "expires \($0)" } ?? "does not expire"
            terminal.line(
                terminal.styled("✓", .green)
                    + " token \(TokenRow(token).id) '\(self.name)' may \(self.scope.rawValue), "
                    + "\(expiry). This is the only time it is shown."
            )
            terminal.line(
                terminal.styled(
                    "Next:  opsroom context add NAME --server \(access.url) --token-file FILE",
                    .dim
                )
            )
        }

        private func save(
            _ secret: String,
            as name: String,
            _ access: ServerAccess,
            _ token: JSONValue
        ) throws {
            try ContextFile.change(environment: ContextCommand.environment) { file in
                var context = ContextFile.Context(name: name, server: access.url.description)
                context.token = secret
                context.ca = access.ca
                context.certificate = access.certificate
                context.key = access.key
                file.put(context)
            }
            guard self.output.output == .table else {
                var members = token.objectValue ?? [:]
                members.removeValue(forKey: "token")
                return self.output.printJSON(.object(members))
            }
            Terminal.output.line("token \(TokenRow(token).id) kept as context \(name)")
        }
    }

    struct First: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "first",
            abstract: "Make a cluster's first token, before it has a node; it goes to stdout.",
            discussion: """
                Nodes that are given its file with --first-token store its hash while the cluster has
                no token that may do everything. It works on no node and no database itself.

                Example:
                  (umask 077; opsroom tokens first > first.token)
                  opsroom node --config /etc/opsroom/node.toml --first-token first.token
                """
        )

        @OptionGroup var output: OutputOptions

        func run() throws {
            let (text, stored) = TokenText.mint(name: "", scope: .admin)
            guard self.output.output == .table else {
                return self.output.printJSON(
                    .object(["id": .string(stored.id), "token": .string(text)])
                )
            }
            Terminal.output.line(text)
            Terminal.error.line(
                Terminal.error.styled("Next:  opsroom node --first-token FILE", .dim)
            )
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Tokens, without their secrets.",
            discussion: """
                Example:
                  opsroom tokens list --all -o json
                """
        )

        @Flag(help: "Expired and revoked ones too.") var all = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let access = try self.place.choice.require("tokens are kept")
            let query = self.all ? [(name: "all", value: "true")] : []
            let tokens = try await RemoteConnection.open(access, logger: self.place.logger) {
                try await RemoteAccess(connection: $0).all(["tokens"], "tokens", query)
            }
            guard self.output.output == .table else {
                return self.output.printJSON("tokens", tokens)
            }
            if tokens.isEmpty {
                Terminal.error.line("no tokens; make one with: opsroom tokens create NAME")
                return
            }
            var table = Table(headers: [
                "TOKEN", "MAY", "NAME", "GROUPS", "CREATED", "LAST USED", "EXPIRES",
            ])
            table.rows = tokens.map { TokenRow($0) }.map {
                [$0.id, $0.scope, $0.name, $0.groups, $0.created, $0.used, $0.state]
            }
            table.print()
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "End a token at once.",
            discussion: """
                Example:
                  opsroom tokens revoke 4f1c
                """
        )

        @Argument(help: "The token's id, or the beginning of it.") var token: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let access = try self.place.choice.require("tokens are kept")
            let wanted = self.token
            let id = try await RemoteConnection.open(access, logger: self.place.logger) {
                try await Self.revoke(wanted, $0)
            }
            guard self.output.output == .table else {
                return self.output.printJSON(.object(["id": .string(id), "revoked": .bool(true)]))
            }
            Terminal.output.line("token \(id) revoked")
        }

        private static func revoke(
            _ wanted: String,
            _ connection: RemoteConnection
        ) async throws -> String {
            let tokens = try await RemoteAccess(connection: connection).all(["tokens"], "tokens")
            let ids = tokens.map { TokenRow($0).id }.filter { $0.hasPrefix(wanted) }
            guard let id = ids.first else {
                throw RoomError(
                    .notFound,
                    "no token's id begins with '\(wanted)'",
                    next: "opsroom tokens list"
                )
            }
            guard ids.count == 1 || ids.contains(wanted) else {
                throw RoomError(
                    .usage,
                    "'\(wanted)' names several tokens: \(ids.joined(separator: ", "))",
                    next: "opsroom tokens list"
                )
            }
            let exact = ids.contains(wanted) ? wanted : id
            _ = try await connection.send(RemoteRequest(method: .delete, path: ["tokens", exact]))
            return exact
        }
    }
}

/// A token for people.
private struct TokenRow {
    let json: JSONValue

    init(_ json: JSONValue) { self.json = json }

    var id: String { self.json["id"]?.stringValue ?? "" }
    var name: String { self.json["name"]?.stringValue ?? "" }
    var groups: String {
        (self.json["groups"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
    }
    var scope: String { self.json["scope"]?.stringValue ?? "" }
    var created: String { self.time("created_at").map(Wording.ago) ?? "" }
    var used: String { self.time("last_used_at").map(Wording.ago) ?? "never" }
    /// When it expires; `nil` when it does not.
    var expiry: String? { self.time("expires_at").map(Wording.ahead) }

    var state: String {
        if let revoked = self.time("revoked_at") { return "revoked \(Wording.ago(revoked))" }
        return self.expiry ?? "never"
    }

    private func time(_ name: String) -> Int64? {
        self.json[name]?.stringValue.flatMap { RunProgress.milliseconds($0) }
    }
}
