// Decides what those who follow a node's events lose when it is killed under load: nothing that was committed.

import ControlRoom
import Foundation
import PulserIR
import Synchronization
import TestBed
import TestKit
import Testing

extension SystemTests {
    @Suite("Losing the node", .timeLimit(.minutes(4)))
    struct NodeLoss {
        /// Prints five lines at a time until there is a file.
        private static let plan = """
            inputs: {dir: {type: string}}
            retry: {max_attempts: 1}
            steps:
              - id: print
                effects: idempotent
                shell:
                  argv:
                    - sh
                    - -c
                    - 'while [ ! -e "$D/stop" ]; do printf "%s\\n" one two three four five; sleep 0.02; done'
                  env: {D: "{{ inputs.dir }}"}
            """
        private static let lanes = ["A", "B", "C"]

        /// What readers are told while they read.
        private final class Goal: Sendable {
            private let state = Mutex<(ends: [Int64: Int64]?, seen: [Int64])>((nil, []))

            init(readers: Int) {
                self.state.withLock { $0.seen = Array(repeating: 0, count: readers) }
            }

            /// By lane its last event, once nothing more will come.
            var ends: [Int64: Int64]? {
                get { self.state.withLock(\.ends) }
                set { self.state.withLock { $0.ends = newValue } }
            }

            /// Events that the reader furthest behind has had.
            var slowest: Int64 { self.state.withLock { $0.seen.min() ?? 0 } }

            func saw(_ reader: Int, _ count: Int64) {
                self.state.withLock { $0.seen[reader] = count }
            }
        }

        /// Reads to the end of the logs, over as many nodes as it takes.
        private static func follow(
            _ reader: SocketReader,
            number: Int,
            _ goal: Goal
        ) async throws -> SocketReader {
            var reader = reader
            while reader.positions != goal.ends {
                // While no node listens; one that comes back does on the same port.
                var socket: EventSocket?
                try await eventually("somebody listens") {
                    socket = try? reader.connect()
                    return socket != nil
                }
                let link = Link(socket)
                socket = nil
                let before = reader
                reader = try await onOwnThread { try link.read(before, number, goal) }
            }
            return reader
        }

        /// Hands a socket to the thread that reads it.
        //
        // SAFETY: made by one task and used by the one thread that the task waits for.
        private final class Link: @unchecked Sendable {
            private let socket: EventSocket?

            init(_ socket: EventSocket?) { self.socket = socket }

            func read(_ reader: SocketReader, _ number: Int, _ goal: Goal) throws -> SocketReader {
                guard let socket else { return reader }
                var reader = reader
                _ = try reader.read(socket) { reader in
                    goal.saw(number, reader.eventCount)
                    return reader.positions == goal.ends
                }
                return reader
            }
        }

        /// By lane what is stored of its log.
        private func stored(_ site: Site) async throws -> [Int64: [UInt8]] {
            let rows = try await site.rows(
                """
                SELECT lane_id, convert_from(bytes, 'UTF8') FROM run_events
                ORDER BY lane_id, first_seq
                """
            )
            return rows.reduce(into: [:]) { logs, row in
                logs[Int64(row[0]) ?? 0, default: []] += Array(row[1].utf8)
            }
        }

        /// What a tail printed, by lane as it is stored.
        private func printed(_ output: String) -> [Int64: [UInt8]] {
            output.split(separator: "\n").reduce(into: [:]) { logs, line in
                guard let match = line.prefixMatch(of: /\{"lane":([0-9]+),/) else { return }
                let rest = line[match.range.upperBound...]
                logs[Int64(match.1) ?? 0, default: []] += Array("{\(rest)\n".utf8)
            }
        }

        /// Starts a run in every lane, and the readers' clients; then kills the node again and again.
        private func campaign(
            _ site: Site,
            kills: Int,
            _ random: inout SeededGenerator
        ) async throws {
            var node = try await site.startListeningNode()
            let port = try ServerURL(node.url).port
            let token = try site.context().token
            let plan = try site.plan("print", Self.plan)
            for lane in Self.lanes {
                let words = ["run", plan, "--input", "dir=\(site.folder)", "--lane", lane]
                let started = try await site.run(words + ["--detach"])
                try #require(started.code == 0, "\(started.error)")
            }
            let tail = try site.start(
                ["events", "tail", "-o", "jsonl", "--from", "start"],
                data: nil,
                environment: node.environment
            )
            // Whoever finds no node at the beginning says so and ends.
            try await eventually("the tail has begun") { !tail.output.isEmpty }
            let ways = EventSocket.Wire.allCases.flatMap { wire in
                StreamParser.Form.allCases.map { (wire, $0) }
            }
            let goal = Goal(readers: ways.count)
            let moments = (0..<kills).map { _ in Int64.random(in: 50...600, using: &random) }
            let readers = try await withThrowingTaskGroup(of: SocketReader?.self) { group in
                for (number, way) in ways.enumerated() {
                    let reader = SocketReader(
                        port: port,
                        path: "/v1/events",
                        wire: way.0,
                        form: way.1,
                        token: token
                    )
                    group.addTask { try await Self.follow(reader, number: number, goal) }
                }
                for moment in moments {
                    let before = goal.slowest
                    try await eventually("all readers go on") { goal.slowest > before + moment }
                    try await node.program.killHard()
                    node = try await site.startListeningNode(at: node.url)
                }
                try Data().write(to: URL(fileURLWithPath: site.folder + "/stop"))
                try await eventually("the runs end") {
                    try await site.rows("SELECT 1 FROM run_any WHERE status = 'succeeded'").count
                        == Self.lanes.count
                }
                goal.ends = try await self.stored(site).mapValues { log in
                    Int64(log.count { $0 == UInt8(ascii: "\n") })
                }
                // Those who have everything by now hear of it when their connection ends.
                try await node.program.killHard()
                node = try await site.startListeningNode(at: node.url)
                return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
            }
            let stored = try await self.stored(site)
            #expect(stored.count == Self.lanes.count)
            #expect(readers.count == ways.count)
            for reader in readers {
                #expect(reader.lines == stored, "\(reader.wire), \(reader.form)")
                #expect(reader.connections > kills)
            }
            try await eventually("the tail has all: \(tail.errorOutput)") {
                self.printed(tail.output) == stored
            }
            tail.send(SIGINT)
            #expect(try await tail.end() == 130)
            #expect(self.printed(tail.output) == stored)
        }

        @Test("killed again and again under load, it loses nothing that it had committed")
        func killed() async throws {
            let given = ProcessInfo.processInfo.environment["OPSROOM_SEED"].flatMap { UInt64($0) }
            let seed = given ?? UInt64.random(in: 0...UInt64.max)
            var random = SeededGenerator(seed: seed)
            do {
                try await Site.with { site in
                    try await self.campaign(site, kills: 5, &random)
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}
