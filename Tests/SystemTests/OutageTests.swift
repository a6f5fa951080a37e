// Decides what a stopped database means to running work: a pause.

import ControlRoom
import Foundation
import Glibc
import TestBed
import TestPeers
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(4)))
    struct Outage {
        /// Six steps of 0.4 s, each leaving a line.
        private static let chain: String = {
            let steps = (0..<6).map { number in
                """
                  - id: s\(number)
                \(number > 0 ? "    needs: [s\(number - 1)]\n" : "")    effects: destructive
                    shell: {argv: [sh, -c, 'echo "$1" >> "$2"; sleep 0.4', sh, s\(number), "{{ inputs.file }}"]}
                """
            }
            return "inputs: {file: {type: string}}\nsteps:\n" + steps.joined(separator: "\n")
        }()

        /// A server of the test's own, which it may stop.
        private struct Server {
            let directory: DataDirectory
            var running: EmbeddedPostgres

            init() async throws {
                self.directory = try DataDirectory.open(TestPostgres.temporaryDirectory())
                self.running = try await TestPostgres.start(in: self.directory, fsync: true)
            }

            /// As `pg_ctl stop`: fast, or at once without a word to its clients.
            func stop(immediately: Bool) async throws {
                guard immediately else { return await self.running.stop() }
                let process = self.running.serverProcessID
                kill(process, SIGQUIT)
                try await eventually("the server ended") { kill(process, 0) != 0 }
            }

            mutating func start() async throws {
                self.running = try await TestPostgres.start(in: self.directory, fsync: true)
            }
        }

        @Test("a stopped database is told and costs a run nothing", arguments: [false, true])
        func short(immediately: Bool) async throws {
            var server = try await Server()
            try await Site.with(.at(server.running.conninfo)) { site in
                let node = try await site.startNode()
                let file = "\(site.folder)/lines"
                let plan = try site.plan("chain", Self.chain)
                try await site.run(["run", plan, "--input", "file=\(file)", "--detach"])
                try await eventually("two steps have begun") { site.lines("lines").count >= 2 }
                try await server.stop(immediately: immediately)
                try await eventually("the outage is told") {
                    node.errorOutput.contains("database unavailable")
                }
                #expect(node.exitCode == nil)
                try await server.start()
                try await eventually("the run ended") {
                    try await site.rows("SELECT status FROM run_any") == [["succeeded"]]
                }
                #expect(site.lines("lines") == ["s0", "s1", "s2", "s3", "s4", "s5"])
                try await LaneLogAudit.check(site, "outage")
                try await eventually("the end of the outage is told") {
                    node.errorOutput.contains("database available again")
                }
            }
            await server.running.stop()
        }

        @Test("an outage longer than the lease stops the work, which goes on afterwards")
        func long() async throws {
            var server = try await Server()
            try await Site.with(.at(server.running.conninfo)) { site in
                // The first attempt takes its whole grace to die, longer than the lease takes to
                // be trusted again: whoever takes the run up anew must wait for its end.
                let plan = try site.plan(
                    "stubborn",
                    """
                    inputs: {file: {type: string}}
                    steps:
                      - id: work
                        effects: idempotent
                        shell: {argv: [sh, -c, 'test -e "$1" && exit 0; echo begun >> "$1"; trap "" TERM; while :; do sleep 0.1; done', sh, "{{ inputs.file }}"]}
                    """
                )
                let node = try await site.startNode(["--verbose"])
                let file = "\(site.folder)/lines"
                try await site.run(["run", plan, "--input", "file=\(file)", "--detach"])
                try await eventually("the step has begun") { !site.lines("lines").isEmpty }
                try await server.stop(immediately: false)
                try await eventually("the lease is not trusted any more") {
                    node.errorOutput.contains("lease not renewed in time")
                }
                try await server.start()
                try await eventually("the run ended") {
                    try await site.rows("SELECT status FROM run_any") == [["succeeded"]]
                }
                #expect(site.lines("lines") == ["begun"])
                try await LaneLogAudit.check(site, "long outage")
            }
            await server.running.stop()
        }

        @Test("a database that is away for thirty seconds ends no node of three, and no run")
        func cluster() async throws {
            var server = try await Server()
            try await Site.with(.at(server.running.conninfo)) { site in
                var nodes: [Program] = []
                for (name, port) in zip(["n1", "n2", "n3"], try FreePorts.take(3)) {
                    let words = ["--name", name, "--peer-listen", "127.0.0.1:\(port)"]
                    nodes.append(try await site.startNode(data: name, words, command: "node"))
                }
                try await eventually("all nodes have shards") {
                    try await site.rows("SELECT DISTINCT owner FROM shard").count == 3
                }
                let members = "SELECT node_epoch, status FROM node ORDER BY node_epoch"
                let before = try await site.rows(members)
                let plan = try site.plan(
                    "naps",
                    """
                    steps:
                      - {id: first, effects: idempotent, shell: {argv: [sleep, "1"]}}
                      - {id: second, needs: [first], effects: none, shell: {argv: ["true"]}}
                    """
                )
                for number in 0..<24 {
                    let lane = ["--lane", "l\(number % 8)", "--detach"]
                    try await site.run(["run", plan] + lane, data: "n1")
                }
                try await server.stop(immediately: true)
                let end = ContinuousClock.now + .seconds(30)
                let died = try await happens(before: end) { nodes.contains { $0.exitCode != nil } }
                #expect(!died)
                try await server.start()
                try await eventually("every run ended well") {
                    let open = "SELECT count(*) FROM run_any WHERE status <> 'succeeded'"
                    return try await site.rows(open) == [["0"]]
                }
                #expect(try await site.rows(members) == before)
                let twice = """
                    SELECT run_id, step FROM step_any WHERE state = 'succeeded'
                    GROUP BY run_id, step HAVING count(*) <> 1
                    """
                #expect(try await site.rows(twice) == [])
                try await LaneLogAudit.check(site, "outage of a cluster")
            }
            await server.running.stop()
        }
    }
}
