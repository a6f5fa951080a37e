// Decides how a node that is told to stop leaves those who follow it, and where it listens when its port is taken.

import ControlRoom
import Foundation
import NIOCore
import NIOPosix
import PulserIR
import StateMachines
import Synchronization
import TestBed
import TestKit
import Testing

extension SystemTests {
    @Suite("Leaving", .timeLimit(.minutes(3)))
    struct Farewell {
        /// Streams that were greeted.
        private final class Greeted: Sendable {
            private let value = Mutex(0)

            var count: Int { self.value.withLock(\.self) }

            func add() { self.value.withLock { $0 += 1 } }
        }

        @Test(
            "a node that is told to stop says bye with a cursor to every stream, and ends in time",
            arguments: [SIGTERM, SIGINT]
        )
        func bye(signal: Int32) async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let port = try ServerURL(node.url).port
                let token = try #require(try site.context().token)
                let plan = try site.plan("one", "steps: [{id: a, shell: {argv: [echo, hi]}}]")
                #expect(try await site.run(["run", plan]).code == 0)
                let ways = EventSocket.Wire.allCases.flatMap { wire in
                    StreamParser.Form.allCases.map { (wire, $0) }
                }
                let greeted = Greeted()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (wire, form) in ways {
                        group.addTask {
                            let parts = try await onOwnThread {
                                try Self.readToEnd(port, wire, form, token, greeted)
                            }
                            let last = try #require(parts.last)
                            #expect(last.name == "bye", "\(wire), \(form)")
                            #expect(StreamCursor(last.cursor ?? "") != nil)
                            #expect(last.data["retry_ms"]?.integerValue ?? 0 > 0)
                        }
                    }
                    try await eventually("all are greeted") { greeted.count == ways.count }
                    node.program.send(signal)
                    #expect(try await node.program.end(within: .seconds(30)) == 0)
                    try await group.waitForAll()
                }
            }
        }

        /// Reads a stream to its end, which has to be a proper one.
        private static func readToEnd(
            _ port: Int,
            _ wire: EventSocket.Wire,
            _ form: StreamParser.Form,
            _ token: String,
            _ greeted: Greeted
        ) throws -> [StreamPart] {
            let socket = try EventSocket(
                port: port,
                wire: wire,
                path: "/v1/events?from=start",
                fields: [("accept", form.rawValue), ("authorization", "Bearer \(token)")]
            )
            var parser = StreamParser(form)
            var isGreeted = false
            while !socket.isEnded {
                parser.feed(try socket.read(within: 60))
                if !isGreeted, parser.eventCount > 0 {
                    isGreeted = true
                    greeted.add()
                }
            }
            guard socket.isComplete else {
                throw EventSocketFailure(description: "\(wire), \(form): the connection broke")
            }
            return parser.parts
        }

        @Test(
            "when the usual port is taken a node takes another one, says so, and commands find it"
        )
        func usualPort() async throws {
            // Taken by this test, unless somebody else has it already.
            let holder = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: ListenSettings.defaultPort).get()
            let result: Result<Void, any Error>
            do {
                try await Site.with { site in
                    let node = try await site.startNode(environment: ["OPSROOM_LISTEN": ""])
                    let usual = "port \(ListenSettings.defaultPort) is taken; listening on "
                    #expect(node.errorOutput.contains(usual), "\(node.errorOutput)")
                    let server = try site.context().server
                    #expect(server != "http://127.0.0.1:\(ListenSettings.defaultPort)")
                    let asked = try await site.run(
                        ["nodes", "list"],
                        data: nil,
                        environment: ["OPSROOM_CONTEXT": try site.context().name]
                    )
                    #expect(asked.code == 0 && !asked.output.isEmpty, "\(asked.error)")
                }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try? await holder?.close()
            try result.get()
        }
    }
}
