// Where a command works: on a data directory, or on a node that runs somewhere.

import ArgumentParser
import ControlRoom
import Foundation
import Logging

/// Flags that name a data directory.
protocol NamesData {
    var data: String? { get }
    var verbose: Bool { get }
}

extension NamesData {
    func configuration(_ more: [Setting: String] = [:]) throws -> RoomConfiguration {
        var flags = more
        flags[.data] = self.data
        return try RoomConfiguration(flags, environment: ProcessInfo.processInfo.environment)
    }

    func room(
        _ configuration: RoomConfiguration,
        onNotice: @escaping @Sendable (Room.Notice) -> Void = { _ in }
    ) -> Room {
        Room(configuration, logger: self.logger, onNotice: onNotice)
    }

    var logger: Logger {
        LogSetup.once(isVerbose: self.verbose)
        return Logger(label: "opsroom")
    }

    /// Opens the room for a command.
    func client<Value: Sendable>(
        node: Room.NodeNeed = .none,
        _ body: @escaping @Sendable (RoomClient) async throws -> Value
    ) async throws -> Value {
        try await self.room(self.configuration()).open(purpose: "opsroom", node: node, body)
    }
}

/// Which room a command means that only works where the data is.
struct RoomOptions: ParsableArguments, NamesData {
    @Option(help: ArgumentHelp("The data directory (default .opsroom).", valueName: "folder"))
    var data: String?

    @Flag(name: .long, help: "Tell on stderr what happens inside.")
    var verbose = false

    @Option(help: .hidden) var server: String?
    @Option(help: .hidden) var context: String?

    func validate() throws {
        guard self.server != nil || self.context != nil else { return }
        throw ValidationError(
            "this command works where the data is, not over the network: "
                + "run it on the node's machine, with --data"
        )
    }
}

/// Which room or server a command means.
struct PlaceOptions: ParsableArguments, NamesData {
    @Option(help: ArgumentHelp("The data directory (default .opsroom).", valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("A running node instead: its address.", valueName: "url"))
    var server: String?

    @Option(
        help: ArgumentHelp("A running node instead: its name among the contexts."),
        completion: .custom(ContextCompletion.names)
    )
    var context: String?

    @Flag(name: .long, help: "Tell on stderr what happens inside.")
    var verbose = false

    /// What was said about where to work.
    var choice: ServerChoice {
        ServerChoice(
            server: self.server,
            context: self.context,
            data: self.data,
            environment: ProcessInfo.processInfo.environment
        )
    }
}

/// Logs go to stderr; only warnings unless asked.
enum LogSetup {
    private static let isVerbose: Bool = {
        let isVerbose = CommandLine.arguments.contains("--verbose")
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = isVerbose ? .debug : .critical
            return handler
        }
        return isVerbose
    }()

    static func once(isVerbose: Bool) { _ = Self.isVerbose }
}
