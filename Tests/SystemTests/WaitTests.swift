// Decides what waits for signals, people and time come to, whatever happens to the node.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Waits", .timeLimit(.minutes(4)))
    struct WaitTests {
        /// Begins a run and gives its id.
        static func begin(
            _ site: Site,
            _ name: String,
            _ body: String
        ) async throws -> String {
            let plan = try site.plan(name, body)
            let made = try await site.run(["run", plan, "--detach"])
            #expect(made.code == 0, "\(made.error)")
            return String(made.output.prefix(8))
        }

        static func reaches(_ site: Site, _ run: String, _ wanted: String) async throws {
            let id = try #require(RunID(run)).number
            try await eventually("run \(run) is \(wanted)") {
                try await site.rows("SELECT status FROM run_any WHERE id = \(id)")[0][0] == wanted
            }
        }

        static func document(_ site: Site, _ run: String) async throws -> JSONValue {
            try JSONValue(parsing: try await site.run(["runs", "show", run, "-o", "json"]).output)
        }

        static func events(
            _ site: Site,
            _ run: String,
            _ type: String
        ) async throws -> [JSONValue] {
            try await site.run(["runs", "logs", run, "-o", "jsonl"]).output
                .split(separator: "\n").map { try JSONValue(parsing: String($0)) }
                .filter { $0["type"] == .string(type) }
        }

        private static let signalled = """
            steps:
              - id: go
                system: {wait_signal: go}
                outputs: {n: "{{ result.n }}"}
              - id: after
                needs: [go]
                shell: {argv: [echo, "{{ steps.go.outputs.n }}"]}
            outputs: {n: "{{ steps.go.outputs.n }}"}
            """

        @Test("a run that waits for a signal goes on with it after kill -9 of its node")
        func signalAfterKill() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let run = try await Self.begin(site, "signalled", Self.signalled)
                try await Self.reaches(site, run, "waiting")
                let reason = try await Self.document(site, run)["wait_reason"]?.stringValue ?? ""
                #expect(reason.contains("step 'go' waits for signal 'go'"), "\(reason)")
                try await node.killHard()
                // Nobody is there to hear it.
                let sent = try await site.run([
                    "runs", "signal", run, "go", "--payload", #"{"n":7}"#,
                ])
                #expect(sent.output == "\(run) signal 1 'go' sent\n", "\(sent.error)")
                _ = try await site.startNode()
                try await Self.reaches(site, run, "succeeded")
                #expect(try await Self.document(site, run)["outputs"]?["n"] == 7)
                #expect(try await Self.events(site, run, "signal.taken").count == 1)
                #expect(try await Self.events(site, run, "step.unknown").isEmpty)
                let signals = try await site.run(["runs", "signals", run, "-o", "json"]).output
                let row = try JSONValue(parsing: signals)["signals"]?[0]
                #expect(row?["taken_by"] == "go")
                try await LaneLogAudit.check(site, "signal")
            }
        }

        @Test(
            "a signal sent before its step begins is not lost, one sent while it waits is heard at once"
        )
        func signalsEarlyAndLate() async throws {
            try await Site.with { site in
                let plan = """
                    steps:
                      - id: first
                        system: {wait_signal: {name: "{{ run.plan }}-1"}}
                      - id: second
                        needs: [first]
                        system: {wait_signal: {name: two, schema: {type: integer}}}
                    outputs: {a: "{{ steps.first.result }}", b: "{{ steps.second.result }}"}
                    """
                // No node works: the run is queued when its signals come.
                try await site.startNode().killHard()
                let run = try await Self.begin(site, "pair", plan)
                for payload in ["1", "2"] {
                    _ = try await site.run(["runs", "signal", run, "two", "--payload", payload])
                }
                _ = try await site.startNode()
                try await Self.reaches(site, run, "waiting")
                _ = try await site.run(["runs", "signal", run, "pair-1", "--payload", #""x""#])
                try await Self.reaches(site, run, "succeeded")
                let outputs = try await Self.document(site, run)["outputs"]
                #expect(outputs == ["a": "x", "b": 1])
                let late = try await site.run(["runs", "signal", run, "two", "--payload", "3"])
                #expect(late.code != 0 && late.error.contains("is succeeded already"))
            }
        }

        private static let release = """
            steps:
              - id: ok
                system:
                  approval:
                    count: 2
                    groups: [ops]
                    self_approval: false
                    timeout: 1h
                    message: "may {{ run.plan }} go?"
                    form: {type: object, required: [window], properties: {window: {type: string}, seats: {type: integer}}}
              - id: after
                needs: [ok]
                shell: {argv: [echo, "{{ steps.ok.outputs.window }}"]}
            outputs: {window: "{{ steps.ok.outputs.window }}", seats: "{{ steps.ok.outputs.seats }}"}
            """

        /// What makes commands speak as anna and ben of group ops, and as dora.
        private static func people(
            _ site: Site,
            _ node: ListeningNode
        ) async throws -> [String: [String: String]] {
            var people: [String: [String: String]] = [:]
            for (name, groups) in [
                ("anna", ["--group", "ops"]), ("ben", ["--group", "ops"]), ("dora", []),
            ] {
                let made = try await site.run(
                    ["tokens", "create", name] + groups,
                    data: nil,
                    environment: node.environment
                )
                #expect(made.code == 0, "\(made.error)")
                var environment = node.environment
                environment["OPSROOM_TOKEN"] = made.output.split(separator: "\n").first.map(
                    String.init
                )
                people[name] = environment
            }
            return people
        }

        @Test(
            "decisions of two people, one before and one after kill -9, let the run go on with their form"
        )
        func approvals() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let run = try await Self.begin(site, "release", Self.release)
                try await Self.reaches(site, run, "waiting")
                let people = try await Self.people(site, node)
                func say(
                    _ name: String,
                    _ words: [String]
                ) async throws -> (code: Int32, output: String, error: String) {
                    try await site.run(
                        ["approvals"] + words,
                        data: nil,
                        environment: people[name] ?? [:]
                    )
                }
                let listed = try await say("anna", ["list"])
                #expect(
                    listed.output.contains("may release go?"),
                    "\(listed.output)\(listed.error)"
                )
                #expect(try await say("dora", ["list"]).output.isEmpty)
                let outsider = try await say("dora", ["approve", run, "--form", "window=day"])
                #expect(
                    outsider.code != 0 && outsider.error.contains("group ops"),
                    "\(outsider.error)"
                )
                let first = try await say("anna", ["approve", run, "--form", "window=day"])
                #expect(
                    first.output == "\(run) ok approved by anna; 1 of 2 so far\n",
                    "\(first.error)"
                )
                try await eventually("the run says so") {
                    try await Self.document(site, run)["wait_reason"]?.stringValue?
                        .contains("waits for 1 of 2 approvals from group ops; until 20") ?? false
                }
                try await node.program.killHard()
                // The local door: stored while no node works.
                _ = try await site.rows(
                    """
                    INSERT INTO approval_decision (run_id, run_attempt, step, person, approved, form, comment)
                    SELECT id, attempt, 'ok', 'ben', true, '{"seats":3,"window":"night"}', 'fine' FROM run
                    """
                )
                _ = try await site.startNode()
                try await Self.reaches(site, run, "succeeded")
                #expect(
                    try await Self.document(site, run)["outputs"] == [
                        "window": "night", "seats": 3,
                    ]
                )
                let decided = try await Self.events(site, run, "approval.decided")
                #expect(decided.map { $0["data"]?["by"] } == ["anna", "ben"])
                #expect(decided.map { $0["data"]?["approvals"] } == [1, 2])
                try await LaneLogAudit.check(site, "approvals")
            }
        }

        @Test("a rejection fails the run for good with who said so; a retry asks anew")
        func rejection() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = """
                    steps:
                      - {id: ok, system: {approval: {message: sure?}}}
                      - {id: after, needs: [ok], system: {sleep: 0s}}
                    """
                let run = try await Self.begin(site, "asked", plan)
                try await Self.reaches(site, run, "waiting")
                let said = try await site.run([
                    "approvals", "reject", run, "ok", "--comment", "not now",
                ])
                #expect(said.code == 0, "\(said.error)")
                try await Self.reaches(site, run, "failed")
                let failure = try await Self.document(site, run)["failure"]?.stringValue ?? ""
                #expect(failure.contains("rejected by \(NSUserName()): not now"), "\(failure)")
                // Not tried again, although runs have three attempts.
                #expect(try await Self.events(site, run, "run.retrying").isEmpty)
                try await site.run(["runs", "retry", run, "--detach"])
                try await Self.reaches(site, run, "waiting")
                let again = try await site.run(["approvals", "approve", run])
                #expect(again.output.hasPrefix("\(run) ok approved by"), "\(again.error)")
                try await Self.reaches(site, run, "succeeded")
                let late = try await site.run(["approvals", "approve", run, "ok"])
                #expect(late.code != 0 && late.error.contains("is succeeded already"))
            }
        }

        @Test("what only waits holds no place on the node, and is cancelled at once")
        func places() async throws {
            try await Site.with { site in
                _ = try await site.startNode(["--runs-max", "1"])
                var waiting: [String] = []
                for number in 0..<3 {
                    let plan = try site.plan(
                        "w\(number)",
                        number == 0
                            ? "steps: [{id: s, system: {sleep: 1h}}]"
                            : "steps: [{id: s, system: {wait_signal: x}}]"
                    )
                    let lane = ["--lane", "W\(number)", "--detach"]
                    let made = try await site.run(["run", plan] + lane)
                    waiting.append(String(made.output.prefix(8)))
                }
                for run in waiting.dropFirst() { try await Self.reaches(site, run, "waiting") }
                let quick = try site.plan("quick", "steps: [{id: e, shell: {argv: [echo]}}]")
                let ran = try await site.run(["run", quick])
                #expect(ran.code == 0, "\(ran.error)")
                for run in waiting {
                    #expect(try await site.run(["runs", "cancel", run]).code == 0)
                    try await Self.reaches(site, run, "cancelled")
                }
                let list = try await site.run(["approvals", "list", "--all"])
                #expect(list.error.contains("nothing waits for anybody"))
            }
        }

        @Test("a step takes the next signal when one does not fit, if it has a retry")
        func unfitSignal() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = """
                    steps:
                      - id: go
                        retry: {max_attempts: 3, backoff: 1ms}
                        system: {wait_signal: {name: go, schema: {type: integer}}}
                    outputs: {n: "{{ steps.go.result }}"}
                    """
                let run = try await Self.begin(site, "unfit", plan)
                try await Self.reaches(site, run, "waiting")
                // Written by hand, past the door that would have refused it.
                for (number, payload) in [(1, "{}"), (2, "no JSON"), (3, "5")] {
                    _ = try await site.rows(
                        """
                        INSERT INTO signal (run_id, seq, name, payload, sent_by)
                        SELECT id, \(number), 'go', '\(payload)', 'hand' FROM run
                        """
                    )
                }
                _ = try await site.run(["runs", "signal", run, "other"])
                try await Self.reaches(site, run, "succeeded")
                #expect(try await Self.document(site, run)["outputs"]?["n"] == 5)
                #expect(try await Self.events(site, run, "signal.taken").count == 3)
            }
        }

        @Test("a run paused while it waits rests once its wait is over, on another node too")
        func paused() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                let plan = """
                    steps:
                      - {id: ok, system: {approval: {}}}
                      - {id: after, needs: [ok], shell: {argv: [echo]}}
                    """
                let run = try await Self.begin(site, "paused", plan)
                try await Self.reaches(site, run, "waiting")
                try await site.run(["runs", "pause", run, "--by", "ann"])
                try await node.killHard()
                _ = try await site.startNode()
                try await eventually("it rests on the new node") {
                    try await Self.document(site, run)["wait_reason"]?.stringValue?
                        .hasPrefix("paused by ann") ?? false
                }
                #expect(try await site.run(["approvals", "approve", run, "ok"]).code == 0)
                #expect(try await Self.document(site, run)["status"] == "waiting")
                #expect(try await site.run(["runs", "resume", run]).code == 0)
                try await Self.reaches(site, run, "succeeded")
                #expect(try await Self.events(site, run, "approval.decided").count == 1)
            }
        }

        @Test(
            "a run of which something else is under way is running; then it says what it waits for"
        )
        func beside() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let plan = """
                    inputs: {dir: {type: string}}
                    steps:
                      - {id: a, system: {wait_signal: a}}
                      - {id: b, system: {wait_signal: b}}
                      - id: work
                        effects: idempotent
                        shell: {argv: [sh, -c, 'until [ -e "$D/go" ]; do sleep 0.02; done'], env: {D: "{{ inputs.dir }}"}}
                    """
                let path = try site.plan("beside", plan)
                let made = try await site.run(
                    ["run", path, "--input", "dir=\(site.folder)", "--detach"]
                )
                let run = String(made.output.prefix(8))
                try await Self.reaches(site, run, "running")
                try Data().write(to: URL(fileURLWithPath: site.folder + "/go"))
                try await Self.reaches(site, run, "waiting")
                func reason() async throws -> String {
                    try await Self.document(site, run)["wait_reason"]?.stringValue ?? ""
                }
                let both = try await reason()
                #expect(both.contains("step 'a' waits") && both.contains("step 'b' waits"))
                let why = try await site.run(["why", run])
                #expect(why.output.contains("waits for signal 'a'"), "\(why.output)")
                _ = try await site.run(["runs", "signal", run, "a"])
                try await eventually("only one is told of") {
                    try await !reason().contains("step 'a' waits")
                }
                #expect(try await reason().contains("step 'b' waits"))
                _ = try await site.run(["runs", "signal", run, "b"])
                try await Self.reaches(site, run, "succeeded")
            }
        }
    }
}
