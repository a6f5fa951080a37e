// Decides what scripts may rely on: exit codes, clean stdout, sentences, and no traces of bad plans.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct CommandLine {
        private static let good = "steps: [{id: a, shell: {argv: [echo, hi]}}]"

        @Test("a run without a node brings its own, and takes it down")
        func alone() async throws {
            try await Site.with(.embedded) { site in
                let plan = try site.plan("good", Self.good)
                let answer = try await site.run(["run", plan, "-o", "json"])
                #expect(answer.code == 0, "\(answer.error)")
                let run = try JSONValue(parsing: answer.output)
                #expect(run["status"] == .string("succeeded"))
                #expect(run["version"] == .integer(1))
                #expect(site.serverProcess(of: "data") == nil)
                let lines = try await site.run(["run", plan, "-o", "jsonl"]).output
                    .split(separator: "\n")
                let kinds = try lines.map {
                    try JSONValue(parsing: String($0))["type"]?.stringValue
                }
                #expect(kinds.first == "run.started" && kinds.last == "run.succeeded")
                let list = try await site.run(["runs", "list", "-o", "json"])
                guard case .array(let rows)? = try JSONValue(parsing: list.output)["runs"] else {
                    return #expect(Bool(false), "no runs in \(list.output)")
                }
                #expect(rows.count == 2)
            }
        }

        @Test("a second node on a data directory is refused with a sentence and code 6")
        func secondNode() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let second = try await site.run(["up"])
                #expect(second.code == 6)
                #expect(
                    second.error.contains("is in use by process \(node.processID)"),
                    "\(second.error)"
                )
                #expect(second.output == "")
            }
        }

        @Test("exit codes tell what happened")
        func exitCodes() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let good = try site.plan("good", Self.good)
                let bad = try site.plan(
                    "bad",
                    "steps: [{id: a, retry: {max_attempts: 1}, shell: {argv: ['false']}}]"
                )
                #expect(try await site.run(["run", good]).code == 0)
                #expect(try await site.run(["run", bad]).code == 2)
                #expect(try await site.run(["run", "\(site.folder)/none.yaml"]).code == 5)
                #expect(try await site.run(["runs", "show", "zzzzzzzz"]).code == 5)
                #expect(try await site.run(["run", good, "--session", "none"]).code == 5)
                #expect(try await site.run(["run", good, "--input", "x=1"]).code == 64)
                #expect(try await site.run(["runs", "list", "--status", "odd"]).code == 64)
                #expect(try await site.run(["rnus", "list"]).code == 64)
                let answer = try await site.run(["runs", "show", "zzzzzzzz", "-o", "json"])
                #expect(answer.output == "")
                let error = try JSONValue(parsing: answer.error)
                #expect(error["error"]?["retryable"] == .bool(false))
            }
        }

        @Test("a bad plan is told with its place and leaves no row behind")
        func badPlan() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = try site.plan("bad", "steps: [{id: a, needs: [b], shell: {argv: [ls]}}]")
                let answer = try await site.run(["run", plan])
                #expect(answer.code == 64)
                #expect(answer.output == "")
                #expect(answer.error.contains("bad.yaml:4:"), "\(answer.error)")
                let counts = "SELECT (SELECT count(*) FROM run_any), (SELECT count(*) FROM plan)"
                #expect(try await site.rows(counts) == [["0", "0"]])
            }
        }

        @Test("a run is named by the beginning of its id; an ambiguous one lists the candidates")
        func prefixes() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = try site.plan("nap", "steps: [{id: a, system: {sleep: 0s}}]")
                var ids: [String] = []
                // More runs than first letters, so that two share theirs.
                for _ in 0..<33 {
                    let answer = try await site.run(["run", plan, "--detach"])
                    ids.append(answer.output.trimmingCharacters(in: .whitespacesAndNewlines))
                }
                let first = try #require(ids.first)
                let length = try #require(
                    (1...8).first { length in
                        ids.count { $0.hasPrefix(first.prefix(length)) } == 1
                    }
                )
                let shown = try await site.run(
                    ["runs", "show", String(first.prefix(length)), "-o", "json"]
                )
                #expect(try JSONValue(parsing: shown.output)["id"] == .string(first))
                let shared = try #require(
                    ids.first { id in ids.count { $0.first == id.first } > 1 }?.prefix(1)
                )
                let answer = try await site.run(["runs", "show", String(shared)])
                #expect(answer.code == 64)
                for id in ids where id.hasPrefix(shared) { #expect(answer.error.contains(id)) }
            }
        }

        @Test("a key enqueues once")
        func key() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = try site.plan("good", Self.good)
                let arguments = ["run", plan, "--detach", "--key", "k"]
                let first = try await site.run(arguments)
                let second = try await site.run(arguments)
                #expect(first.output == second.output)
                #expect(try await site.rows("SELECT count(*) FROM run_any") == [["1"]])
            }
        }
    }
}
