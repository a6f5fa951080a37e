// Decides what `bulk` and `--filter` do over the network: count first, then exactly what was counted.

import ControlRoom
import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite("Many runs at once", .timeLimit(.minutes(3)))
    struct BulkCommands {
        private static let nap = "steps: [{id: a, system: {sleep: 1h}}]"
        private static let bad = """
            retry: {max_attempts: 1}
            steps: [{id: a, shell: {argv: [sh, -c, 'exit 3']}}]
            """

        /// A site with a node that runs one nap in each of two lanes, three more queued, and two failures.
        private struct Field {
            let site: Site
            let environment: [String: String]

            init(_ site: Site) async throws {
                self.site = site
                self.environment = try await site.startListeningNode().environment
                let nap = try site.plan("nap", BulkCommands.nap)
                let bad = try site.plan("bad", BulkCommands.bad)
                for lane in ["A", "A", "A", "B", "B"] {
                    let started = try await self.ask(["run", nap, "--lane", lane, "--detach"])
                    #expect(started.code == 0, "\(started.error)")
                }
                for _ in 0..<2 {
                    #expect(try await self.ask(["run", bad, "--lane", "C"]).code == 2)
                }
                try await eventually("one of each lane runs") {
                    try await self.statuses() == ["running": 2, "queued": 3, "failed": 2]
                }
            }

            func ask(
                _ words: [String]
            ) async throws -> (code: Int32, output: String, error: String) {
                try await self.site.run(words, data: nil, environment: self.environment)
            }

            func statuses() async throws -> [String: Int] {
                try await self.site.rows("SELECT status, count(*) FROM run_any GROUP BY 1")
                    .reduce(into: [:]) { $0[$1[0]] = Int($1[1]) }
            }
        }

        @Test("runs that fit a filter are counted, and nothing is done unasked")
        func counts() async throws {
            try await Site.with { site in
                let field = try await Field(site)
                let filter = ["--filter", "status=queued lane=A"]
                let counted = try await field.ask(["bulk", "cancel", "--dry-run"] + filter)
                #expect(counted.code == 0, "\(counted.error)")
                #expect(counted.output.contains("2 runs fit"), "\(counted.output)")
                let asked = try await field.ask(["bulk", "cancel", "--filter", "status=queued"])
                #expect(asked.code == 7, "\(asked.error)")
                #expect(asked.error.contains("3 runs fit") && asked.error.contains("--yes"))
                #expect(try await field.statuses()["queued"] == 3)
            }
        }

        @Test("runs that fit a filter are paused, resumed, cancelled, run again")
        func actions() async throws {
            try await Site.with { site in
                let field = try await Field(site)
                let queued = ["--filter", "status=queued", "--filter", "lane=A", "--yes"]
                let paused = try await field.ask(["bulk", "pause", "--reason", "freeze"] + queued)
                #expect(paused.code == 0 && paused.output.contains("2 done"), "\(paused)")
                let resumed = try await field.ask(["bulk", "resume", "-o", "json"] + queued)
                #expect(resumed.code == 0, "\(resumed.error)")
                let document = try JSONValue(parsing: resumed.output)
                #expect(document["progress"]?["ok"]?.integerValue == 2, "\(resumed.output)")
                let naps = ["--filter", "status=queued,running plan=nap", "--yes"]
                let cancelled = try await field.ask(["runs", "cancel"] + naps)
                #expect(cancelled.code == 0 && cancelled.output.contains("5 done"), "\(cancelled)")
                try await eventually("all naps are over") {
                    try await field.statuses() == ["cancelled": 5, "failed": 2]
                }
                let failed = ["--filter", "status=failed", "--yes"]
                let again = try await field.ask(["bulk", "retry"] + failed)
                #expect(again.code == 0 && again.output.contains("2 done"), "\(again)")
                try await eventually("both were run again") {
                    let rows = try await site.rows(
                        "SELECT 1 FROM run_any WHERE attempt = 2 AND status = 'failed'"
                    )
                    return rows.count == 2
                }
            }
        }

        @Test("actions are listed, shown with what they did nothing to, and ended")
        func looked() async throws {
            try await Site.with { site in
                let field = try await Field(site)
                let none = try await field.ask(["bulk", "list"])
                #expect(none.code == 0 && none.error.contains("no actions"), "\(none)")
                let naps = ["--filter", "plan=nap lane=B", "--yes", "--reason", "freeze"]
                #expect(try await field.ask(["bulk", "cancel"] + naps).code == 0)
                // A run that moved on is skipped.
                _ = try await site.rows(
                    """
                    INSERT INTO bulk (action, filter, reason, actor, total)
                    VALUES ('retry', '{}', '', 'ann', 1) RETURNING id
                    """
                )
                _ = try await site.rows(
                    """
                    INSERT INTO bulk_item (bulk_id, run_id, claim_no)
                    SELECT 2, min(id), 99 FROM run_done WHERE status = 'failed' RETURNING 1
                    """
                )
                try await eventually("the second has ended") {
                    let shown = try await field.ask(["bulk", "show", "2", "-o", "json"])
                    let json = try JSONValue(parsing: shown.output)
                    return json["status"] == "completed"
                        && json["runs"]?[0]?["state"] == "skipped"
                }
                let list = try await field.ask(["bulk", "list", "--no-headers"]).output
                let lines = list.split(separator: "\n").map(String.init)
                #expect(lines.count == 2 && lines[0].hasPrefix("2"), "\(list)")
                #expect(lines.last?.contains("lane=B plan=nap") == true, "\(list)")
                let shown = try await field.ask(["bulk", "show", "1"])
                #expect(shown.output.contains("2: 2 done, 0 skipped"), "\(shown.output)")
                #expect(shown.output.contains("reason   freeze"), "\(shown.output)")
                let skipped = try await field.ask(["bulk", "show", "2"])
                #expect(skipped.output.contains("the run moved on"), "\(skipped.output)")
                let late = try await field.ask(["bulk", "stop", "2"])
                #expect(late.code == 6 && late.error.contains("completed already"), "\(late)")
                // Nobody works on this one: it is taken already.
                _ = try await site.rows(
                    """
                    INSERT INTO bulk (action, filter, reason, actor, total, heartbeat_at)
                    VALUES ('pause', '{}', '', 'ann', 1, now() + interval '1 hour') RETURNING id
                    """
                )
                let stopped = try await field.ask(["bulk", "stop", "3", "-o", "json"])
                #expect(stopped.code == 0, "\(stopped.error)")
                #expect(try JSONValue(parsing: stopped.output)["status"] == "cancelled")
                let meant = try await field.ask(["bulk", "cancel", "3"])
                #expect(meant.code == 64 && meant.error.contains("bulk stop 3"), "\(meant.error)")
            }
        }

        @Test(
            "a filter that cannot be read, or that nothing fits, changes nothing and says what to do"
        )
        func refused() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                let nap = try site.plan("nap", Self.nap)
                #expect(try await site.run(["run", nap, "--detach"]).code == 0)
                for (filter, code) in [
                    ("oddity", 64), ("color=red", 64), ("status=asleep", 64),
                    ("status=failed", 64), ("lane=nowhere", 5),
                ] as [(String, Int32)] {
                    let answer = try await site.run(
                        ["bulk", "cancel", "--filter", filter, "--yes"],
                        data: nil,
                        environment: node.environment
                    )
                    #expect(answer.code == code, "\(filter): \(answer.code) \(answer.error)")
                    #expect(answer.error.contains("Next:"), "\(filter): \(answer.error)")
                    #expect(answer.output.isEmpty)
                }
                let none = try await site.run(["bulk", "cancel", "--yes"], data: nil)
                #expect(none.code == 64 && none.error.contains("--filter"), "\(none.error)")
                #expect(
                    try await site.rows("SELECT 1 FROM run_any WHERE status = 'cancelled'").isEmpty
                )
                let all = try await site.run(
                    ["bulk", "cancel", "--filter", "all", "--yes"],
                    data: nil,
                    environment: node.environment
                )
                #expect(all.code == 0 && all.output.contains("1 done"), "\(all)")
            }
        }
    }
}
