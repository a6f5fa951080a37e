// What `opsroom up` and `opsroom node` have in common: flags of a node, and a node in the foreground.

import ArgumentParser
import ControlRoom
import Foundation
import HTTP2

/// Flags of a node.
struct NodeOptions: ParsableArguments {
    @Option(help: "The node's name (default: the host's).")
    var name: String?
    @Option(name: .customLong("runs-max"), help: "Runs at once on this node (default 64).")
    var runsMax: Int?
    @Option(
        name: .customLong("drain-timeout"),
        help: ArgumentHelp(
            "How long running steps may finish when it stops (default 10s).",
            valueName: "duration"
        )
    )
    var drainTimeout: String?
    @Option(
        help: ArgumentHelp(
            "Where to listen (default 127.0.0.1:7460), or 'off'.",
            valueName: "host:port"
        )
    )
    var listen: String?
    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp("PEM file of the certificate chain.", valueName: "file"),
        completion: .file()
    )
    var certificate: String?
    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("PEM file of its key.", valueName: "file"),
        completion: .file()
    )
    var key: String?
    @Option(
        name: .customLong("client-ca"),
        help: ArgumentHelp("PEM file of the authorities of clients.", valueName: "file"),
        completion: .file()
    )
    var clientAuthority: String?
    @Option(
        name: .customLong("first-token"),
        help: ArgumentHelp(
            "The first administrator's token (opsroom tokens first), stored while there is none.",
            valueName: "file"
        ),
        completion: .file()
    )
    var firstToken: String?
    @Option(
        name: .customLong("seal-key-file"),
        help: ArgumentHelp(
            "Keys (opsroom seal key) that seal inputs and outputs before they are stored.",
            valueName: "file"
        ),
        completion: .file()
    )
    var sealKeys: String?

    /// What was said.
    var flags: [Setting: String] {
        var flags: [Setting: String] = [:]
        flags[.name] = self.name
        flags[.runsMax] = self.runsMax.map(String.init)
        flags[.drainTimeout] = self.drainTimeout
        flags[.listen] = self.listen
        flags[.certificate] = self.certificate
        flags[.key] = self.key
        flags[.clientAuthority] = self.clientAuthority
        flags[.firstToken] = self.firstToken
        flags[.sealKeys] = self.sealKeys
        return flags
    }
}

/// Flags of a node that belongs to a cluster.
struct PeerOptions: ParsableArguments {
    @Option(
        name: .customLong("peer-listen"),
        help: ArgumentHelp("Where other nodes call (default off).", valueName: "host:port")
    )
    var listen: String?
    @Option(
        name: .customLong("peer-address"),
        help: ArgumentHelp(
            "What they are told to call (default: --peer-listen).",
            valueName: "host:port"
        )
    )
    var address: String?
    @Option(
        name: .customLong("peer-ca"),
        help: ArgumentHelp("PEM file of the authority of nodes.", valueName: "file"),
        completion: .file()
    )
    var authority: String?
    @Option(help: "The node's failure domain: lanes are spread over them.")
    var zone: String?

    /// What was said.
    var flags: [Setting: String] {
        var flags: [Setting: String] = [:]
        flags[.peerListen] = self.listen
        flags[.peerAddress] = self.address
        flags[.peerAuthority] = self.authority
        flags[.zone] = self.zone
        return flags
    }
}

/// A node in the foreground, until a signal.
struct ForegroundNode {
    let configuration: RoomConfiguration

    /// Takes a node's settings.
    ///
    /// - Parameters:
    ///   - reader: Knows flags, environment and file.
    ///   - joins: Whether it needs a database that others reach too.
    /// - Throws: ``SettingsError`` naming all that cannot be used; `refused` when the node could be
    ///   overheard.
    init(_ reader: inout SettingReader, joins: Bool = false) throws {
        var configuration = RoomConfiguration(
            &reader,
            environment: ProcessInfo.processInfo.environment
        )
        configuration.listen = ListenSettings.read(&reader)
        if joins {
            configuration.peers = PeerListenSettings.read(&reader)
            configuration.zone = reader.zone()
        }
        configuration.origins = reader.origins
        self.configuration = configuration
        if joins, configuration.databaseURL == nil {
            reader.refuse(
                .join,
                "is missing: a node joins others by their database, so give --join, DATABASE_URL or "
                    + "join in the file (opsroom up runs one node with a database of its own)"
            )
        }
        try reader.finish()
        try configuration.listen?.check()
    }

    /// Runs it; at the first signal it drains, at the second one it ends at once.
    ///
    /// - Parameters:
    ///   - options: The flags that name the data directory.
    ///   - purpose: The command's name.
    ///   - end: Returns when the node shall stop without a signal.
    /// - Throws: Why it cannot be a node.
    func run(
        _ options: RoomOptions,
        purpose: String,
        until end: (@Sendable () async -> Void)? = nil
    ) async throws {
        let room = options.room(self.configuration) { Self.tell($0) }
        let patience = self.configuration.drainTimeout.formatted(.units(width: .narrow))
        let settings = self.configuration.origins.filter { $0.origin != "default" }
        try await room.open(purpose: purpose, node: .here) { _ in
            for setting in settings {
                let line = "  \(setting.name) = \(setting.value)  (\(setting.origin))"
                Terminal.error.line(Terminal.error.styled(line, .dim))
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await Signals.wait() }
                if let end { group.addTask { await end() } }
                await group.next()
                group.cancelAll()
            }
            Terminal.error.line(
                "stopping: running steps may finish for up to \(patience); Ctrl-C again ends at once"
            )
        }
        Terminal.error.line("stopped")
    }

    /// Where the page is, for who sits at this machine.
    private static func tellPage(_ address: String?) {
        guard let address, let url = try? ServerURL(address), url.isThisMachine,
            PageFolder.find(environment: ProcessInfo.processInfo.environment) != nil
        else { return }
        Terminal.error.line("  page  \(url)/ui   (opsroom open signs you in)")
    }

    private static func tell(_ notice: Room.Notice) {
        let terminal = Terminal.error
        switch notice {
        case .database(let takenOver):
            terminal.line(
                takenOver
                    ? "embedded Postgres taken over: a node ended without stopping it"
                    : "embedded Postgres started"
            )
        case .migrated(let names): terminal.line("migrated: \(names.joined(separator: ", "))")
        case .ready(let address):
            let place = address.map { ", API at \($0)" } ?? ""
            terminal.line(terminal.styled("✓ node ready\(place)", .green))
            Self.tellPage(address)
        case .otherPort(let port):
            terminal.line("! port \(ListenSettings.defaultPort) is taken; listening on \(port)")
        case .firstToken(let context, let path):
            terminal.line("made a token for this machine: context '\(context)' in \(path)")
        case .storedToken(let id, let path):
            terminal.line("stored the first token, \(id) of \(path): it may do everything")
        case .noToken(let reason): terminal.line("! no token for this machine: \(reason)")
        case .databaseUnavailable(let reason): terminal.line("! \(reason)")
        case .databaseAvailable: terminal.line("✓ database available again")
        case .certificate(.renewed): terminal.line("✓ certificate renewed")
        case .certificate(.refused(let reason)):
            terminal.line("! the new certificate cannot be used, the old one stays: \(reason)")
        case .reborn: terminal.line("! \(LocalCluster.rebirth)")
        }
    }
}
