// Decides that a person sees for how long history is kept, and changes it, here and over the network.

import PulserIR
import Testing

extension SystemTests {
    @Suite("Retention by command", .timeLimit(.minutes(2)))
    struct RetentionTests {
        private typealias Answer = (code: Int32, output: String, error: String)

        private static let plan = "steps: [{id: a, effects: idempotent, shell: {argv: ['true']}}]"

        private func kept(_ answer: Answer, _ kind: String) throws -> String? {
            try JSONValue(parsing: answer.output)[kind]?["keep"]?.stringValue
        }

        @Test("a change can be tried first, reaches the node, and is told the same everywhere")
        func change() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                func there(_ words: [String]) async throws -> Answer {
                    try await site.run(words, data: nil, environment: node.environment)
                }
                #expect(try await site.run(["run", try site.plan("p", Self.plan)]).code == 0)
                // As if it had ended long ago.
                _ = try await site.rows(
                    "SELECT history_make('run_done', (now() AT TIME ZONE 'UTC')::date - 40)"
                )
                let moved = try await site.rows(
                    "UPDATE run_done SET finished_at = finished_at - interval '40 days' RETURNING 1"
                )
                #expect(moved.count == 1)
                #expect(try await site.run(["retention", "set", "--runs", "100d"]).code == 0)
                let before = try await site.run(["retention", "-o", "json"])
                #expect(try self.kept(before, "runs") == "100d")
                #expect(try await there(["retention", "-o", "json"]).output == before.output)
                for dry in [
                    try await site.run(["retention", "set", "--runs", "30d", "--dry-run"]),
                    try await there(["retention", "set", "--runs", "30d", "--dry-run"]),
                ] {
                    #expect(dry.code == 0)
                    #expect(dry.error.contains("Would be dropped within the hour"), "\(dry.error)")
                    #expect(dry.error.contains("1 rows"), "\(dry.error)")
                }
                #expect(try await site.run(["retention", "-o", "json"]).output == before.output)
                let wish = ["retention", "set", "--runs", "30d", "--events", "forever"]
                let changed = try await there(wish)
                #expect(changed.code == 0 && changed.error.contains("Is dropped within the hour"))
                let after = try await site.run(["retention", "-o", "json"])
                #expect(try self.kept(after, "runs") == "30d")
                #expect(try self.kept(after, "events") == "forever")
            }
        }
    }
}
