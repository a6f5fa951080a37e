// Decides that paused sessions and lanes take nothing new, whatever happens to their nodes.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Pauses of lanes", .timeLimit(.minutes(2)))
    struct LanePauses {
        /// Says that it began, then waits for a file.
        private static let plan = """
            inputs: {dir: {type: string}, name: {type: string}}
            steps:
              - id: work
                effects: idempotent
                shell: {argv: [sh, -c, 'echo $N >> "$D/log"; until [ -e "$D/go" ]; do sleep 0.02; done'], env: {D: "{{ inputs.dir }}", N: "{{ inputs.name }}"}}
            """

        private func enqueue(_ site: Site, _ name: String, _ lane: String) async throws -> String {
            let plan = try site.plan("held", Self.plan)
            let answer = try await site.run([
                "run", plan, "--input", "dir=\(site.folder)", "--input", "name=\(name)", "--lane",
                lane, "--detach",
            ])
            try #require(answer.code == 0, "\(answer.error)")
            return String(answer.output.prefix(8))
        }

        private func statuses(_ site: Site, _ wanted: [String]) async throws {
            try await eventually("the runs are \(wanted)") {
                try await site.rows("SELECT status FROM run_any ORDER BY id").map { $0[0] }
                    == wanted
            }
        }

        @Test(
            "a pause of a lane and of a session outlives kill -9: what is under way ends, no more"
        )
        func survives() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                _ = try await self.enqueue(site, "a", "A")
                try await eventually("the first run works") { site.lines("log") == ["a"] }
                let paused = try await site.run(
                    ["lanes", "pause", "default/A", "--by", "ann", "--reason", "audit"]
                )
                #expect(paused.output == "lane default/A: paused by ann: audit\n")
                let second = try await self.enqueue(site, "b", "A")
                try await node.killHard()
                _ = FileManager.default.createFile(atPath: "\(site.folder)/go", contents: nil)
                _ = try await site.startNode()
                // Taken over, the run under way goes to its end.
                try await self.statuses(site, ["succeeded", "queued"])
                // Another lane's run is taken by the node that leaves this one.
                _ = try await self.enqueue(site, "c", "C")
                try await self.statuses(site, ["succeeded", "queued", "succeeded"])
                let why = try await site.run(["why", second, "-o", "json"])
                let document = try JSONValue(parsing: why.output)
                #expect(document["gate"] == "lane_paused", "\(why.output)")
                #expect(document["reason"] == "ann paused its lane default/A: audit")
                let session = try await site.run(["sessions", "pause", "default", "--by", "bob"])
                #expect(session.output == "session default: paused by bob\n")
                let resumed = try await site.run(["lanes", "resume", "default/A"])
                #expect(resumed.output == "lane default/A: takes runs\n")
                let still = try await site.run(["why", second, "-o", "json"])
                #expect(try JSONValue(parsing: still.output)["gate"] == "session_paused")
                #expect(!site.lines("log").contains("b"))
                try await site.run(["sessions", "resume", "default"])
                try await self.statuses(site, ["succeeded", "succeeded", "succeeded"])
                try await LaneLogAudit.check(site, "lane pause")
            }
        }
    }
}
