// Decides that a run of each item is made once, and so many at a time, whatever happens to the node.

import Foundation
import PulserIR
import Store
import Testing

extension SystemTests {
    @Suite("Child runs of items", .timeLimit(.minutes(4)))
    struct FanOutTests {
        /// Says its item, waits until it may go on, and fails where it is told to.
        private static let child = """
            inputs: {name: {type: string}, folder: {type: string}}
            retry: {max_attempts: 1}
            outputs: {said: "{{ steps.say.outputs.said }}"}
            steps:
              - id: say
                effects: idempotent
                shell:
                  argv:
                    - sh
                    - -c
                    - 'while [ -e "$1/hold" ]; do sleep 0.02; done; ! rm "$1/fail-$2" 2>/dev/null && echo "got $2"'
                    - sh
                    - "{{ inputs.folder }}"
                    - "{{ inputs.name }}"
                outputs: {said: "{{ result.output }}"}
            """

        private static func parent(parallel: Int, attempts: Int = 1) -> String {
            """
            inputs: {names: {type: array}, folder: {type: string}}
            retry: {max_attempts: 1}
            outputs: {all: "{{ steps.each.result.items }}", n: "{{ steps.each.result.count }}"}
            steps:
              - id: each
                retry: {max_attempts: \(attempts), backoff: 10ms}
                system:
                  fan_out:
                    over: "{{ inputs.names }}"
                    max_parallel: \(parallel)
                    run:
                      plan: child.yaml
                      inputs: {name: "{{ item }}", folder: "{{ inputs.folder }}"}
            """
        }

        private static func start(
            _ site: Site,
            _ names: [String],
            parallel: Int,
            attempts: Int = 1
        ) async throws -> String {
            try site.plan("child", Self.child)
            let plan = try site.plan("parent", Self.parent(parallel: parallel, attempts: attempts))
            let list = JSONValue.array(names.map { .string($0) }).canonicalText
            let begun = try await site.run([
                "run", plan, "--detach", "--input", "names=\(list)", "--input",
                "folder=\(site.folder)", "--for", "acme", "--priority", "7",
            ])
            try #require(begun.code == 0, "\(begun.error)")
            return String(begun.output.prefix(8))
        }

        private static func touch(_ site: Site, _ name: String) {
            _ = FileManager.default.createFile(atPath: "\(site.folder)/\(name)", contents: nil)
        }

        private static func letGo(_ site: Site) throws {
            try FileManager.default.removeItem(atPath: "\(site.folder)/hold")
        }

        /// Items of child runs, with how many were made of each.
        private static func made(_ site: Site) async throws -> [String: Int] {
            let rows = try await site.rows(
                """
                SELECT inputs::jsonb ->> 'name', count(*) FROM run_any WHERE depth = 1 GROUP BY 1
                """
            )
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], Int($0[1]) ?? 0) })
        }

        private static func running(_ site: Site, _ count: Int) async throws {
            try await eventually("\(count) children run") {
                try await site.rows(
                    "SELECT count(*) FROM run WHERE depth = 1 AND status = 'running'"
                ) == [["\(count)"]]
            }
        }

        /// The most child runs that had been made, or had begun, and not ended at one moment.
        private static func together(_ site: Site, since: String) async throws -> Int {
            let rows = try await site.rows(
                """
                SELECT max((SELECT count(*) FROM run_done b WHERE b.depth = 1
                    AND b.\(since) <= a.\(since) AND b.finished_at > a.\(since)))
                FROM run_done a WHERE a.depth = 1
                """
            )
            return Int(rows[0][0]) ?? .max
        }

        @Test("each item has its run, so many at a time, and their outputs come as a list")
        func results() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let names = ["a", "b b", "c", "d", "é", "f", "g"]
                let run = try await Self.start(site, names, parallel: 3)
                try await WaitTests.reaches(site, run, "succeeded")
                // Whom the parent is for, and how urgent it is, its children are, too.
                let kinds = try await site.rows("SELECT DISTINCT key, priority FROM run_any")
                #expect(kinds == [["acme", "7"]])
                let shown = try await WaitTests.document(site, run)
                #expect(shown["outputs"]?["n"] == 7)
                let items = shown["outputs"]?["all"]?.arrayValue ?? []
                #expect(
                    items.map { $0["outputs"]?["said"] ?? .null }
                        == names.map { .string("got \($0)") }
                )
                #expect(items.allSatisfy { $0["status"] == "succeeded" })
                #expect(Set(items.compactMap { $0["run"]?.stringValue }).count == 7)
                #expect(try await Self.together(site, since: "enqueued_at") <= 3)
                let lanes = try await site.rows("SELECT name, width FROM lane ORDER BY name")
                #expect(lanes == [["A", "1"], ["A/each", "8"]])
            }
        }

        @Test("an empty list makes no run; a list of something else says what it found")
        func empty() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                let run = try await Self.start(site, [], parallel: 3)
                try await WaitTests.reaches(site, run, "succeeded")
                #expect(try await Self.made(site).isEmpty)
            }
        }

        @Test("when one fails no other begins, and the next attempt makes a new run of that alone")
        func failure() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                Self.touch(site, "fail-b")
                let names = ["a", "b", "c", "d"]
                let failed = try await Self.start(site, names, parallel: 1)
                try await WaitTests.reaches(site, failed, "failed")
                let reason = try await WaitTests.document(site, failed)["failure"]?.stringValue
                #expect(
                    reason?.contains("item 1 of 4 failed: child run ") == true,
                    "\(reason ?? "")"
                )
                #expect(try await Self.made(site) == ["a": 1, "b": 1])
                Self.touch(site, "fail-b")
                let again = try await Self.start(site, names, parallel: 2, attempts: 2)
                try await WaitTests.reaches(site, again, "succeeded")
                let made = try await Self.made(site)
                #expect(made == ["a": 2, "b": 3, "c": 1, "d": 1])
            }
        }

        @Test("kill -9 in the middle makes no run twice, and never more than so many at a time")
        func kills() async throws {
            try await Site.with { site in
                var node = try await site.startNode()
                Self.touch(site, "hold")
                let names = (0..<9).map { "n\($0)" }
                let run = try await Self.start(site, names, parallel: 3)
                for _ in 0..<2 {
                    try await Self.running(site, 3)
                    try await node.killHard()
                    node = try await site.startNode()
                }
                try await Self.running(site, 3)
                #expect(try await Self.made(site).count == 3)
                try Self.letGo(site)
                try await eventually("some have ended") {
                    try await site.rows("SELECT 1 FROM run_done WHERE depth = 1").count >= 2
                }
                try await node.killHard()
                _ = try await site.startNode()
                try await WaitTests.reaches(site, run, "succeeded")
                let once = Dictionary(uniqueKeysWithValues: names.map { ($0, 1) })
                #expect(try await Self.made(site) == once)
                #expect(try await Self.together(site, since: "enqueued_at") <= 3)
                let items = try await WaitTests.document(site, run)["outputs"]?["all"]?.arrayValue
                #expect(
                    items?.map { $0["outputs"]?["said"] ?? .null }
                        == names.map { .string("got \($0)") }
                )
                try await LaneLogAudit.check(site, "items")
            }
        }

        @Test("a lane that is narrower than the fan-out lets fewer go at once, and all end")
        func narrow() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                try await site.withStore { store in
                    _ = try await store.ensureLane(session: "default", lane: "A/each", width: 2)
                }
                let names = (0..<10).map { "n\($0)" }
                let run = try await Self.start(site, names, parallel: 5)
                try await WaitTests.reaches(site, run, "succeeded")
                #expect(try await Self.made(site).count == 10)
                #expect(try await Self.together(site, since: "started_at") <= 2)
                #expect(try await Self.together(site, since: "enqueued_at") <= 5)
                // Another run's fan-out may go further than this lane: it keeps what a person set.
                let lanes = try await site.rows("SELECT width FROM lane WHERE name = 'A/each'")
                #expect(lanes == [["2"]])
            }
        }

        @Test(
            "a wide fan-out has a lane as wide; its cancel ends those under way and makes no more"
        )
        func cancel() async throws {
            try await Site.with { site in
                let node = try await site.startNode()
                Self.touch(site, "hold")
                let run = try await Self.start(site, (0..<30).map { "n\($0)" }, parallel: 12)
                try await Self.running(site, 12)
                let width = try await site.rows("SELECT width FROM lane WHERE name = 'A/each'")
                #expect(width == [["12"]])
                #expect(try await site.run(["runs", "cancel", run]).code == 0)
                try await eventually("parent and children are cancelled") {
                    try await site.rows(
                        "SELECT depth, status, count(*) FROM run_any GROUP BY 1, 2 ORDER BY 1"
                    ) == [["0", "cancelled", "1"], ["1", "cancelled", "12"]]
                }
                // The same again, and the node dies before the children have heard of it.
                let other = try await Self.start(site, (0..<9).map { "m\($0)" }, parallel: 4)
                try await Self.running(site, 4)
                #expect(try await site.run(["runs", "cancel", other]).code == 0)
                try await node.killHard()
                _ = try await site.startNode()
                try await eventually("nothing is left") {
                    try await site.rows("SELECT 1 FROM run").isEmpty
                }
                let ends = try await site.rows("SELECT DISTINCT status FROM run_any")
                #expect(ends == [["cancelled"]])
                #expect(try await Self.made(site).count == 16)
            }
        }
    }
}
