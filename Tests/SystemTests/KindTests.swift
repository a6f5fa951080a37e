// Decides what the command line makes of runs of one kind, of runs put off and of dead letters.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Kinds and dead letters", .timeLimit(.minutes(2)))
    struct Kinds {
        private static let plan = """
            retry: {max_attempts: 1}
            inputs: {dir: {type: string}}
            steps:
              - id: work
                effects: idempotent
                shell: {argv: [sh, -c, 'test -e "$D/good"'], env: {D: "{{ inputs.dir }}"}}
            """

        private func start(
            _ site: Site,
            _ words: [String]
        ) async throws -> (id: String, code: Int32) {
            let plan = try site.plan("kind", Self.plan)
            let answer = try await site.run(
                ["run", plan, "--input", "dir=\(site.folder)", "--detach"] + words
            )
            return (String(answer.output.prefix(8)), answer.code)
        }

        @Test(
            "of a kind one run is queued; it is put off, begins, fails, and is put aside or run again"
        )
        func life() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let kind = ["--unique", "k", "--delay", "1h"]
                let first = try await self.start(site, kind)
                #expect(first.code == 0)
                #expect(try await self.start(site, kind).code == 6)
                let joined = try await self.start(site, kind + ["--on-conflict", "join"])
                #expect(joined.code == 0 && joined.id == first.id)
                #expect(try await self.start(site, ["--on-conflict", "join"]).code == 64)
                let off = try await site.run(["runs", "snooze", first.id, "--for", "2h"])
                #expect(off.output == "\(first.id) queued, due in 2h\n", "\(off.error)")
                let put = try await site.run(["runs", "show", first.id, "-o", "json"])
                #expect(try JSONValue(parsing: put.output)["due_at"]?.stringValue != nil)
                #expect(try await site.run(["runs", "snooze", first.id, "--for", "0s"]).code == 0)
                let back = try await site.run(["runs", "show", first.id, "-o", "json"])
                #expect(try JSONValue(parsing: back.output)["due_at"] == .null)
                try await eventually("it is a dead letter") {
                    let list = try await site.run(["dead", "list", "-o", "json"])
                    return try JSONValue(parsing: list.output)["runs"]?.arrayValue?.count == 1
                }
                let unknown = try await site.run(["dead", "show", "zzzzzzzz"])
                #expect(unknown.code == 5 && unknown.error.contains("opsroom dead list"))
                let show = try await site.run(["dead", "show", first.id])
                #expect(show.output.contains("step work, attempt 1: "), "\(show.output)")
                let aside = try await site.run(["dead", "discard", first.id, "--note", "known"])
                #expect(aside.code == 0, "\(aside.error)")
                #expect(try await site.run(["dead", "discard", first.id]).code == 6)
                #expect(try await site.run(["dead", "list"]).error.contains("no dead letters"))
                #expect(try await site.run(["dead", "show", first.id]).output.contains(": known"))
                _ = FileManager.default.createFile(atPath: "\(site.folder)/good", contents: nil)
                let again = try await site.run(["dead", "redrive", first.id])
                #expect(again.code == 0, "\(again.error)")
                try await eventually("it succeeded") {
                    try await site.rows("SELECT status FROM run_any").map { $0[0] } == ["succeeded"]
                }
                #expect(try await self.start(site, kind).code == 0)
            }
        }

        @Test("a run's next attempt outlives its node, is put off by a person, or begins at once")
        func nextAttempt() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let plan = try site.plan(
                    "again",
                    """
                    retry: {max_attempts: 2, backoff: 5m, jitter: 0}
                    inputs: {dir: {type: string}}
                    steps:
                      - id: work
                        effects: idempotent
                        shell: {argv: [sh, -c, 'echo x >> "$D/log"; test -e "$D/good"'], env: {D: "{{ inputs.dir }}"}}
                    """
                )
                let begun = try await site.run(
                    ["run", plan, "--input", "dir=\(site.folder)", "--detach"]
                )
                let run = String(begun.output.prefix(8))
                func attempts() async throws -> [[String]] {
                    try await site.rows(
                        "SELECT status, claim_no, retry_at > now() + interval '4 h' FROM run_any"
                    )
                }
                try await eventually("it waits for its second attempt") {
                    try await attempts() == [["waiting", "1", "f"]]
                }
                let off = try await site.run(["runs", "snooze", run, "--for", "5h"])
                #expect(off.output == "\(run) waiting, next attempt in 5h\n", "\(off.error)")
                let why = try await site.run(["why", run]).output
                #expect(why.contains("its next attempt was put off until 2"), "\(why)")
                try await node.killHard()
                _ = try await site.startNode()
                try await eventually("its next node has it wait") {
                    try await attempts() == [["waiting", "2", "t"]]
                }
                #expect(site.lines("log").count == 1)
                _ = FileManager.default.createFile(atPath: "\(site.folder)/good", contents: nil)
                let now = try await site.run(["runs", "snooze", run, "--for", "0s"])
                #expect(now.code == 0, "\(now.error)")
                try await eventually("it succeeded") { try await attempts()[0][0] == "succeeded" }
                #expect(site.lines("log").count == 2)
                let late = try await site.run(["runs", "snooze", run, "--for", "1m"])
                #expect(late.code == 6 && late.error.contains("is succeeded"), "\(late.error)")
            }
        }

        @Test("until when a run must have begun and ended is told by why and by runs show")
        func deadlines() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let begun = try await self.start(
                    site,
                    ["--delay", "1h", "--ttl", "2h", "--deadline", "3h"]
                )
                for words in [["why", begun.id], ["runs", "show", begun.id]] {
                    let answer = try await site.run(words).output
                    #expect(answer.contains("begins by 2"), "\(answer)")
                    #expect(answer.contains("ends within 3 h 0 min of its beginning"), "\(answer)")
                    let json = try await site.run(words + ["-o", "json"]).output
                    let deadline = try JSONValue(parsing: json)["deadline"]
                    #expect(deadline?["after_ms"] == .integer(10_800_000), "\(json)")
                }
                try await site.run(["runs", "cancel", begun.id])
                let over = try await site.run(["why", begun.id]).output
                #expect(!over.contains("timed out"), "\(over)")
            }
        }

        @Test("a program that asks to be tried later is, without using up an attempt")
        func snoozed() async throws {
            try await Site.with { site in
                let plan = try site.plan(
                    "later",
                    """
                    retry: {max_attempts: 1}
                    inputs: {dir: {type: string}}
                    steps:
                      - id: work
                        effects: destructive
                        snooze: {delay: 1ms, max: 3}
                        shell: {argv: [sh, -c, 'echo x >> "$D/log"; test $(wc -l < "$D/log") -ge 3 || exit 75'], env: {D: "{{ inputs.dir }}"}}
                      - id: never
                        needs: [work]
                        effects: none
                        snooze: {exit: 9, delay: 1ms, max: 2}
                        shell: {argv: [sh, -c, 'exit 9']}
                    """
                )
                let answer = try await site.run(
                    ["run", plan, "--input", "dir=\(site.folder)", "-o", "json"]
                )
                #expect(answer.code == 2, "\(answer.error)")
                #expect(site.lines("log").count == 3)
                let steps = try JSONValue(parsing: answer.output)["steps"]?.arrayValue ?? []
                func states(_ step: String) -> [String] {
                    steps.filter { $0["step"] == .string(step) }
                        .compactMap { $0["state"]?.stringValue }
                }
                #expect(states("work") == ["cancelled", "cancelled", "succeeded"], "\(steps)")
                #expect(states("never") == ["cancelled", "cancelled", "failed"], "\(steps)")
            }
        }
    }
}
