// Decides what the work of a dead node means to the others: it becomes theirs, in order, once.

import Compiler
import ControlRoom
import Foundation
import Gateway
import PulserIR
import Store
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(4)))
    struct TwoNodes {
        static let lanes = 20
        static let runs = 500

        @Test("the survivor ends every run of both nodes, in lane order, each step once")
        func survivor() async throws {
            try await Site.with(.shared) { site in
                let nodes = try await Self.startBoth(site)
                try await Self.enqueue(site)
                try await eventually("200 runs ended") {
                    try await Self.count(site, "finished_at IS NOT NULL") >= 200
                }
                let busier = try await site.rows(
                    """
                    SELECT n.name, n.node_epoch FROM run_any r JOIN node n ON n.node_epoch = r.owner
                    GROUP BY n.node_epoch, n.name ORDER BY count(*) DESC LIMIT 1
                    """
                )[0]
                try await #require(nodes[busier[0]]).killHard()
                let open = try await Self.count(
                    site,
                    "finished_at IS NULL AND owner = \(busier[1])"
                )
                try await eventually("no shard is the dead node's", within: .seconds(15)) {
                    let owned = "SELECT count(*) FROM shard WHERE owner = \(busier[1])"
                    return try await site.rows(owned)[0][0] == "0"
                }
                try await eventually("the survivor has all shards", within: .seconds(20)) {
                    try await Self.shards(site) == [1_024]
                }
                try await eventually("every run ended") {
                    try await Self.count(site, "finished_at IS NULL") == 0
                }
                print("\(open) runs of the dead node were under way or claimed")
                try await Self.check(site)
            }
        }

        /// Both nodes by name, each with about half of the shards.
        private static func startBoth(_ site: Site) async throws -> [String: Program] {
            var nodes: [String: Program] = [:]
            for name in ["n1", "n2"] {
                nodes[name] = try await site.startNode(data: name, ["--name", name])
            }
            try await eventually(
                "the nodes have shares of about the same size",
                within: .seconds(60)
            ) {
                let shares = try await Self.shards(site)
                return shares.count == 2 && (shares.min() ?? 0) >= 480
            }
            return nodes
        }

        private static func shards(_ site: Site) async throws -> [Int] {
            try await site.rows("SELECT count(*) FROM shard GROUP BY owner").compactMap {
                Int($0[0])
            }
        }

        private static func count(_ site: Site, _ condition: String) async throws -> Int {
            let rows = try await site.rows("SELECT count(*) FROM run_any WHERE \(condition)")
            return Int(rows[0][0]) ?? -1
        }

        private static func enqueue(_ site: Site) async throws {
            let texts = [
                try site.plan("naps", naps), try site.plan("shells", shells),
                try site.plan("mixed", mixed),
            ]
            let plans = try texts.map { try PlanFile.compile($0) }
            let rows = plans.flatMap(\.rows)
            try await site.withStore { store in
                var lanes: [Int64] = []
                for lane in 0..<Self.lanes {
                    let name = "lane\(lane)"
                    lanes.append(
                        try await store.ensureLane(session: Store.defaultSession, lane: name)
                    )
                }
                let runs = (0..<Self.runs).map { number in
                    NewRun(
                        lane: lanes[number % Self.lanes],
                        planDigest: plans[number / Self.lanes % 3].digest
                    )
                }
                let ids = try await store.enqueue(runs, plans: rows)
                #expect(ids.count == Self.runs)
            }
        }

        private static let naps = """
            steps:
              - {id: first, system: {sleep: 40ms}}
              - {id: second, needs: [first], system: {sleep: 60ms}}
            """

        private static let shells = """
            steps:
              - {id: work, effects: idempotent, shell: {argv: [sleep, "0.05"]}}
            """

        private static let mixed = """
            steps:
              - {id: look, effects: none, shell: {argv: ["true"]}}
              - {id: nap, system: {sleep: 50ms}}
              - {id: work, needs: [look, nap], effects: idempotent, shell: {argv: ["true"]}}
            """

        private static func check(_ site: Site) async throws {
            let statuses = try await site.rows(
                "SELECT status, count(*) FROM run_any GROUP BY status"
            )
            #expect(statuses == [["succeeded", "\(Self.runs)"]])
            let repeated = try await site.rows(
                """
                SELECT run_id, step FROM step_any WHERE state = 'succeeded'
                GROUP BY run_id, step HAVING count(*) <> 1
                """
            )
            #expect(repeated == [])
            let steps = try await site.rows(
                "SELECT count(*) FROM step_any WHERE state = 'succeeded'"
            )
            // Of each 60 runs 20 have two steps, 20 one and 20 three.
            let expected = (0..<Self.runs).reduce(0) { $0 + [2, 1, 3][$1 / Self.lanes % 3] }
            #expect(steps == [["\(expected)"]])
            let overlapping = try await site.rows(
                """
                SELECT id, lane_id FROM (
                    SELECT id, lane_id, started_at, lag(finished_at) OVER (
                        PARTITION BY lane_id ORDER BY id) AS before FROM run_any) r
                WHERE started_at < before
                """
            )
            #expect(overlapping == [], "runs of a lane of width 1 overlap or left their order")
            try await LaneLogAudit.check(site, "two nodes")
        }
    }
}
