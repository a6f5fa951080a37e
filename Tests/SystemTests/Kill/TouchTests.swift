// Decides that what people do to runs at the moment when a node takes them is neither lost nor in the way.

import ControlRoom
import Foundation
import Gateway
import Postgres
import PulserIR
import Store
import TestKit
import Testing

extension SystemTests {
    @Suite("Runs touched while they are taken", .timeLimit(.minutes(4)))
    struct TouchTests {
        private static let count = 3_000

        /// Nothing, and something that is seen before it ends.
        private static func plans(_ site: Site) throws -> [[PlanRow]] {
            try [
                "noop": "steps: [{id: s0, effects: none, system: {sleep: 0s}}]",
                "pause": "steps: [{id: s0, effects: none, system: {sleep: 2ms}}]",
            ].map { try PlanFile.compile(site.plan($0, $1)).rows }
        }

        /// Does one thing to one run, which may have ended meanwhile.
        private static func touch(
            _ run: RunID,
            _ store: Store,
            _ random: inout SeededGenerator
        ) async {
            do {
                switch Int.random(in: 0..<6, using: &random) {
                case 0: try await store.setPriority(run, to: Int.random(in: -5...5, using: &random))
                case 1:
                    let time = Int64.random(in: 0...200, using: &random)
                    _ = try await store.snooze(run, for: time)
                case 2:
                    _ = try await store.requestPause(run, by: "anna")
                    _ = try await store.requestResume(run)
                case 3: _ = try await store.requestPause(run, by: "anna")
                case 4: _ = try await store.requestCancel(run, reason: "why")
                default: _ = try await store.retry(store.run(run), steps: [], inputs: nil)
                }
            } catch {
                #expect([.notFound, .conflict].contains(error.code), "\(error)")
            }
        }

        /// Enqueues while four hands touch what is queued, and others; then all may end.
        ///
        /// - Returns: The runs.
        private static func work(
            _ site: Site,
            _ store: Store,
            _ plans: [[PlanRow]],
            seed: UInt64
        ) async throws -> [RunID] {
            var ids: [RunID] = []
            for turn in 0..<(Self.count / 100) {
                let lane = try await store.ensureLane(
                    session: "default",
                    lane: "l\(turn % 5)",
                    width: 1 + turn % 5 * 3
                )
                let plan = plans[turn % 2]
                let runs = (0..<100).map { _ in
                    NewRun(lane: lane, planDigest: plan.last?.digest ?? Digest(of: []))
                }
                ids += try await store.enqueue(runs, plans: plan)
                await withTaskGroup(of: Void.self) { [ids] group in
                    for hand in 0..<4 {
                        group.addTask {
                            var random = SeededGenerator(seed: seed &+ UInt64(turn * 4 + hand))
                            for _ in 0..<25 {
                                let run = ids.randomElement(using: &random) ?? ids[0]
                                await Self.touch(run, store, &random)
                            }
                        }
                    }
                }
            }
            try await eventually("all end", within: .seconds(120)) {
                for row in try await site.rows("SELECT id FROM run WHERE paused_by <> ''") {
                    _ = try? await store.requestResume(RunID(Int64(row[0]) ?? 0))
                }
                return try await site.rows("SELECT 1 FROM run LIMIT 1").isEmpty
            }
            return ids
        }

        /// What the log tells of runs' ends: the run, how many, and the last one.
        private static let told = """
            SELECT e.run, count(*), (array_agg(e.type ORDER BY e.seq DESC))[1]
            FROM run_events c
            CROSS JOIN LATERAL string_to_table(rtrim(convert_from(c.bytes, 'UTF8'), E'\n'), E'\n') l (text)
            CROSS JOIN LATERAL json_to_record(l.text::json) AS e (type text, run text, seq bigint)
            WHERE e.type IN ('run.succeeded', 'run.failed', 'run.cancelled')
            GROUP BY e.run
            """

        @Test("each run ends as its last wish was, and the log tells of no other ends")
        func touched() async throws {
            let seed = UInt64.random(in: 0...UInt64.max)
            try await Site.with { site in
                let node = try await site.startNode()
                let plans = try Self.plans(site)
                let ids = try await site.withStore { store in
                    try await Self.work(site, store, plans, seed: seed)
                }
                #expect(Set(ids).count == Self.count)
                let done = try await site.rows(
                    """
                    SELECT count(*) FROM run_done WHERE status IN ('succeeded', 'cancelled')
                    """
                )
                #expect(done == [["\(Self.count)"]], "seed \(seed)")
                let told = try await site.rows(Self.told)
                let ends = Dictionary(uniqueKeysWithValues: told.map { ($0[0], $0) })
                let rows = try await site.rows(
                    "SELECT id, attempt, 'run.' || status FROM run_done"
                )
                for row in rows {
                    // One an attempt at most; one that waited, and was begun again, has not ended before.
                    let end = ends[RunID(Int64(row[0]) ?? 0).description] ?? ["", "0", ""]
                    let attempts = Int(row[1]) ?? 0
                    #expect(
                        1...max(1, attempts) ~= Int(end[1]) ?? 0 && end[2] == row[2],
                        "seed \(seed): \(row), told \(end)"
                    )
                }
                node.send(SIGTERM)
                #expect(try await node.end() == 0, "\(node.errorOutput)")
            }
        }
    }
}
