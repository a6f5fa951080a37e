// Decides what happens to work when the command or the node that carries it ends.

import Foundation
import Glibc
import PulserIR
import Testing

extension SystemTests {
    @Suite("Stop")
    struct StopTests {
        /// A plan whose destructive step writes that it began, waits for a file, and says done.
        private static let gated = """
            inputs: {dir: {type: string}}
            steps:
              - id: work
                shell:
                  argv: [sh, -c, 'echo began >> "$D/log"; until [ -e "$D/go" ]; do sleep 0.05; done; echo done >> "$D/log"']
                  env: {D: "{{ inputs.dir }}"}
              - id: after
                needs: [work]
                effects: none
                shell: {argv: [echo, after]}
            """

        private func status(_ site: Site, _ run: String) async throws -> String {
            let number = RunID(run)?.number ?? 0
            return try await site.rows("SELECT status FROM run_any WHERE id = \(number)")[0][0]
        }

        @Test("a stopping node lets a running step finish, and the next one goes on behind it")
        func drain() async throws {
            try await Site.with { site in
                let plan = try site.plan("gated", Self.gated)
                let command = try site.start(["run", plan, "--input", "dir=\(site.folder)"])
                try await eventually("the step began") { site.lines("log") == ["began"] }
                command.send(SIGINT)
                try await eventually("the node takes no more work") {
                    try await site.rows("SELECT 1 FROM node WHERE status = 'draining'").count == 1
                }
                try Data().write(to: URL(fileURLWithPath: site.folder + "/go"))
                #expect(try await command.end() == 130)
                #expect(site.lines("log") == ["began", "done"])
                #expect(command.errorOutput.contains("goes on when a node works"))
                let run = try await site.rows("SELECT id FROM run_any")[0][0]
                let id = RunID(Int64(run) ?? 0).description
                let node = try await site.startNode()
                try await eventually("the run ended") {
                    try await self.status(site, id) == "succeeded"
                }
                #expect(site.lines("log") == ["began", "done"], "the finished step ran again")
                node.send(SIGINT)
                #expect(try await node.end() == 0)
            }
        }

        @Test("a command that follows a run takes its node's place when that ends")
        func takesPlace() async throws {
            try await Site.with(.embedded) { site in
                let plan = try site.plan("gated", Self.gated)
                let one = try site.makeFolder("one")
                let two = try site.makeFolder("two")
                let first = try site.start(["run", plan, "--input", "dir=\(one)", "--lane", "X"])
                try await eventually("the first began") { site.lines("one/log") == ["began"] }
                let second = try site.start(["run", plan, "--input", "dir=\(two)", "--lane", "Y"])
                try await eventually("the second began") { site.lines("two/log") == ["began"] }
                try Data().write(to: URL(fileURLWithPath: one + "/go"))
                // The first node drains; the second's step must end meanwhile to be kept.
                try Data().write(to: URL(fileURLWithPath: two + "/go"))
                #expect(try await first.end() == 0, "\(first.errorOutput)")
                #expect(try await second.end() == 0, "\(second.errorOutput)")
                #expect(site.lines("two/log") == ["began", "done"])
            }
        }

        @Test("watching what no node has open keeps a server as long as it lasts, and no longer")
        func watching() async throws {
            try await Site.with(.embedded) { site in
                let watch = try site.start(["cluster", "status", "--watch", "-o", "json"])
                try await eventually("the cluster is shown") { watch.output.contains("nodes") }
                #expect(site.serverProcess(of: "data") != nil)
                watch.send(SIGINT)
                #expect(try await watch.end() == 130, "\(watch.errorOutput)")
                #expect(site.serverProcess(of: "data") == nil)
            }
        }

        @Test("a pipe is no artifact, and holds nobody")
        func pipe() async throws {
            try await Site.with { site in
                let plan = try site.plan(
                    "pipe",
                    """
                    retry: {max_attempts: 1}
                    steps:
                      - id: make
                        shell: {argv: [mkfifo, p]}
                        artifacts: [{file: p}]
                    """
                )
                let ended = try await site.run(["run", plan])
                #expect(ended.code == 2)
                #expect(ended.output.contains("artifact 'p' is not a file"))
            }
        }

        @Test("a run's workspace is removed without following the links in it")
        func links() async throws {
            try await Site.with { site in
                let outside = try site.makeFolder("outside")
                try Data("kept".utf8).write(to: URL(fileURLWithPath: outside + "/file"))
                let plan = try site.plan(
                    "links",
                    """
                    inputs: {dir: {type: string}}
                    steps:
                      - id: link
                        effects: none
                        shell: {argv: [sh, -c, 'mkdir deep && ln -s "$D" out && ln -s "$D" deep/out && pwd'], env: {D: "{{ inputs.dir }}"}}
                        outputs: {workspace: "{{ result.output }}"}
                    outputs: {workspace: "{{ steps.link.outputs.workspace }}"}
                    """
                )
                let ended = try await site.run(["run", plan, "-i", "dir=\(outside)", "-o", "json"])
                #expect(ended.code == 0, "\(ended.error)")
                let run = try JSONValue(parsing: ended.output)
                let workspace = try #require(run["outputs"]?["workspace"]?.stringValue)
                #expect(!FileManager.default.fileExists(atPath: workspace))
                #expect(site.lines("outside/file") == ["kept"])
            }
        }

        @Test("a child run starts although its parent fills the node")
        func childOfFullNode() async throws {
            try await Site.with { site in
                try site.plan("child", "steps: [{id: nothing, system: {sleep: 0s}}]")
                let plan = try site.plan(
                    "parent",
                    "steps: [{id: nested, system: {run: {plan: ./child.yaml}}}]"
                )
                let ended = try await site.run(
                    ["run", plan],
                    environment: ["OPSROOM_RUNS_MAX": "1"]
                )
                #expect(ended.code == 0, "\(ended.output)\(ended.error)")
            }
        }

        @Test("a cancelled parent ends its child")
        func childOfCancelled() async throws {
            try await Site.with { site in
                try site.plan("child", "steps: [{id: long, system: {sleep: 1h}}]")
                let plan = try site.plan(
                    "parent",
                    "steps: [{id: nested, system: {run: {plan: ./child.yaml}}}]"
                )
                let node = try await site.startNode()
                let run = try await site.run(["run", plan, "--detach"]).output.prefix(8)
                try await eventually("the child is there") {
                    try await site.rows("SELECT 1 FROM run_any WHERE depth = 1").count == 1
                }
                #expect(try await site.run(["runs", "cancel", String(run)]).code == 0)
                try await eventually("both are cancelled") {
                    try await site.rows("SELECT 1 FROM run_any WHERE status = 'cancelled'").count
                        == 2
                }
                node.send(SIGTERM)
                #expect(try await node.end() == 0)
            }
        }

        @Test("a sleep ends at its step's timeout")
        func sleepTimeout() async throws {
            try await Site.with { site in
                let plan = try site.plan(
                    "sleepy",
                    """
                    retry: {max_attempts: 1}
                    steps: [{id: nap, timeout: 100ms, system: {sleep: 1h}}]
                    """
                )
                let ended = try await site.run(["run", plan])
                #expect(ended.code == 2)
                #expect(ended.output.contains("the step's timeout ended its sleep"))
            }
        }
    }
}
