// Decides that whoever follows streams at one node has the events of all, while their nodes die and lanes move.

import Compiler
import ControlRoom
import Foundation
import Gateway
import HTTPTypes
import NIOCore
import NIOPosix
import PulserIR
import Store
import Synchronization
import TestBed
import TestKit
import Testing

extension SystemTests {
    @Suite("Relays", .timeLimit(.minutes(4)))
    struct Relays {
        private static let lanes = 12
        private static let work = """
            steps:
              - id: talk
                effects: idempotent
                shell: {argv: [sh, -c, 'for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.02; done']}
            """

        /// By lane the last event that a reader shall have; `nil` while nobody knows.
        private final class Goal: Sendable {
            private let heads = Mutex<[Int64: Int64]?>(nil)

            func set(_ heads: [Int64: Int64]) { self.heads.withLock { $0 = heads } }

            func isReached(by reader: SocketReader) -> Bool {
                self.heads.withLock { heads in
                    heads?.allSatisfy { reader.positions[$0.key] ?? 0 >= $0.value } == true
                }
            }
        }

        private static func node(_ site: Site, _ name: String) async throws -> Program {
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(server.localAddress?.port)
            try await server.close()
            let node = try site.start(
                [
                    "node", "--join", try site.conninfo(), "--name", name, "--peer-listen",
                    "127.0.0.1:\(port)",
                ],
                data: name
            )
            try await eventually("\(name) is ready") {
                if let code = node.exitCode {
                    throw NeverHappened(description: "it ended with \(code): \(node.errorOutput)")
                }
                return node.errorOutput.contains("node ready")
            }
            return node
        }

        private static func bothWork(_ site: Site) async throws {
            try await eventually("both have about half of the shards", within: .seconds(90)) {
                let shares = try await site.rows("SELECT count(*) FROM shard GROUP BY owner")
                return shares.count == 2 && shares.allSatisfy { Int($0[0]) ?? 0 >= 480 }
            }
        }

        /// Runs of every lane; returns when all have ended.
        private static func work(
            _ site: Site,
            runs count: Int,
            meanwhile body: () async throws -> Void = {}
        ) async throws -> [Int64] {
            let plan = try PlanFile.compile(try site.plan("talk", Self.work))
            let ids = try await site.withStore { store in
                var ids: [Int64] = []
                for lane in 0..<Self.lanes {
                    ids.append(
                        try await store.ensureLane(
                            session: Store.defaultSession,
                            lane: "l\(lane)"
                        )
                    )
                }
                let runs = (0..<count).map {
                    NewRun(lane: ids[$0 % ids.count], planDigest: plan.digest)
                }
                _ = try await store.enqueue(runs, plans: plan.rows)
                return ids
            }
            try await body()
            try await eventually("every run has ended", within: .seconds(90)) {
                let open = "SELECT count(*) FROM run_any WHERE finished_at IS NULL"
                return try await site.rows(open)[0][0] == "0"
            }
            return ids
        }

        /// Commits that relays have brought to a node so far.
        private static func relayed(_ site: Site) async throws -> Int {
            try await APIClient.with(site, data: "n1") { client in
                let page = try await client.send(.get, "/metrics")
                let text = String(decoding: page.bytes, as: UTF8.self)
                let name = "ops_gateway_relay_chunks_total "
                let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
                return line.flatMap { Double($0.dropFirst(name.count)) }.map { Int($0) } ?? 0
            }
        }

        @Test(
            "a subscriber at one node misses and repeats nothing while another dies and comes back"
        )
        func everything() async throws {
            try await Site.with { site in
                _ = try await Self.node(site, "n1")
                let second = try await Self.node(site, "n2")
                try await Self.bothWork(site)
                let context = try site.context(data: "n1")
                let port = try ServerURL(context.server).port
                let goal = Goal()
                try await withThrowingTaskGroup(of: SocketReader.self) { group in
                    group.addTask {
                        try await onOwnThread {
                            var reader = SocketReader(
                                port: port,
                                path: "/v1/events",
                                wire: .http1,
                                form: .serverSentEvents,
                                token: context.token
                            )
                            let socket = try reader.connect()
                            _ = try reader.read(socket) { goal.isReached(by: $0) }
                            return reader
                        }
                    }
                    _ = try await Self.work(site, runs: 24)
                    try await eventually("relays bring events") {
                        _ = try await Self.work(site, runs: 12)
                        return try await Self.relayed(site) > 0
                    }
                    // Its lanes become the subscriber's node's own.
                    _ = try await Self.work(site, runs: 48) { try await second.killHard() }
                    // They move to a node again, beside their runs.
                    _ = try await Self.node(site, "n2")
                    _ = try await Self.work(site, runs: 48)
                    try await Self.bothWork(site)
                    let before = try await Self.relayed(site)
                    try await eventually("relays bring events again") {
                        _ = try await Self.work(site, runs: 12)
                        return try await Self.relayed(site) > before
                    }
                    let lanes = try await Self.work(site, runs: 1)
                    let stored = try await site.withStore { store in
                        var stored: [Int64: [EventChunk]] = [:]
                        for lane in lanes {
                            stored[lane] = try await store.events(
                                lane: lane,
                                from: 1,
                                limit: 10_000
                            )
                        }
                        return stored
                    }
                    goal.set(stored.mapValues { ($0.last?.endSequence ?? 1) - 1 })
                    // Has the reader look at its goal.
                    _ = try await Self.work(site, runs: 1)
                    let reader = try #require(try await group.next())
                    #expect(reader.connections == 1)
                    for lane in lanes {
                        let bytes = (stored[lane] ?? []).flatMap(\.bytes)
                        #expect(reader.lines[lane]?.starts(with: bytes) == true, "lane \(lane)")
                    }
                }
            }
        }
    }
}
