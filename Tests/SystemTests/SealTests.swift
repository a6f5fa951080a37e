// Decides that a node with keys leaves nothing readable of what its runs were given and yielded, and how it does without one.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Sealed inputs and outputs", .timeLimit(.minutes(4)))
    struct Seal {
        private static let canary = "canary-51c9"
        private static let plan = """
            inputs: {word: {type: string}, fails: {type: boolean, default: false}}
            retry: {max_attempts: 1}
            steps:
              - id: say
                shell: {argv: [sh, -c, 'echo "$W"; echo "$W" > file'], env: {W: "{{ inputs.word }}"}}
                outputs: {word: "{{ result.stdout }}"}
                artifacts: [{file: file, name: file}]
              - id: wait
                needs: [say]
                system: {wait_signal: go}
              - id: check
                needs: [wait]
                retry: {max_attempts: 2, backoff: 10ms}
                if: "{{ inputs.fails }}"
                shell: {argv: [sh, -c, 'echo "$W" >&2; exit 3'], env: {W: "{{ inputs.word }}"}}
            outputs: {word: "{{ steps.say.outputs.word }}"}
            """

        private static func leaks(_ site: Site) async throws -> [String] {
            let hex = Self.canary.utf8.map { String($0, radix: 16) }.joined()
            let tables = try await site.rows(
                """
                SELECT c.relname FROM pg_class c
                WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                """
            ).map { $0[0] }
            #expect(tables.count > 20)
            var leaks: [String] = []
            for table in tables {
                let found = try await site.rows(
                    """
                    SELECT 1 FROM \(table) t WHERE t::text LIKE '%\(Self.canary)%'
                    OR t::text LIKE '%\(hex)%' LIMIT 1
                    """
                )
                if !found.isEmpty { leaks.append(table) }
            }
            return leaks
        }

        private static func keys(_ site: Site, _ name: String, _ id: String) throws -> String {
            let path = "\(site.folder)/\(name)"
            try (SealRing.newLine(id) + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600],
                ofItemAtPath: path
            )
            return path
        }

        private static func start(
            _ site: Site,
            _ words: [String],
            _ environment: [String: String]
        ) async throws -> String {
            let answer = try await site.run(words + ["--detach"], environment: environment)
            try #require(answer.code == 0, "\(answer.error)")
            return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        @Test(
            "nothing of it is in any table, a run without its key fails alone, and with it runs again"
        )
        func sealed() async throws {
            try await Site.with { site in
                let given = ["OPSROOM_SEAL_KEY_FILE": try Self.keys(site, "k1.keys", "k1")]
                let other = ["OPSROOM_SEAL_KEY_FILE": try Self.keys(site, "k2.keys", "k2")]
                let plan = try site.plan("sealed", Self.plan)
                let node = try await site.startNode(environment: given)
                let words = ["run", plan, "--input", "word=\(Self.canary)"]
                let good = try await Self.start(site, words, given)
                let bad = try await Self.start(site, words + ["--input", "fails=true"], given)
                for run in [good, bad] {
                    let sent = try await site.run(
                        ["runs", "signal", run, "go", "--payload", "\"\(Self.canary)\""],
                        environment: given
                    )
                    try #require(sent.code == 0, "\(sent.error)")
                }
                try await eventually("both ended") {
                    try await site.rows("SELECT status FROM run_done ORDER BY id")
                        == [["succeeded"], ["failed"]]
                }
                #expect(try await Self.leaks(site) == [])
                let shown = try await site.run(
                    ["runs", "show", good, "-o", "json"],
                    environment: given
                )
                #expect(shown.output.contains(Self.canary), "\(shown.error)")
                node.send(SIGTERM)
                #expect(try await node.end() == 0)

                let next = try await site.startNode(environment: other)
                // Both in one lane: the one that does not open comes first.
                let lost = try await Self.start(site, words, given)
                let fine = try await Self.start(site, words, other)
                _ = try await site.run(["runs", "signal", fine, "go"], environment: other)
                try await eventually("both ended") {
                    try await site.rows("SELECT 1 FROM run_done").count == 4
                }
                let why = try await site.run(
                    ["runs", "show", lost, "-o", "json"],
                    environment: other
                )
                #expect(why.output.contains("'k1'") && why.output.contains("seal-key-file"))
                #expect(
                    try await site.rows("SELECT status FROM run_done ORDER BY id").map { $0[0] }
                        == ["succeeded", "failed", "failed", "succeeded"]
                )
                next.send(SIGTERM)
                #expect(try await next.end() == 0)

                let again = try await site.startNode(environment: given)
                let retried = try await site.run(
                    ["runs", "retry", lost, "--detach"],
                    environment: given
                )
                try #require(retried.code == 0, "\(retried.error)")
                _ = try await site.run(["runs", "signal", lost, "go"], environment: given)
                try await eventually("it ended") {
                    try await site.rows("SELECT status FROM run_done ORDER BY id").map { $0[0] }
                        == ["succeeded", "failed", "succeeded", "succeeded"]
                }
                #expect(try await Self.leaks(site) == [])
                again.send(SIGTERM)
                #expect(try await again.end() == 0)
            }
        }

        @Test("a file of keys that others can read, or that holds something else, stops the start")
        func refused() async throws {
            try await Site.with { site in
                let path = try Self.keys(site, "open.keys", "k1")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o644],
                    ofItemAtPath: path
                )
                let open = try await site.run(["up", "--seal-key-file", path])
                #expect(open.code == 7 && open.error.contains("chmod o="), "\(open.error)")
                let text = try site.plan("nokeys", "x: y")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600],
                    ofItemAtPath: text
                )
                let bad = try await site.run(["up", "--seal-key-file", text])
                #expect(bad.code == 64 && bad.error.contains("line 1 is no key"), "\(bad.error)")
                let made = try await site.run(["seal", "key", "k9"], data: nil)
                #expect(try SealRing(made.output).ids == ["k9"])
            }
        }
    }
}
