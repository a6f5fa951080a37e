// Decides which shape every JSON document has, and what the help shows.

import Compiler
import PulserIR
import Testing

@testable import opsroom

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct Documents {
        /// A document's names and types: `s` text, `i` whole number, `n` number, `b` boolean, `-`
        /// null; of a list the first element.
        private static func shape(_ value: JSONValue) -> String {
            switch value {
            case .null: "-"
            case .bool: "b"
            case .integer: "i"
            case .number: "n"
            case .string: "s"
            case .array(let items): "[\(items.first.map(Self.shape) ?? "")]"
            case .object(let members):
                "{"
                    + members.sorted { $0.key < $1.key }
                    .map { "\($0.key):\(Self.shape($0.value))" }.joined(separator: " ") + "}"
            }
        }

        private static let run =
            "attempt:i due_at:- enqueued_at:s failure:- finished_at:s id:s inputs:{} key:s lane:s "
            + "outputs:{text:s} parent:- paused_by:- plan:s plan_digest:s priority:i ready_at:s "
            + "retry_count:i session:s started_at:s status:s"

        private static let step =
            "{attempt:i begun_at:s ended_at:s failure:- outputs:{text:s} result:{exit:i output:s "
            + "stderr:s stdout:s truncated:b} snoozed_ms:- state:s step:s superseded:b "
            + "verifiers:[{expected:s id:s kind:s observed:s required:b result:s}]}"

        @Test("JSON documents keep their shape")
        func shapes() async throws {
            try await Site.with { site in
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                let plan = try site.plan(
                    "file",
                    """
                    steps:
                      - id: a
                        shell: {argv: [sh, -c, "echo hi | tee f"]}
                        outputs: {text: "{{ result.output }}"}
                        artifacts: [{file: f}]
                    outputs: {text: "{{ steps.a.outputs.text }}"}
                    """
                )
                let bad = try site.plan("bad", "steps: [{id: a, needs: [b], shell: {argv: [ls]}}]")
                // Before there is a node, so that it is still queued.
                let stored = try await site.run(["run", plan, "--detach", "-o", "json"]).output
                #expect(
                    Self.shape(try JSONValue(parsing: stored))
                        == "{attempt:i due_at:- enqueued_at:s failure:- finished_at:- id:s inputs:{} key:s "
                        + "lane:s outputs:- parent:- paused_by:- plan:s plan_digest:s priority:i ready_at:s "
                        + "retry_count:i session:s started_at:- status:s template:- unique:- version:i wait_reason:-}"
                )
                _ = try await site.startNode()
                #expect(try await site.run(["run", plan]).code == 0)
                let id = try await site.run(["runs", "list", "--no-headers"]).output.prefix(8)
                let run = Self.run
                let artifacts = "artifacts:[{digest:s media_type:s name:s size:i step:s}]"
                for (words, shape) in [
                    (
                        ["runs", "list"],
                        "{runs:[{\(run) template:- unique:- wait_reason:-}] version:i}"
                    ),
                    (
                        ["runs", "show", String(id)],
                        "{\(artifacts) "
                            + run.replacing("attempt:i", with: "attempt:i deadline:-")
                            + " steps:[\(Self.step)] template:- unique:- version:i "
                            + "wait_reason:-}"
                    ),
                    (
                        ["sessions", "list"],
                        "{sessions:[{created_at:s intent:s lanes:i name:s open_runs:i paused:- "
                            + "status:s}] version:i}"
                    ),
                    (["doctor"], "{findings:[{fix:- level:s message:s subject:s}] version:i}"),
                    (["migrate", "status"], "{migrations:[{name:s state:s}] version:i}"),
                ] {
                    let answer = try await site.run(words + ["-o", "json"])
                    let document = try JSONValue(parsing: answer.output)
                    #expect(Self.shape(document) == shape, "\(words)")
                    #expect(document["version"] == .integer(1))
                }
                let finding = "{column:i file:s hint:s line:i message:s severity:s}"
                for (words, shape) in [
                    (["plan", "check", plan, bad], "{diagnostics:[\(finding)] version:i}"),
                    (["plan", "check", plan], "{diagnostics:[] version:i}"),
                ] {
                    let answer = try await site.run(words + ["-o", "json"], data: nil)
                    #expect(Self.shape(try JSONValue(parsing: answer.output)) == shape)
                }
                let shown = try await site.run(["plan", "show", plan, "-o", "json"], data: nil)
                let document = try JSONValue(parsing: shown.output)
                #expect(document["version"] == .integer(1))
                #expect(document["plan"]?["name"] == .string("file"))
            }
        }

        @Test("every command's help has an example")
        func examples() async throws {
            try await Site.with(.embedded) { site in
                let dump = try await site.run(["--experimental-dump-help"], data: nil).output
                func check(_ command: JSONValue?, _ path: String) {
                    let name = path + (command?["commandName"]?.stringValue ?? "?")
                    if name == "opsroom help" { return }
                    let text = command?["discussion"]?.stringValue ?? ""
                    #expect(text.contains("Example"), "\(name)")
                    guard case .array(let commands)? = command?["subcommands"] else { return }
                    for command in commands { check(command, name + " ") }
                }
                check(try JSONValue(parsing: dump)["command"], "")
            }
        }

        @Test("a command without its subcommand shows its help; exit codes have a page")
        func help() async throws {
            try await Site.with(.embedded) { site in
                for command in ["runs", "sessions", "plan", "migrate", "bench"] {
                    let answer = try await site.run([command], data: nil)
                    #expect(answer.code == 0 && answer.output.contains("SUBCOMMANDS:"))
                }
                for words in [["help", "exit-codes"], ["exit-codes"]] {
                    let page = try await site.run(words, data: nil)
                    #expect(page.code == 0)
                    for code in ["  2  the work", " 64  the command", " 69  the", "130  inter"] {
                        #expect(page.output.contains(code), "\(page.output)")
                    }
                }
            }
        }

        @Test("the line about a run's progress says something at any moment")
        func progress() throws {
            let text = """
                apiVersion: pulser/v1
                kind: Plan
                metadata: {name: two}
                steps: [{id: a, system: {sleep: 0s}}, {id: b, system: {sleep: 0s}}]
                """
            let plan = try PlanCompiler { _ in [] }.compile(Array(text.utf8), file: "two").plan
            var progress = RunProgress(plan: plan)
            #expect(progress.sentence(.queued) == "0 of 2 steps done; queued")
            for (type, sentence) in [
                ("step.started", "now: a"), ("step.retrying", "retrying: a"),
            ] {
                progress.take(.object(["type": .string(type), "step": .string("a")]))
                #expect(progress.sentence(.running) == "0 of 2 steps done; \(sentence)")
            }
            progress.take(.object(["type": .string("step.succeeded"), "step": .string("a")]))
            #expect(progress.sentence(.running) == "1 of 2 steps done; running")
        }
    }
}
