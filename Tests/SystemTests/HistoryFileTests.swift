// Decides which files of a node's folder go with the day that their runs ended on.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Files of dropped runs", .timeLimit(.minutes(3)))
    struct HistoryFiles {
        /// Leaves a file too large for the database, of one letter.
        private static let plan = """
            inputs: {letter: {type: string}}
            steps:
              - id: make
                effects: idempotent
                shell: {argv: [sh, -c, 'head -c 2000000 /dev/zero | tr "\\000" "$1" > file', sh, "{{ inputs.letter }}"]}
                artifacts: [{file: file}]
            """

        private static func path(_ site: Site, _ letter: String) -> String {
            let byte = letter.utf8.first ?? 0
            let digest = Digest(of: [UInt8](repeating: byte, count: 2_000_000))
            return "\(site.folder)/data/artifacts/\(digest.hex)"
        }

        @Test("a file goes when its runs were dropped, it is old, and no kept run names it")
        func files() async throws {
            try await Site.with { site in
                let plan = try site.plan("large", Self.plan)
                let node = try await site.startNode()
                // The last one is kept, and has what the first one has.
                for letter in ["a", "b", "c", "a"] {
                    let done = try await site.run(["run", plan, "--input", "letter=\(letter)"])
                    try #require(done.code == 0, "\(done.error)")
                }
                node.send(SIGTERM)
                #expect(try await node.end() == 0)
                let files = FileManager.default
                for letter in ["a", "b", "c"] {
                    try #require(files.fileExists(atPath: Self.path(site, letter)))
                }
                for letter in ["a", "b"] {
                    try files.setAttributes(
                        [.modificationDate: Date(timeIntervalSinceNow: -40 * 86_400)],
                        ofItemAtPath: Self.path(site, letter)
                    )
                }
                _ = try await site.rows(
                    "SELECT history_make('run_done', (now() AT TIME ZONE 'UTC')::date - 40)"
                )
                _ = try await site.rows(
                    """
                    UPDATE run_done SET finished_at = finished_at - interval '40 days'
                    WHERE id < (SELECT max(id) FROM run_done) RETURNING 1
                    """
                )
                _ = try await site.rows(
                    "UPDATE retention SET looked_at = to_timestamp(0) RETURNING 1"
                )
                let next = try await site.startNode()
                try await eventually("the old file is gone") {
                    !files.fileExists(atPath: Self.path(site, "b"))
                }
                try await eventually("what is decided is forgotten") {
                    try await site.rows("SELECT 1 FROM file_gone").count == 1
                }
                #expect(try await site.rows("SELECT 1 FROM run_any").count == 1)
                // One is named by a run that is kept; one was written within the retention.
                #expect(files.fileExists(atPath: Self.path(site, "a")))
                #expect(files.fileExists(atPath: Self.path(site, "c")))
                next.send(SIGTERM)
                #expect(try await next.end() == 0)
            }
        }
    }
}
