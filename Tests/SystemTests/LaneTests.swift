// Decides in which order a lane takes its runs, and how many at once.

import Foundation
import Logging
import Postgres
import PulserIR
import Store
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(2)))
    struct Lanes {
        /// Says that it begun, then waits for the file `go`.
        private static let plan = """
            inputs: {folder: {type: string}, name: {type: string}}
            steps:
              - id: work
                effects: idempotent
                shell: {argv: [sh, -c, 'echo $2 >> "$1/log"; while [ ! -e "$1/go" ]; do sleep 0.02; done', sh, "{{ inputs.folder }}", "{{ inputs.name }}"]}
            """

        private func enqueue(
            _ site: Site,
            _ name: String,
            _ arguments: [String]
        ) async throws {
            let inputs = ["--input", "folder=\(site.folder)", "--input", "name=\(name)"]
            let plan = "\(site.folder)/lane.yaml"
            let answer = try await site.run(["run", plan, "--detach"] + inputs + arguments)
            try #require(answer.code == 0, "\(answer.error)")
        }

        private func finish(_ site: Site, _ count: Int) async throws {
            _ = FileManager.default.createFile(atPath: "\(site.folder)/go", contents: nil)
            try await eventually("all runs ended") {
                try await site.rows("SELECT count(*) FROM run_any WHERE status = 'succeeded'")
                    == [["\(count)"]]
            }
        }

        @Test("a lane of width 3 has three runs at once and not four")
        func width() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                _ = try await site.startNode()
                try await site.run(["sessions", "create", "wide", "--lane", "B:3"])
                for name in ["a", "b", "c", "d"] {
                    try await self.enqueue(site, name, ["--session", "wide", "--lane", "B"])
                }
                try await eventually("three runs work") { site.lines("log").count == 3 }
                let statuses =
                    "SELECT status, count(*) FROM run_any GROUP BY status ORDER BY status"
                #expect(try await site.rows(statuses) == [["queued", "1"], ["running", "3"]])
                try await self.finish(site, 4)
                let most = try await site.rows(
                    """
                    SELECT max((SELECT count(*) FROM run_any b WHERE b.started_at <= a.started_at
                                AND b.finished_at > a.started_at)) FROM run_any a
                    """
                )
                #expect(most == [["3"]])
                try await LaneLogAudit.check(site, "width")
            }
        }

        @Test("a lane made wider takes more runs at once, without a restart")
        func wider() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                _ = try await site.startNode()
                for name in ["a", "b", "c", "d"] { try await self.enqueue(site, name, []) }
                try await eventually("the first run works") { site.lines("log").count == 1 }
                let lane = try await site.withStore { store in
                    let lane = try await store.ensureLane(session: "default", lane: "A")
                    return try await store.updateLane(lane, width: 3)
                }
                #expect(lane.width == 3)
                try await eventually("three runs work") { site.lines("log").count == 3 }
                try await self.finish(site, 4)
                try await LaneLogAudit.check(site, "wider")
            }
        }

        @Test("a run of better rank is next although an open transaction keeps all that was before")
        func dearFront() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                _ = try await site.startNode()
                let lane = try await site.withStore {
                    try await $0.ensureLane(session: "default", lane: "A")
                }
                let holder = try await PostgresConnection.connect(
                    PostgresConfiguration(conninfo: try site.conninfo()),
                    logger: Logger(label: "test")
                )
                // What was before is gone, and stays in the index for as long as this one looks back.
                try await holder.script(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lane"
                )
                let other = try await PostgresConnection.connect(
                    PostgresConfiguration(conninfo: try site.conninfo()),
                    logger: Logger(label: "test")
                )
                try await other.script(
                    """
                    BEGIN;
                    INSERT INTO plan (digest, name, body) VALUES (sha256('p'), 'p', '{}');
                    INSERT INTO run (lane_id, shard_id, plan_digest, rank)
                    SELECT l.id, l.shard_id, sha256('p'), i FROM lane l, generate_series(1, 20000) i
                    WHERE l.id = \(lane);
                    DELETE FROM run WHERE plan_digest = sha256('p');
                    COMMIT
                    """
                )
                await other.close()
                try await self.enqueue(site, "first", [])
                try await eventually("the first run works") { site.lines("log") == ["first"] }
                try await self.enqueue(site, "later", [])
                try await self.enqueue(site, "better", ["--priority", "5"])
                // Only the last statement of each connection is shown, so this may take several looks;
                // when the third begins, the lane has heard of one that began after the enqueue.
                let now = try await site.rows("SELECT clock_timestamp()::text")
                var looks: Set<String> = []
                try await eventually("somebody looked") {
                    let seen = try await site.rows(
                        """
                        SELECT query_start::text FROM pg_stat_activity
                        WHERE query_start > '\(now[0][0])' AND pid <> pg_backend_pid()
                        AND query LIKE '%AS u (lane_id, rank, id)%'
                        """
                    )
                    looks.formUnion(seen.map { $0[0] })
                    return looks.count > 2
                }
                try await self.finish(site, 3)
                #expect(site.lines("log") == ["first", "better", "later"])
                await holder.close()
            }
        }

        @Test("a lane that waits for a place goes by the priority it was given meanwhile")
        func livePriority() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                _ = try await site.startNode(["--runs-max", "1"])
                try await site.run(
                    ["sessions", "create", "s", "--lane", "A", "--lane", "B:1:1", "--lane", "C"]
                )
                for lane in ["A", "B", "C"] {
                    try await self.enqueue(site, lane, ["--session", "s", "--lane", lane])
                    guard lane == "A" else { continue }
                    try await eventually("the first run works") { site.lines("log").count == 1 }
                }
                try await self.enqueue(site, "never", ["--session", "s", "--lane", "C"])
                try await site.withStore { store in
                    let lanes = try await store.lanes(session: "s")
                    let lane = try #require(lanes.first { $0.name == "C" })
                    _ = try await store.updateLane(lane.id, priority: 9, expected: lane)
                    await #expect(throws: StoreError.self, "it was changed since") {
                        _ = try await store.updateLane(lane.id, priority: 2, expected: lane)
                    }
                }
                // Asked for without a notice: the poll that finds it brings the priority before it.
                let asked = try await site.rows(
                    """
                    UPDATE run SET request = 'cancel' WHERE id = (SELECT max(id) FROM run_any)
                    RETURNING 1
                    """
                )
                #expect(asked == [["1"]])
                try await eventually("the lane heard of it") {
                    try await site.rows("SELECT 1 FROM run_any WHERE status = 'cancelled'").count
                        == 1
                }
                try await self.finish(site, 3)
                #expect(site.lines("log") == ["A", "C", "B"])
            }
        }

        @Test("the run with the higher priority goes first, equal ones in their order")
        func runPriority() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                _ = try await site.startNode()
                try await self.enqueue(site, "first", [])
                try await eventually("the first run works") { site.lines("log").count == 1 }
                for (name, priority) in [("low", 0), ("high", 5), ("low2", 0), ("high2", 5)] {
                    try await self.enqueue(site, name, ["--priority", "\(priority)"])
                }
                try await self.finish(site, 5)
                #expect(site.lines("log") == ["first", "high", "high2", "low", "low2"])
            }
        }

        @Test(
            "a queued run whose priority is raised goes first; one that is late by the clock ends"
        )
        func raised() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                #expect(try await site.run(["migrate", "apply"]).code == 0)
                for name in ["a", "b"] { try await self.enqueue(site, name, []) }
                try await self.enqueue(site, "c", ["--at", "2020-01-01T00:00:00Z"])
                let newest = ["runs", "list", "--limit", "1", "-o", "json"]
                let listed = try JSONValue(parsing: try await site.run(newest).output)
                let id = listed["runs"]?[0]?["id"]?.stringValue ?? ""
                let raised = try await site.run(["runs", "priority", id, "--to", "5"])
                #expect(raised.output == "\(id) queued, priority 5\n", "\(raised)")
                _ = try await site.startNode()
                try await self.finish(site, 3)
                #expect(site.lines("log") == ["c", "a", "b"])
                let late = try await site.run(["runs", "priority", id, "--to", "-1"])
                #expect(late.code == 6 && late.error.contains("not queued"), "\(late)")
                let past = ["--deadline-at", "2020-01-01T00:00:00Z"]
                try await self.enqueue(site, "d", ["--delay", "1h"] + past)
                try await eventually("it is late") {
                    try await site.rows("SELECT 1 FROM run_any WHERE status = 'timed_out'").count
                        == 1
                }
                let plan = "\(site.folder)/lane.yaml"
                for words in [
                    ["--at", "2020-01-01T00:00:00Z", "--delay", "1s"], ["--at", "soon"],
                    ["--at", "2999-01-01T00:00:00Z"],
                    ["--deadline-at", "2020-01-01T00:00:00Z", "--deadline", "1s"],
                    ["--deadline-at", "2999-01-01T00:00:00Z"], ["--ttl", "366d"],
                ] {
                    let refused = try await site.run(["run", plan, "--detach"] + words)
                    #expect(refused.code == 64, "\(words): \(refused)")
                }
            }
        }

        @Test("when the node is full, the lane with the higher priority goes first")
        func lanePriority() async throws {
            try await Site.with { site in
                try site.plan("lane", Self.plan)
                _ = try await site.startNode(["--runs-max", "1"])
                try await site.run(
                    [
                        "sessions", "create", "s", "--lane", "A", "--lane", "B:1:1", "--lane",
                        "C:1:9",
                    ]
                )
                for lane in ["A", "B", "C"] {
                    try await self.enqueue(site, lane, ["--session", "s", "--lane", lane])
                    guard lane == "A" else { continue }
                    try await eventually("the first run works") { site.lines("log").count == 1 }
                }
                // Its lane waits for a place and hears of the cancellation all the same; it has
                // heard of the run before.
                try await self.enqueue(site, "never", ["--session", "s", "--lane", "C"])
                let runs = try await site.run(["runs", "list", "--lane", "C", "-o", "json"])
                let newest = try JSONValue(parsing: runs.output)["runs"]?[0]?["id"]?.stringValue
                let cancelled = try await site.run(["runs", "cancel", newest ?? ""])
                #expect(cancelled.code == 0, "\(cancelled.error)")
                try await self.finish(site, 3)
                #expect(site.lines("log") == ["A", "C", "B"])
            }
        }
    }
}
