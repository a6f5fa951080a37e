// Decides that a command over the network says what it says on the data directory, and how it fails.

import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Over the network", .timeLimit(.minutes(4)))
    struct Remote {
        private static let good = """
            inputs: {who: {type: string, default: you}}
            steps:
              - id: greet
                shell: {argv: [sh, -c, 'echo hi "$WHO"; echo hi > out.txt'], env: {WHO: "{{ inputs.who }}"}}
                outputs: {text: "{{ result.stdout }}"}
                artifacts: [{file: out.txt, name: out, type: text/plain}]
            outputs: {text: "{{ steps.greet.outputs.text }}"}
            """
        private static let bad = "steps: [{id: a, shell: {argv: [sh, -c, 'echo oh no; exit 3']}}]"

        /// What is allowed to differ: how long ago something was.
        private static func timeless(_ text: String) -> String {
            // Commands to run next name the place that this one named.
            text.replacing(/[ ]--data [^ \n]+/, with: "").replacing(
                /now|\d+ (?:s|min) ago/,
                with: "AGO"
            ).replacing(/[ ]+/, with: " ")
        }

        /// What is asked of a session's lanes, one after the other.
        private static let lanes: [[String]] = [
            ["lanes", "list", "side"], ["lanes", "list", "default", "-o", "json"],
            ["lanes", "list", "gone"], ["lanes", "set", "side/B", "--width", "3"],
            ["lanes", "set", "side/B", "--priority", "7", "-o", "json"],
            ["lanes", "show", "side/B"], ["lanes", "show", "side/B", "-o", "json"],
            ["lanes", "resume", "side/B"], ["lanes", "pause", "side/none"],
            ["lanes", "pause", "side"], ["lanes", "resume", "side/B", "--key", "k"],
            ["limits", "set", "bank", "--rate", "100/m:20"], ["limits", "list"],
            ["limits", "set", "bank", "--rate", "often"], ["limits", "delete", "none"],
            ["lanes", "set", "side/B", "--limit", "none-such"],
            ["lanes", "set", "side/B", "--limit", "bank", "--key-width", "2"],
            ["lanes", "set", "side/B", "--rate", "5/s", "--ageing", "none", "-o", "json"],
            ["limits", "delete", "bank"], ["lanes", "show", "side/B"],
            ["sessions", "pause", "gone"], ["sessions", "resume", "side", "-o", "json"],
            ["lanes", "set", "side/none", "--width", "3"], ["lanes", "set", "side"],
        ]

        /// What is asked of runs by filter, and of actions on many of them.
        private static let choices: [[String]] = [
            ["runs", "list", "--status", "ended"], ["runs", "list", "--status", "-succeeded"],
            ["runs", "list", "--status=failed,succeeded", "-o", "json"],
            ["runs", "list", "--status", "dead"], ["runs", "list", "--status", "dead,queued"],
            ["runs", "list", "--status", "asleep"], ["runs", "list", "--status", "paused"],
            ["runs", "list", "--status", "paused,queued,-failed"],
            ["runs", "list", "--plan", "good"], ["runs", "list", "--text", "OH NO"],
            ["runs", "list", "--text", "you"], ["runs", "list", "--template", "none"],
            ["runs", "list", "--parent", "zzzz"], ["runs", "list", "--for", "a,b"],
            ["runs", "list", "--enqueued-after", "1h", "--finished-before", "1h"],
            ["runs", "list", "--enqueued-before", "2099-01-01T00:00:00+01:00"],
            ["runs", "list", "--finished-after", "soon"],
            ["runs", "list", "--text", String(repeating: "x", count: 300)],
            ["bulk", "list"], ["bulk", "list", "-o", "json"], ["bulk", "show", "1"],
            ["bulk", "show", "1", "--state", "ok", "-o", "json"], ["bulk", "show", "99"],
            ["bulk", "show", "1", "--state", "odd"], ["bulk", "stop", "99"],
            ["bulk", "stop", "1"],
        ]

        @Test("the same commands, here and over the network, answer the same")
        func sameAnswers() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let good = try site.plan("good", Self.good)
                let bad = try site.plan("bad", Self.bad)
                #expect(try await site.run(["run", good]).code == 0)
                #expect(try await site.run(["run", bad]).code == 2)
                let listed = try await site.run(["runs", "list", "-o", "json"]).output
                let runs = try JSONValue(parsing: listed)["runs"]?.arrayValue ?? []
                let ids = runs.compactMap { $0["id"]?.stringValue }
                try #require(ids.count == 2)
                let digest = try #require(runs.first?["plan_digest"]?.stringValue)
                #expect(
                    try await site.run(["sessions", "create", "side", "--lane", "B:2:5"]).code == 0
                )
                let yearly = ["schedules", "create", "yearly", "--cron", "0 0 1 1 *"]
                let scheduled = try await site.run(yearly + ["--plan", good, "--zone", "UTC"])
                #expect(scheduled.code == 0, "\(scheduled.error)")
                let past = ["--from", "2025-01-01T00:00:00Z"]
                let aside = ["bulk", "discard", "--filter", "plan=bad", "--yes"]
                let discarded = try await site.run(aside, data: nil, environment: node.environment)
                #expect(discarded.code == 0, "\(discarded.error)")
                for words in [
                    ["runs", "list"], ["runs", "list", "-o", "json"],
                    ["runs", "list", "-o", "jsonl"],
                    ["runs", "list", "--status", "failed", "--no-headers"],
                    ["runs", "list", "--session", "side"], ["runs", "list", "--limit", "1"],
                    ["runs", "list", "--before", ids[0]], ["runs", "show", ids[0]],
                    ["runs", "show", ids[1]], ["runs", "show", ids[1], "-o", "json"],
                    ["runs", "logs", ids[0]], ["runs", "logs", ids[1], "--step", "greet"],
                    ["runs", "logs", ids[1], "-o", "jsonl"],
                    ["runs", "logs", ids[1], "-o", "json"],
                    ["runs", "logs", "-f", ids[1]], ["runs", "artifact", ids[1], "out"],
                    ["runs", "watch", ids[1]], ["runs", "watch", ids[0], "--exit-status"],
                    ["sessions", "list"], ["sessions", "list", "--all", "-o", "json"],
                    ["nodes", "list", "-o", "jsonl"], ["runs", "show", "zzzz"],
                    ["runs", "cancel", ids[0]], ["runs", "retry", ids[1]],
                    ["migrate", "status"], ["migrate", "status", "--check", "-o", "json"],
                    ["plan", "show", digest], ["plan", "show", digest, "-o", "json"],
                    ["runs", "resume", ids[0]], ["runs", "priority", ids[0], "--to", "-3"],
                    ["runs", "list", "--before", "zzzz"],
                    ["shards", "rebalance"], ["shards", "rebalance", "--dry-run", "-o", "json"],
                    ["shards", "move", "7", "--to", "gone"], ["nodes", "undrain", "gone"],
                    ["sessions", "archive", "gone"], ["sessions", "create", "side"],
                    ["schedules", "list"], ["schedules", "list", "-o", "json"],
                    ["schedules", "list", "--paused"], ["schedules", "show", "yearly"],
                    ["schedules", "show", "yearly", "-o", "json"], ["schedules", "show", "gone"],
                    ["schedules", "preview", "yearly", "--count", "2"] + past,
                    ["schedules", "preview", "yearly", "-o", "json"] + past,
                    ["schedules", "edit", "yearly", "--cron", "61 * * * *"],
                    ["schedules", "edit", "yearly"], ["schedules", "delete", "yearly"],
                    ["schedules", "backfill", "yearly", "--to", "2099-01-01T00:00:00Z"] + past,
                    ["schedules", "resume", "gone"], yearly + ["--plan", good],
                ] + Self.lanes + Self.choices {
                    let here = try await site.run(words)
                    let there = try await site.run(words, data: nil, environment: node.environment)
                    #expect(here.code == there.code, "\(words): \(there.error)")
                    if words[0] == "nodes" { continue }
                    #expect(Self.timeless(here.output) == Self.timeless(there.output), "\(words)")
                    let first = { (text: String) in
                        Self.timeless(String(text.split(separator: "\n").first ?? ""))
                    }
                    #expect(first(here.error) == first(there.error), "\(words)")
                }
            }
        }

        @Test("a run over the network ends with its result as exit code; changes reach the node")
        func changes() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                func there(_ words: String...) async throws -> (Int32, String, String) {
                    let answer = try await site.run(
                        words,
                        data: nil,
                        environment: node.environment
                    )
                    return (answer.code, answer.output, answer.error)
                }
                let good = try site.plan("good", Self.good)
                let bad = try site.plan("bad", Self.bad)
                let ran = try await there("run", good, "--input", "who=ana", "-o", "json")
                #expect(ran.0 == 0, "\(ran.2)")
                let document = try JSONValue(parsing: ran.1)
                #expect(document["outputs"]?["text"] == .string("hi ana\n"))
                #expect(try await there("run", bad).0 == 2)
                let keyed = try await there("run", good, "--key", "k", "--detach")
                #expect(try await there("run", good, "--key", "k", "--detach").1 == keyed.1)
                let nap = try site.plan("nap", "steps: [{id: a, system: {sleep: 1h}}]")
                let id = try await there("run", nap, "--detach").1.prefix(8)
                let paused = try await there("runs", "pause", String(id))
                #expect(paused.0 == 0 && paused.1.contains("paused by"), "\(paused)")
                let resumed = try await there("runs", "resume", String(id))
                #expect(resumed.0 == 0, "\(resumed)")
                let cancelled = try await there("runs", "cancel", String(id), "-o", "json")
                #expect(cancelled.0 == 0, "\(cancelled)")
                #expect(
                    try JSONValue(parsing: cancelled.1)["status"] == .string("cancelled")
                )
                let again = try await there("runs", "retry", String(id), "--detach")
                #expect(again.0 == 0 && again.2.contains("runs again: a"), "\(again)")
                #expect(try await there("runs", "cancel", String(id)).0 == 0)
                let session = try await there("sessions", "create", "s", "-o", "json")
                #expect(try JSONValue(parsing: session.1)["name"] == .string("s"))
                let archived = try await there("sessions", "archive", "s", "-o", "json")
                #expect(try JSONValue(parsing: archived.1)["status"] == .string("archived"))
                let nameless = try await there("nodes", "status", "")
                #expect(nameless.0 == 5 && nameless.1.isEmpty, "\(nameless)")
                let doctor = try await there("doctor")
                #expect(doctor.0 == 0 && doctor.1.contains("may admin"), "\(doctor)")
            }
        }

        @Test("a node that is named checks plan files and says what this program says")
        func plans() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let good = try site.plan("good", Self.good)
                let odd = try site.plan("odd", "steps: [{id: a, shel: {argv: [ls]}}]")
                let parent = try site.plan(
                    "parent",
                    "steps: [{id: a, system: {run: {plan: odd.yaml}}}, {id: b, needs: [c]}]"
                )
                for words in [
                    ["plan", "check", good], ["plan", "check", good, odd],
                    ["plan", "check", parent],
                    ["plan", "check", good, parent, "-o", "json"],
                    ["plan", "check", "\(site.folder)/nothing.yaml"],
                ] {
                    let here = try await site.run(words, data: nil)
                    let there = try await site.run(words + ["--server", node.url], data: nil)
                    #expect(here.code == there.code, "\(words): \(there.error)")
                    #expect(here.output == there.output, "\(words)")
                    let error = there.error.replacing(" --server '\(node.url)'", with: "")
                        .replacing(" --server \(node.url)", with: "")
                    #expect(here.error == error, "\(words)")
                }
                let shown = try await site.run(
                    ["plan", "show", good, "--server", node.url],
                    data: nil
                )
                #expect(shown.code == 64 && shown.error.contains("by its digest"), "\(shown.error)")
            }
        }

        @Test("child plans travel with the plan that runs them")
        func children() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                try site.plan("child", Self.good)
                let parent = try site.plan(
                    "parent",
                    "steps: [{id: a, system: {run: {plan: child.yaml, inputs: {who: me}}}}]"
                )
                let ran = try await site.run(
                    ["run", parent],
                    data: nil,
                    environment: node.environment
                )
                #expect(ran.code == 0, "\(ran.error)")
            }
        }

        @Test("tokens are made, shown once, listed and revoked; a revoked or wrong one is refused")
        func tokens() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let made = try await site.run(
                    ["tokens", "create", "ci", "--scope", "read", "--expires", "30d"]
                )
                #expect(made.code == 0, "\(made.error)")
                let secret = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(!secret.contains(" ") && secret.count > 20)
                #expect(made.error.contains("expires in 30 d"), "\(made.error)")
                let listed = try await site.run(["tokens", "list"])
                #expect(listed.output.contains("ci") && !listed.output.contains(secret))
                func ask(_ token: String, _ words: String...) async throws -> (Int32, String) {
                    var environment = node.environment
                    environment["OPSROOM_TOKEN"] = token
                    let answer = try await site.run(words, data: nil, environment: environment)
                    return (answer.code, answer.error)
                }
                #expect(try await ask(secret, "runs", "list").0 == 0)
                let tooMuch = try await ask(secret, "sessions", "create", "x")
                #expect(tooMuch.0 == 4 && tooMuch.1.contains("Next:  opsroom"), "\(tooMuch)")
                let document = try JSONValue(
                    parsing: try await site.run(["tokens", "list", "-o", "json"]).output
                )
                let token = document["tokens"]?.arrayValue?
                    .first { $0["name"]?.stringValue == "ci" }?["id"]?.stringValue
                let id = try #require(token)
                #expect(try await site.run(["tokens", "revoke", id]).code == 0)
                let revoked = try await ask(secret, "runs", "list")
                #expect(revoked.0 == 4, "\(revoked)")
                let wrong = try await ask("nonsense", "runs", "list", "-o", "json")
                #expect(wrong.0 == 4)
                let error = try JSONValue(parsing: wrong.1)["error"]
                #expect(error?["code"] == .string("unauthenticated"))
                #expect(error?["trace"]?.stringValue?.isEmpty == false)
                #expect(error?["next"]?.stringValue?.hasPrefix("opsroom ") == true)
            }
        }

        @Test("a server that is down is a sentence, code 69 and the command that brings it back")
        func down() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                try await node.program.killHard()
                for words in [["runs", "list"], ["events", "tail"], ["doctor"]] {
                    let answer = try await site.run(
                        words,
                        data: nil,
                        environment: node.environment
                    )
                    #expect(answer.code == (words == ["doctor"] ? 2 : 69), "\(words)")
                    let text = answer.output + answer.error
                    #expect(text.contains("no node answers at \(node.url)"), "\(text)")
                    #expect(text.contains("opsroom up --data \(site.folder)/data"), "\(text)")
                }
            }
        }

        @Test("what only a node can tell says so where none was ever started")
        func unknownNode() async throws {
            try await Site.with { site in
                for words in [["events", "tail"], ["tokens", "list"]] {
                    let answer = try await site.run(words)
                    #expect(answer.code == 69)
                    #expect(answer.error.contains("Next:  opsroom up --data"), "\(answer.error)")
                }
            }
        }

        @Test("commands that work where the data is refuse a server with a sentence")
        func localOnly() async throws {
            try await Site.with { site in
                for words in [["up"], ["migrate", "apply"], ["bench", "runs"]] {
                    let answer = try await site.run(
                        words + ["--server", "http://127.0.0.1:1"],
                        data: nil
                    )
                    #expect(answer.code == 64)
                    #expect(answer.error.contains("where the data is"), "\(answer.error)")
                }
            }
        }

        @Test("a context is added, used, shown with the origin of each value, and removed")
        func contexts() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let file = site.contexts
                try await eventually("the token is there") {
                    FileManager.default.fileExists(atPath: file)
                }
                let attributes = try FileManager.default.attributesOfItem(atPath: file)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
                let local = try await site.run(["context", "list", "-o", "json"], data: nil)
                let known = try JSONValue(parsing: local.output)["contexts"]?.arrayValue ?? []
                #expect(known.count == 1 && known.first?["is_current"] == .bool(false))
                #expect(!local.output.contains("token\":\""))
                let used = try await site.run(["context", "use", "local"], data: nil)
                #expect(used.code == 0, "\(used.error)")
                let shown = try await site.run(["context", "show", "--origin"], data: nil)
                #expect(shown.output.contains("server   \(node.url)  (context local)"), "\(shown)")
                let listed = try await site.run(["runs", "list"], data: nil)
                #expect(listed.code == 0 && listed.error.contains("no runs"), "\(listed)")
                chmod(file, 0o644)
                let open = try await site.run(["runs", "list"], data: nil)
                #expect(open.code == 7 && open.error.contains("Next:  chmod 600"), "\(open.error)")
                chmod(file, 0o600)
                #expect(try await site.run(["context", "remove", "local"], data: nil).code == 0)
                let gone = try await site.run(["context", "use", "local"], data: nil)
                #expect(gone.code == 5)
            }
        }
    }
}

/// A node that listens, and how to speak to it.
struct ListeningNode {
    let program: Program
    let url: String
    /// What makes commands speak to it.
    var environment: [String: String] { ["OPSROOM_SERVER": self.url] }
}

extension Site {
    /// Starts a node that listens where it can, or where another one did.
    func startListeningNode(
        at url: String? = nil,
        data: String = "data"
    ) async throws -> ListeningNode {
        let place = url.map { String($0.dropFirst("http://".count)) } ?? "127.0.0.1:0"
        let program = try await self.startNode(data: data, ["--listen", place])
        guard let match = program.errorOutput.firstMatch(of: /API at (http:\/\/[0-9.:]+)/) else {
            throw NeverHappened(description: "the node said where it listens")
        }
        return ListeningNode(program: program, url: String(match.1))
    }
}
