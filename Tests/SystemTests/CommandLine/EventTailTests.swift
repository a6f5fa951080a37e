// Decides that whoever follows a node's events sees each of them once, whatever happens to the node.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Following events", .timeLimit(.minutes(4)))
    struct EventTail {
        /// Prints a line whenever a file of its own grows.
        private static let plan = """
            inputs: {dir: {type: string}}
            steps:
              - id: count
                effects: idempotent
                shell:
                  argv: [sh, -c, 'i=0; while [ ! -e "$D/stop" ]; do i=$((i+1)); echo $i; sleep 0.01; done']
                  env: {D: "{{ inputs.dir }}"}
              - {id: last, needs: [count], shell: {argv: [echo, bye]}}
            """

        private func sequences(_ text: String) throws -> [Int64] {
            try text.split(separator: "\n").compactMap {
                try JSONValue(parsing: String($0))["seq"]?.integerValue
            }
        }

        private func cursor(_ error: String) -> String? {
            error.firstMatch(of: /cursor {2}(\S+)/).map { String($0.1) }
        }

        @Test("a tail and a run over the network live through kill -9 of the node")
        func killed() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let plan = try site.plan("count", Self.plan)
                let tail = try site.start(
                    ["events", "tail", "-o", "jsonl", "--from", "start"],
                    data: nil,
                    environment: node.environment
                )
                let run = try site.start(
                    ["run", plan, "--input", "dir=\(site.folder)", "-o", "jsonl"],
                    data: nil,
                    environment: node.environment
                )
                var last = node
                for round in 1...2 {
                    let before = run.output.split(separator: "\n").count
                    try await eventually("events come (\(round)): \(run.errorOutput)") {
                        run.output.split(separator: "\n").count > before + 10
                    }
                    try await last.program.killHard()
                    last = try await site.startListeningNode(at: node.url)
                }
                let before = tail.output.split(separator: "\n").count
                try await eventually("the tail goes on: \(tail.errorOutput)") {
                    tail.output.split(separator: "\n").count > before + 10
                }
                try Data().write(to: URL(fileURLWithPath: site.folder + "/stop"))
                #expect(try await run.end() == 0, "\(run.errorOutput)")
                try await eventually("the tail saw the end") {
                    tail.output.contains("\"run.succeeded\"")
                }
                tail.send(SIGINT)
                #expect(try await tail.end() == 130)
                let stored = try await site.run(["runs", "list", "--no-headers"])
                let id = String(stored.output.prefix(8))
                let log = try await site.run(["runs", "logs", id, "-o", "jsonl"]).output
                let all = try self.sequences(log)
                #expect(try self.sequences(run.output) == all)
                #expect(try self.sequences(tail.output) == all)
                #expect(run.output == log)
                #expect(self.cursor(tail.errorOutput) != nil, "\(tail.errorOutput)")
            }
        }

        @Test("a tail goes on behind its cursor, and a run's tail ends with the run")
        func cursors() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let plan = try site.plan("two", "steps: [{id: a, shell: {argv: [echo, one]}}]")
                let first = try await site.run(["run", plan, "-o", "jsonl"]).output
                let id = try JSONValue(parsing: String(first.split(separator: "\n")[0]))["run"]
                let run = try #require(id?.stringValue)
                let tail = try await site.run(
                    ["events", "tail", "--run", run, "-o", "jsonl", "--exit-status"]
                )
                #expect(tail.code == 0, "\(tail.error)")
                #expect(try self.sequences(tail.output) == self.sequences(first))
                let cursor = try #require(self.cursor(tail.error))
                #expect(try await site.run(["run", plan]).code == 0)
                let rest = try site.start(
                    ["events", "tail", "-o", "jsonl", "--from", cursor],
                    data: nil,
                    environment: node.environment
                )
                try await eventually("the second run is told: \(rest.errorOutput)") {
                    rest.output.contains("\"run.succeeded\"")
                }
                rest.send(SIGINT)
                _ = try await rest.end()
                let seen = try self.sequences(rest.output)
                #expect(seen.first == (try self.sequences(first).last ?? 0) + 1)
                #expect(!rest.output.contains(run))
                let table = try await site.run(["events", "tail", "--run", run])
                #expect(table.output.contains("step.output"), "\(table.output)")
                #expect(!table.output.contains("\u{1B}["))
                let kinds = try await site.run(
                    ["events", "tail", "--run", run, "--types", "run.*", "-o", "jsonl"]
                )
                #expect(kinds.output.split(separator: "\n").count == 2, "\(kinds.output)")
                let odd = try await site.run(["events", "tail", "--types", "run.sneezed"])
                #expect(odd.code == 64, "\(odd.error)")
            }
        }

        @Test("a session's and a lane's tail hear their own; colours stay away with NO_COLOR")
        func scopes() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                for session in ["left", "right"] {
                    #expect(try await site.run(["sessions", "create", session]).code == 0)
                }
                let plan = try site.plan("one", "steps: [{id: a, shell: {argv: [echo, hi]}}]")
                func ran(_ session: String, _ lane: String) async throws -> String {
                    let words = ["run", plan, "--session", session, "--lane", lane, "-o", "json"]
                    let answer = try await site.run(words)
                    let run = try JSONValue(parsing: answer.output)["id"]?.stringValue
                    return try #require(run)
                }
                let left = try await ran("left", "A")
                let right = try await ran("right", "A")
                let other = try await ran("left", "B")
                for (words, wanted, unwanted) in [
                    (["--session", "left"], [left, other], [right]),
                    (["--lane", "left/B"], [other], [left, right]),
                ] {
                    let tail = try site.start(
                        ["events", "tail", "--from", "start"] + words,
                        data: nil,
                        environment: node.environment.merging(
                            ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"]
                        ) { $1 }
                    )
                    try await eventually("all are told: \(tail.errorOutput)") {
                        let ends = tail.output.split(separator: "\n").filter {
                            $0.contains("run.succeeded")
                        }
                        return ends.count == wanted.count
                    }
                    tail.send(SIGINT)
                    _ = try await tail.end()
                    for run in wanted { #expect(tail.output.contains(run)) }
                    for run in unwanted { #expect(!tail.output.contains(run)) }
                    #expect(!tail.output.contains("\u{1B}["))
                }
            }
        }
    }
}
