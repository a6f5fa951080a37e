// Decides which runs `runs list` shows for each of its filters, and what it says of words it does not know.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Runs by filter", .timeLimit(.minutes(2)))
    struct RunsList {
        /// The lanes of the runs that fit, in order of their names.
        private static func lanes(_ site: Site, _ words: [String]) async throws -> [String] {
            let answer = try await site.run(["runs", "list", "-o", "json"] + words)
            #expect(answer.code == 0, "\(words): \(answer.error)")
            let runs = try JSONValue(parsing: answer.output)["runs"]?.arrayValue ?? []
            return runs.compactMap { $0["lane"]?.stringValue }.sorted()
        }

        @Test("every filter of the API shows what fits and nothing else")
        func filters() async throws {
            try await Site.with { site in
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                let nap = try site.plan("nap", "steps: [{id: a, system: {sleep: 1h}}]")
                let who = """
                    inputs: {who: {type: string, default: nobody}}
                    steps: [{id: a, shell: {argv: [echo, "{{ inputs.who }}"]}}]
                    """
                let greet = try site.plan("greet", who)
                for words in [
                    [nap, "--lane", "A"], [nap, "--lane", "B", "--for", "acme"],
                    [greet, "--lane", "C", "--input", "who=Ann"], [greet, "--lane", "D"],
                ] { #expect(try await site.run(["run", "--detach"] + words).code == 0) }
                let text = try await site.run(["runs", "list", "--lane", "A", "-o", "json"]).output
                let first = try JSONValue(parsing: text)["runs"]?[0]?["id"]?.stringValue ?? ""
                _ = try await site.rows(
                    """
                    UPDATE run SET parent_run = (SELECT min(id) FROM run), template = 'weekly'
                    WHERE lane_id = (SELECT id FROM lane WHERE name = 'D')
                    """
                )
                _ = try await site.rows(
                    """
                    UPDATE run SET enqueued_at = now() - interval '2 hours'
                    WHERE lane_id = (SELECT id FROM lane WHERE name = 'B')
                    """
                )
                _ = try await site.rows("UPDATE run SET paused_by = 'ann' WHERE key = 'acme'")
                for (words, lanes) in [
                    ([], ["A", "B", "C", "D"]), (["--status", "open"], ["A", "B", "C", "D"]),
                    (["--status", "ended"], []), (["--status", "-queued"], []),
                    (["--status", "paused"], ["B"]), (["--status", "dead"], []),
                    (["--plan", "nap"], ["A", "B"]), (["--text", "ANN"], ["C"]),
                    (["--text", "gree"], ["C", "D"]), (["--text", first], ["A"]),
                    (["--template", "weekly"], ["D"]), (["--parent", first], ["D"]),
                    (["--for", "acme"], ["B"]), (["--enqueued-before", "1h"], ["B"]),
                    (["--enqueued-after", "1h", "--plan", "nap"], ["A"]),
                    (["--enqueued-after", "2001-01-01T00:00:00Z", "--lane", "C"], ["C"]),
                    (["--finished-after", "1d"], []), (["--finished-before", "1s"], []),
                    (["--limit", "1", "--before", first], []),
                ] as [([String], [String])] {
                    #expect(try await Self.lanes(site, words) == lanes, "\(words)")
                }
            }
        }

        @Test("a status or a time that is none is refused, and what is possible is said")
        func refused() async throws {
            try await Site.with(.embedded) { site in
                for (words, sentence) in [
                    (["--status", "faild"], "did you mean 'failed'?"),
                    (["--status", "-xxxxxxxx"], "there are queued, claimed, running"),
                    (["--status", "open,asleep"], "'asleep' is no status"),
                    (["--finished-after", "yesterday"], "write a time as 2026-11-20T12:00:00Z"),
                    (["--enqueued-before", "5"], ""),
                    (["--color", "red"], "--color"),
                ] {
                    let answer = try await site.run(["runs", "list"] + words)
                    #expect(answer.code == (sentence.isEmpty ? 0 : 64), "\(words): \(answer)")
                    #expect(sentence.isEmpty || answer.error.contains(sentence), "\(answer.error)")
                }
            }
        }
    }
}
