// `opsroom open`: a node's page in the browser, signed in.

import ArgumentParser
import ControlRoom
import Foundation
import HTTPTypes
import PulserIR

struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Open a node's page in the browser, signed in.",
        discussion: """
            The address carries a code in place of the token: it is good once, for 60 s, on that
            node alone. The desktop's program does not see it either: it opens a file that leads
            there and is removed after 20 s. Where there is no browser the address is printed.

            Examples:
              opsroom open
              opsroom open --print
              opsroom open --context prod
            """
    )

    @Flag(name: .customLong("print"), help: "Print the address instead of opening it.")
    var isPrinted = false
    @OptionGroup var place: PlaceOptions

    func run() async throws {
        let server = try self.place.choice.require("the page is served")
        let code = try await RemoteConnection.open(server, logger: self.place.logger) {
            try await Self.code($0)
        }
        let page = "\(server.url)/ui"
        // Behind the `#`: browsers send that part to nobody.
        let address = code.map { "\(page)#code=\($0)" } ?? page
        let environment = ProcessInfo.processInfo.environment
        if !self.isPrinted,
            await Browser.open(address, isSecret: code != nil, environment: environment)
        {
            Terminal.error.line("opened \(page); if no browser shows it: opsroom open --print")
            return
        }
        Terminal.output.line(address)
        guard Terminal.error.isTerminal else { return }
        Terminal.error.line(
            code == nil
                ? "sign in there with a token: opsroom tokens create NAME --scope run"
                : "open it within 60 s: it signs in once"
        )
    }

    /// A code for the page; `nil` where there is no token to make one with.
    private static func code(_ connection: RemoteConnection) async throws -> String? {
        let page = try await connection.send(
            RemoteRequest(path: ["ui"], root: "/", isLenient: true)
        )
        guard page.head.status.code == 200 else {
            throw RoomError(
                .notFound,
                "the node at \(connection.access.url) serves no page",
                next: "opsroom doctor"
            )
        }
        guard connection.access.token != nil else { return nil }
        return try await connection.post(["browser-codes"])["code"]?.stringValue
    }
}
