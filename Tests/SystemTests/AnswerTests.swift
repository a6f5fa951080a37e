// Decides how a person's answer reaches a run that waits because nobody can tell what happened.

import Foundation
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct Answers {
        /// Has the node killed while the step named `work` is under way, and started again.
        private func cutOff(_ site: Site, _ body: String) async throws -> String {
            let plan = try site.plan("cut", body)
            let node = try await site.startNode()
            let input = "folder=\(site.folder)"
            let answer = try await site.run(["run", plan, "--input", input, "--detach"])
            try await eventually("the step is under way") { !site.lines("log").isEmpty }
            try await node.killHard()
            _ = try await site.startNode()
            try await self.waits(site)
            return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private func waits(_ site: Site) async throws {
            try await eventually("the run waits") {
                try await site.rows("SELECT status FROM run_any") == [["waiting"]]
            }
        }

        private static let single = """
            inputs: {folder: {type: string}}
            steps:
              - id: work
                shell: {argv: [sh, -c, 'echo x >> "$1/log"; while [ ! -e "$1/go" ]; do sleep 0.02; done', sh, "{{ inputs.folder }}"]}
            """

        @Test("an answer whose notice is lost is found by looking")
        func lostNotice() async throws {
            try await Site.with { site in
                _ = try await self.cutOff(site, Self.single)
                #expect(site.lines("log") == ["x"])
                _ = FileManager.default.createFile(atPath: "\(site.folder)/go", contents: nil)
                // What `runs retry` writes, without what it tells.
                _ = try await site.rows("UPDATE step_journal SET superseded = true")
                _ = try await site.rows(
                    "UPDATE run SET status = 'queued', claim_no = claim_no + 1, attempt = attempt + 1"
                )
                try await eventually("the run ended") {
                    try await site.rows("SELECT status FROM run_any") == [["succeeded"]]
                }
                #expect(site.lines("log") == ["x", "x"])
            }
        }

        @Test("a destructive item of a fan_out is not made again, however often nodes start")
        func items() async throws {
            try await Site.with { site in
                let run = try await self.cutOff(
                    site,
                    """
                    inputs: {folder: {type: string}}
                    steps:
                      - id: work
                        effects: destructive
                        system:
                          fan_out:
                            over: [a, b]
                            max_parallel: 1
                            shell: {argv: [sh, -c, 'echo x >> "$1/log"; while [ ! -e "$1/go" ]; do sleep 0.02; done', sh, "{{ inputs.folder }}"]}
                    """
                )
                for _ in 0..<2 {
                    try await site.killNodes()
                    _ = try await site.startNode()
                    try await eventually("the run was taken up") {
                        let rows = try await site.rows(
                            "SELECT status, owner = (SELECT max(node_epoch) FROM node) FROM run_any"
                        )
                        return rows == [["waiting", "t"]]
                    }
                }
                #expect(site.lines("log") == ["x"])
                _ = FileManager.default.createFile(atPath: "\(site.folder)/go", contents: nil)
                let answer = try await site.run(["runs", "retry", run, "--from", "work"])
                #expect(answer.code == 0, "\(answer.error)")
                #expect(site.lines("log") == ["x", "x", "x"])
            }
        }
    }
}
