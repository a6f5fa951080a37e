// Decides that a run goes on behind a step that a person did by hand, and that its journal says so.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Done by hand", .timeLimit(.minutes(2)))
    struct ByHand {
        private static let plan = """
            retry: {max_attempts: 1}
            inputs: {dir: {type: string}}
            steps:
              - id: first
                effects: idempotent
                shell: {argv: [sh, -c, 'echo x >> "$D/first"'], env: {D: "{{ inputs.dir }}"}}
              - id: publish
                needs: [first]
                effects: destructive
                shell: {argv: [sh, -c, 'exit 3']}
              - id: last
                needs: [publish]
                if: steps.publish.status == 'succeeded'
                effects: idempotent
                shell: {argv: [sh, -c, 'echo x >> "$D/last"'], env: {D: "{{ inputs.dir }}"}}
            """

        private func journal(_ site: Site, _ id: String) async throws -> [JSONValue] {
            let show = try await site.run(["runs", "show", id, "-o", "json"])
            return try JSONValue(parsing: show.output)["steps"]?.arrayValue ?? []
        }

        @Test("a run that failed goes on behind the step, succeeds, and keeps who did it and why")
        func life() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = try site.plan("publish", Self.plan)
                let words = ["run", plan, "--input", "dir=\(site.folder)", "--detach"]
                let id = String(try await site.run(words).output.prefix(8))
                try await eventually("it failed") {
                    try await site.rows("SELECT status FROM run_any").map { $0[0] } == ["failed"]
                }
                let done = ["runs", "skip", id]
                let early = try await site.run(done + ["first", "--note", "n"])
                #expect(early.code == 6 && early.error.contains("has succeeded"), "\(early.error)")
                #expect(try await site.run(done + ["none", "--note", "n"]).code == 5)
                #expect(try await site.run(done + ["publish"]).code == 64)
                let skip = try await site.run(done + ["publish", "--note", "from my machine"])
                #expect(skip.code == 0 && skip.output.hasSuffix("left: last\n"), "\(skip)")
                try await eventually("it succeeded") {
                    try await site.rows("SELECT status FROM run_any").map { $0[0] } == ["succeeded"]
                }
                // What was done before the step was not done again.
                for name in ["first", "last"] {
                    let text = try String(contentsOfFile: "\(site.folder)/\(name)", encoding: .utf8)
                    #expect(text == "x\n", "\(name)")
                }
                let rows = try await self.journal(site, id).filter { $0["step"] == "publish" }
                #expect(rows.map { $0["state"]?.stringValue } == ["failed", "skipped"])
                #expect(rows.map { $0["superseded"] } == [true, false])
                let byHand = try #require(rows.last?["by_hand"])
                #expect(byHand["note"] == "from my machine")
                #expect(byHand["by"]?.stringValue?.isEmpty == false)
                #expect(byHand["at"] == rows.last?["begun_at"])
                let events = try await site.run(["runs", "watch", id])
                #expect(events.output.contains("from my machine"), "\(events.output)")
                #expect(try await site.run(done + ["publish", "--note", "n"]).code == 6)
            }
        }

        @Test("where the step was the last one the run ends at once; done by hand stays done")
        func last() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = try site.plan(
                    "two",
                    """
                    retry: {max_attempts: 1}
                    steps:
                      - id: one
                        effects: none
                        shell: {argv: [sh, -c, 'exit 1']}
                      - id: two
                        needs: [one]
                        effects: none
                        shell: {argv: [sh, -c, 'exit 1']}
                    """
                )
                let id = String(try await site.run(["run", plan, "--detach"]).output.prefix(8))
                func failed(_ attempt: Int) async throws {
                    try await eventually("it failed") {
                        try await site.rows("SELECT status, attempt FROM run_any")
                            == [["failed", "\(attempt)"]]
                    }
                }
                try await failed(1)
                // A step that was not begun, ahead of the one that fails.
                let second = ["runs", "skip", id, "two", "--note", "n"]
                #expect(try await site.run(second).output.hasSuffix("left: one\n"))
                try await failed(2)
                let again = try await site.run(["runs", "retry", id, "--detach"])
                #expect(again.code == 0, "\(again)")
                try await failed(3)
                let skip = try await site.run(["runs", "skip", id, "one", "--note", "m"])
                #expect(skip.output.hasSuffix("nothing is left\n"), "\(skip)")
                try await eventually("it succeeded") {
                    try await site.rows("SELECT status FROM run_any").map { $0[0] } == ["succeeded"]
                }
                let notes = try await self.journal(site, id).compactMap { $0["by_hand"]?["note"] }
                #expect(Set(notes) == ["n", "m"])
            }
        }
    }
}
