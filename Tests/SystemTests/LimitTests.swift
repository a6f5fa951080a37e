// Decides that limits of lanes hold whatever happens to the nodes that keep to them.

import Foundation
import PulserIR
import Store
import Testing

extension SystemTests {
    @Suite("Limits", .timeLimit(.minutes(3)))
    struct Limits {
        private func enqueue(_ site: Site, _ keys: [String]) async throws {
            let plan = try site.plan("nap", "steps: [{id: nap, system: {sleep: 80ms}}]")
            let first = try await site.run(["run", plan, "--detach", "--for", keys[0]])
            try #require(first.code == 0, "\(first.error)")
            try await site.withStore { store in
                let run = try await store.run(
                    store.resolveRun(String(first.output.prefix(8)))
                )
                _ = try await store.enqueue(
                    keys.dropFirst().map {
                        NewRun(lane: run.lane, planDigest: run.planDigest, key: $0)
                    }
                )
                await store.tell(.work(lane: run.lane))
            }
        }

        private func succeeded(_ site: Site, atLeast count: Int) async throws {
            try await eventually("\(count) runs succeeded") {
                let rows = try await site.rows(
                    "SELECT count(*) FROM run_any WHERE status = 'succeeded'"
                )
                return (Int(rows[0][0]) ?? 0) >= count
            }
        }

        @Test("a key's width and a lane's rate hold through kill -9, and everything queued ends")
        func kills() async throws {
            try await Site.with { site in
                let rate = try #require(Rate("25/s:3"))
                var node = try await site.startNode()
                try await site.run(["sessions", "create", "s"])
                try await site.run(["limits", "set", "bank", "--rate", "1000/s:100"])
                try await site.withStore { store in
                    _ = try await store.ensureLane(session: "default", lane: "A")
                }
                let set = try await site.run([
                    "lanes", "set", "default/A", "--width", "8", "--key-width", "2", "--rate",
                    rate.description, "--limit", "bank",
                ])
                #expect(set.output.contains("key width 2, rate 25/s:3, limits bank"), "\(set)")
                let paused = try await site.run(
                    ["lanes", "pause", "default/A", "--key", "held", "--by", "ann"]
                )
                #expect(paused.output == "key held of lane default/A: paused by ann\n")
                let keys = (0..<36).map { ["a", "b", "c", "held"][$0 % 4] }
                try await self.enqueue(site, keys)
                for count in [5, 14] {
                    try await self.succeeded(site, atLeast: count)
                    try await node.killHard()
                    node = try await site.startNode()
                }
                try await self.succeeded(site, atLeast: 27)
                let held = try await site.rows(
                    "SELECT key, status, count(*) FROM run GROUP BY key, status"
                )
                #expect(held == [["held", "queued", "9"]])
                let run = try await site.rows("SELECT id FROM run ORDER BY id LIMIT 1")[0][0]
                let id = RunID(Int64(run) ?? 0).description
                let why = try await site.run(["why", id, "-o", "json"])
                #expect(try JSONValue(parsing: why.output)["gate"] == "key_paused")
                try await site.run(["lanes", "resume", "default/A", "--key", "held"])
                try await self.succeeded(site, atLeast: 36)
                try await self.audit(site, rate)
                try await LaneLogAudit.check(site, "limits")
            }
        }

        /// By the database's clock: a claim is dated when it is made, an end before it is known.
        private func audit(_ site: Site, _ rate: Rate) async throws {
            let together = try await site.rows(
                """
                SELECT max((SELECT count(*) FROM run_done b WHERE b.key = a.key
                    AND b.started_at <= a.started_at AND b.finished_at > a.started_at))
                FROM run_done a
                """
            )
            #expect((Int(together[0][0]) ?? 9) <= 2, "runs of one key at once")
            let starts = try await site.rows(
                """
                SELECT (extract(epoch FROM started_at) * 1000000)::bigint FROM run_done
                ORDER BY started_at
                """
            ).map { Int($0[0]) ?? 0 }
            try #require(starts.count == 36)
            let step = Int(rate.milliseconds) * 1_000 / Int(rate.count)
            for (first, begun) in starts.enumerated() {
                for (last, end) in starts.enumerated() where last >= first {
                    // A moment is rounded to a microsecond twice.
                    let allowed = (end - begun + 2) / step + Int(rate.burst)
                    #expect(last - first < allowed, "\(last - first + 1) in \(end - begun) us")
                }
            }
        }

        @Test("a run that a rate holds up says so, and begins at once when the rate is taken away")
        func wait() async throws {
            try await Site.with { site in
                _ = try await site.startNode()
                try await site.withStore { store in
                    let lane = try await store.ensureLane(session: "default", lane: "A")
                    var rules = LaneRules()
                    rules.rate = Rate("1/h")
                    _ = try await store.updateLane(lane, width: 4, rules: rules)
                }
                try await self.enqueue(site, ["a", "b"])
                try await self.succeeded(site, atLeast: 1)
                let run = try await site.rows("SELECT id FROM run")[0][0]
                let id = RunID(Int64(run) ?? 0).description
                let why = try JSONValue(
                    parsing: try await site.run(["why", id, "-o", "json"]).output
                )
                #expect(why["gate"] == "rate_limited", "\(why)")
                #expect(why["reason"]?.stringValue?.contains("lets the next run begin in") == true)
                try await site.run(["lanes", "set", "default/A", "--rate", "none"])
                try await self.succeeded(site, atLeast: 2)
            }
        }
    }
}
