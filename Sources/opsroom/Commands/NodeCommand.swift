// `opsroom node`: a node of a cluster, which shares its database with others.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run a node of a cluster in the foreground until SIGTERM.",
        discussion: """
            Nodes that join the same database share its lanes. A setting is taken from its flag,
            else from the environment, else from the file, else its default holds; what is wrong is
            told all at once, with its origin. Keys of the file are the flags' names:

              join = "postgres://ops@db/opsroom"     # or DATABASE_URL
              name = "n1"                            # or OPSROOM_NAME, and so on
              listen = "0.0.0.0:7460"
              tls-cert = "n1.pem"                    # paths count from the file's folder
              tls-key = "n1.key"
              first-token = "first.token"            # of opsroom tokens first
              peer-listen = "0.0.0.0:7461"           # other nodes call here, with certificates
              peer-address = "n1.example:7461"
              peer-ca = "ca.pem"
              drain-timeout = "30s"

            With peer-listen nodes watch each other, and the work of one that is gone goes on within
            seconds; without it they wait until its lease in the database is over. The certificate
            is one of 'opsroom certs node NAME', NAME the node's own.

            SIGTERM or Ctrl-C drains: it takes no new work, running steps finish, its shards go to
            the other nodes. A second signal ends it at once.

            Examples:
              opsroom node --join postgres://ops@db/opsroom --data /var/lib/opsroom/n2 --name n2
              opsroom node --config /etc/opsroom/node.toml
              opsroom node --config /etc/opsroom/node.toml --show-config
            """
    )

    @Option(
        help: ArgumentHelp("The cluster's database: postgres://…", valueName: "url")
    )
    var join: String?
    @Option(
        help: ArgumentHelp("A TOML file with settings.", valueName: "file"),
        completion: .file()
    )
    var config: String?
    @Flag(
        name: .customLong("show-config"),
        help: "Show every setting with its origin, check them, and start nothing."
    )
    var showsConfig = false
    @Flag(name: .customLong("until-stdin-ends"), help: .hidden) var untilStdinEnds = false
    @OptionGroup var node: NodeOptions
    @OptionGroup var peers: PeerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var room: RoomOptions

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var flags = self.node.flags
        flags.merge(self.peers.flags) { _, last in last }
        flags[.data] = self.room.data
        flags[.join] = self.join
        let named = environment[SettingsFile.variable].flatMap { $0.isEmpty ? nil : $0 }
        let file = try (self.config ?? named).map { path throws(RoomError) in
            try SettingsFile(reading: path)
        }
        var reader = SettingReader(flags: flags, environment: environment, file: file)
        let node = Result { try ForegroundNode(&reader, joins: true) }
        // Shown also when something is wrong: that is when people look.
        if self.showsConfig { self.show(reader.origins) }
        let ready = try node.get()
        if self.showsConfig { return }
        let purpose = "opsroom node"
        guard self.untilStdinEnds else { return try await ready.run(self.room, purpose: purpose) }
        try await ready.run(self.room, purpose: purpose) { await StandardInput.end() }
    }

    private func show(_ origins: [RoomConfiguration.Value]) {
        let settings = Setting.allCases.compactMap { setting in
            origins.first { $0.name == setting.rawValue }
        }
        guard self.output.output == .table else {
            return self.output.printJSON("settings", settings.map(\.json))
        }
        var table = Table(headers: ["SETTING", "VALUE", "ORIGIN"])
        table.rows = settings.map { [$0.name, $0.value, $0.origin] }
        table.style = { column, text in column == 2 && text == "default" ? .dim : nil }
        table.print()
    }
}

extension RoomConfiguration.Value {
    /// The shape that `-o json` promises.
    var json: JSONValue {
        .object([
            "name": .string(self.name), "value": .string(self.value),
            "origin": .string(self.origin),
        ])
    }
}
