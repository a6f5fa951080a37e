// Decides that plans mean on a real node what their language promises.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(4)))
    struct Language {
        /// Runs a plan to its end on a node of its own.
        ///
        /// - Returns: The exit code and the document of `-o json`.
        private func result(
            _ site: Site,
            _ body: String,
            _ arguments: [String] = []
        ) async throws -> (code: Int32, run: JSONValue) {
            let plan = try site.plan("plan", body)
            let answer = try await site.run(["run", plan, "-o", "json"] + arguments)
            return (answer.code, try JSONValue(parsing: answer.output))
        }

        /// `step attempt state` of each journal row that counts, in the order begun.
        private func journal(_ run: JSONValue) -> [String] {
            guard case .array(let rows)? = run["steps"] else { return [] }
            return rows.filter { $0["superseded"] == .bool(false) }.map { row in
                "\(row["step"]?.stringValue ?? "?") \(row["attempt"]?.canonicalText ?? "?") "
                    + (row["state"]?.stringValue ?? "?")
            }
        }

        private func text(_ run: JSONValue, _ key: String) -> String {
            run[key]?.stringValue ?? ""
        }

        @Test("a failed run tries again by its policy, and a person can have it go on")
        func retries() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let file = "file=\(site.folder)/lines"
                let first = try await self.result(
                    site,
                    """
                    inputs: {file: {type: string}, want: {type: string, default: never}}
                    retry: {max_attempts: 3, backoff: 20ms, jitter: 0}
                    steps:
                      - {id: before, shell: {argv: ["true"]}}
                      - id: work
                        needs: [before]
                        shell: {argv: [sh, -c, 'echo "$2" >> "$1"; test "$2" = now', sh, "{{ inputs.file }}", "{{ inputs.want }}"]}
                      - {id: last, needs: [work], shell: {argv: ["true"]}}
                    """,
                    ["--input", file]
                )
                #expect(first.code == 2)
                #expect(first.run["retry_count"] == .integer(2))
                #expect(self.text(first.run, "failure").contains("found exit 1"))
                #expect(site.lines("lines") == ["never", "never", "never"])
                #expect(
                    self.journal(first.run).sorted() == [
                        "before 1 succeeded", "last 0 skipped", "work 1 failed", "work 2 failed",
                        "work 3 failed",
                    ]
                )
                let id = self.text(first.run, "id")
                let second = try await site.run([
                    "runs", "retry", id, "--from", "work", "--input", "want=now", "-o", "json",
                ])
                #expect(second.code == 0, "\(second.error)")
                #expect(site.lines("lines").last == "now")
                let run = try JSONValue(parsing: second.output)
                #expect(
                    self.journal(run).sorted() == [
                        "before 1 succeeded", "last 1 succeeded", "work 4 succeeded",
                    ]
                )
                #expect(run["attempt"] == .integer(2))
            }
        }

        @Test("conditions, outputs, defaults, fan_out, sleep")
        func values() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let done = try await self.result(
                    site,
                    """
                    inputs: {count: {type: integer, default: 3}}
                    defaults: {timeout: 20s}
                    outputs: {total: "{{ steps.sum.outputs.n }}", off: "{{ steps.off.status }}"}
                    steps:
                      - id: list
                        shell: {argv: [sh, -c, 'echo "[\\"a b\\",\\"c\\",\\"d\\"]"']}
                        outputs: {items: "{{ fromJSON(result.stdout) }}"}
                      - {id: off, needs: [list], if: inputs.count > 3, shell: {argv: ["false"]}}
                      - {id: nap, needs: [off], system: {sleep: 30ms}}
                      - id: each
                        needs: [list]
                        system:
                          fan_out:
                            over: "{{ steps.list.outputs.items }}"
                            max_parallel: 2
                            shell: {argv: [echo, "{{ item }}"]}
                            verify: [{id: said, kind: shell, match: "."}]
                      - id: sum
                        needs: [each, nap, off]
                        shell: {argv: [echo, "{{ steps.each.result.count }}", "{{ steps.each.result.items[0].stdout }}"]}
                        outputs: {n: "{{ result.stdout }}"}
                    """
                )
                #expect(done.code == 0, "\(done.run.canonicalText)")
                #expect(done.run["outputs"]?["total"] == .string("3 a b\n\n"))
                #expect(done.run["outputs"]?["off"] == .string("skipped"))
                let items = self.journal(done.run).filter { $0.hasPrefix("each[") }.sorted()
                #expect(
                    items == ["each[0] 1 succeeded", "each[1] 1 succeeded", "each[2] 1 succeeded"]
                )
            }
        }

        @Test("a child run gives its outputs; when it failed, the next attempt makes another one")
        func child() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                try site.plan(
                    "child",
                    """
                    inputs: {file: {type: string}}
                    retry: {max_attempts: 1}
                    outputs: {said: "{{ steps.say.result.stdout }}"}
                    steps:
                      - id: say
                        shell: {argv: [sh, -c, 'echo x >> "$1"; grep -c x "$1"; test $(grep -c x "$1") -ge 3', sh, "{{ inputs.file }}"]}
                    """
                )
                let done = try await self.result(
                    site,
                    """
                    inputs: {file: {type: string}}
                    retry: {max_attempts: 2, backoff: 10ms}
                    outputs: {said: "{{ steps.call.result.outputs.said }}"}
                    steps:
                      - id: call
                        retry: {max_attempts: 2, backoff: 10ms}
                        system: {run: {plan: child.yaml, inputs: {file: "{{ inputs.file }}"}}}
                    """,
                    ["--input", "file=\(site.folder)/lines"]
                )
                #expect(done.code == 0, "\(done.run.canonicalText)")
                #expect(done.run["outputs"]?["said"] == .string("3\n"))
                let runs = "SELECT depth, status FROM run_any ORDER BY id"
                #expect(
                    try await site.rows(runs) == [
                        ["0", "succeeded"], ["1", "failed"], ["1", "failed"], ["1", "succeeded"],
                    ]
                )
            }
        }

        @Test("a child gets the defaults of its inputs, and says which value does not fit")
        func childInputs() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                try site.plan(
                    "child",
                    """
                    inputs: {who: {type: string, default: you}, count: {type: integer, default: 2}}
                    outputs: {said: "{{ inputs.who }} {{ inputs.count }}"}
                    steps: [{id: nap, if: inputs.count > 1, system: {sleep: 0s}}]
                    """
                )
                let done = try await self.result(
                    site,
                    """
                    outputs: {said: "{{ steps.call.result.outputs.said }}"}
                    steps: [{id: call, system: {run: {plan: child.yaml}}}]
                    """
                )
                #expect(done.code == 0, "\(done.run.canonicalText)")
                #expect(done.run["outputs"]?["said"] == .string("you 2"))
                let odd = try await self.result(
                    site,
                    """
                    inputs: {text: {type: array, default: [many]}}
                    retry: {max_attempts: 1}
                    steps:
                      - id: call
                        system: {run: {plan: child.yaml, inputs: {count: "{{ inputs.text[0] }}"}}}
                    """
                )
                #expect(odd.code == 2)
                #expect(odd.run["failure"]?.stringValue?.contains("input 'count' must be") == true)
            }
        }

        private static let undoing = """
            inputs: {folder: {type: string}, undo: {type: string, default: "true"}}
            retry: {max_attempts: 1}
            steps:
              - id: one
                shell: {argv: [sh, -c, 'echo +one >> "$1/log"', sh, "{{ inputs.folder }}"]}
                rollback:
                  - shell: {argv: [sh, -c, 'echo -one >> "$1/log"', sh, "{{ inputs.folder }}"]}
                    verify: [{id: gone, kind: shell, argv: [grep, -q, "^-one", "{{ inputs.folder }}/log"]}]
              - id: two
                needs: [one]
                shell: {argv: [sh, -c, 'echo +two >> "$1/log"', sh, "{{ inputs.folder }}"]}
                rollback:
                  - shell: {argv: [sh, -c, 'echo -two-a >> "$1/log"', sh, "{{ inputs.folder }}"]}
                  - shell: {argv: [sh, -c, 'echo -two-b >> "$1/log"', sh, "{{ inputs.folder }}"]}
                    verify: [{id: held, kind: shell, argv: ["{{ inputs.undo }}"]}]
              - {id: bad, needs: [two], shell: {argv: ["false"]}}
            """

        @Test("a failed run is undone backwards, each undo verified")
        func rollback() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let input = ["--input", "folder=\(site.folder)"]
                let done = try await self.result(site, Self.undoing, input)
                #expect(done.code == 2)
                #expect(site.lines("log") == ["+one", "+two", "-two-a", "-two-b", "-one"])
                #expect(self.text(done.run, "failure").contains("step 'bad' failed"))
                #expect(!self.text(done.run, "failure").contains("rollback"))
                let undone = self.journal(done.run).filter { $0.contains("!") }
                #expect(undone == ["two!0 1 succeeded", "two!1 1 succeeded", "one!0 1 succeeded"])
            }
        }

        @Test("an undo that does not hold stops the way back and is told")
        func failedRollback() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let input = ["--input", "folder=\(site.folder)", "--input", "undo=false"]
                let done = try await self.result(site, Self.undoing, input)
                #expect(done.code == 2)
                #expect(site.lines("log") == ["+one", "+two", "-two-a", "-two-b"])
                let failure = self.text(done.run, "failure")
                #expect(failure.contains("the rollback failed too: a person must look"))
            }
        }

        @Test("artifacts come back whole, small and large ones")
        func artifacts() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let done = try await self.result(
                    site,
                    """
                    steps:
                      - id: make
                        shell: {argv: [sh, -c, 'head -c 1000000 /dev/zero > small; head -c 3000000 /dev/urandom > large; sha256sum large']}
                        artifacts: [{file: small}, {file: large, name: big, type: image/png}]
                    """
                )
                #expect(done.code == 0)
                let stored = try await site.rows(
                    "SELECT name, size, content IS NULL FROM artifact ORDER BY name"
                )
                #expect(stored == [["big", "3000000", "t"], ["small", "1000000", "f"]])
                let id = self.text(done.run, "id")
                for (name, size) in [("small", 1_000_000), ("big", 3_000_000)] {
                    let program = try site.start(["runs", "artifact", id, name])
                    #expect(try await program.end() == 0, "\(program.errorOutput)")
                    #expect(program.outputBytes.count == size)
                    let digest = Digest(of: program.outputBytes).description
                    guard case .array(let rows)? = done.run["artifacts"] else { continue }
                    #expect(rows.contains { $0["digest"] == .string(digest) }, "\(name)")
                }
                let missing = try await site.run(["runs", "artifact", id, "none"])
                #expect(missing.code == 5, "\(missing.error)")
            }
        }

        @Test("long lines and long outputs are cut, and say so")
        func caps() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let done = try await self.result(
                    site,
                    """
                    steps:
                      - id: line
                        shell: {argv: [sh, -c, 'head -c 200000 /dev/zero | tr "\\\\0" x; echo; echo after >&2']}
                      - id: many
                        shell: {argv: [sh, -c, 'head -c 18000000 /dev/zero | tr "\\0" x | fold -w 4000']}
                    """
                )
                #expect(done.code == 0, "\(done.run.canonicalText.prefix(2_000))")
                let id = self.text(done.run, "id")
                let line = try await site.run(["runs", "logs", id, "--step", "line"])
                #expect(line.output.contains("x … [cut: line longer than 64 KiB]"))
                #expect(line.output.contains("after"))
                let many = try await site.run(["runs", "logs", id, "--step", "many"])
                #expect(many.output.contains("[cut: the step wrote more than 16 MiB"))
                try await LaneLogAudit.check(site, "caps")
            }
        }

        @Test("a step and a run end at their timeouts, and a timed out run can be retried")
        func timeouts() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let step = try await self.result(
                    site,
                    """
                    retry: {max_attempts: 1}
                    steps: [{id: slow, timeout: 200ms, shell: {argv: [sleep, "600"]}}]
                    """
                )
                #expect(step.code == 2)
                #expect(self.text(step.run, "status") == "failed")
                #expect(self.text(step.run, "failure").contains("did not end in time"))
                let run = try await self.result(
                    site,
                    """
                    inputs: {nap: {type: string, default: "600"}}
                    timeout: 2s
                    steps:
                      - {id: slow, shell: {argv: [sleep, "{{ inputs.nap }}"]}}
                      - {id: told, needs: [slow], if: always(), shell: {argv: ["true"]}}
                    """
                )
                #expect(run.code == 2)
                #expect(self.text(run.run, "status") == "timed_out")
                #expect(self.journal(run.run).contains("told 1 succeeded"))
                let again = try await site.run([
                    "runs", "retry", self.text(run.run, "id"), "--input", "nap=0",
                ])
                #expect(again.code == 0, "\(again.error) \(again.output)")
            }
        }
    }
}
