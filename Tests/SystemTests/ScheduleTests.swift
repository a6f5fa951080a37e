// Decides that ticks make their runs whoever is killed: none twice, none forgotten.

import Foundation
import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

extension SystemTests {
    @Suite(.timeLimit(.minutes(4)))
    struct Schedules {
        static let names = ["a", "b", "c", "d"]

        @Test("two nodes killed around ticks, in turn and both at once: every tick has one run")
        func kills() async throws {
            try await Site.with(.shared) { site in
                var random = SeededGenerator(seed: 5)
                var nodes: [Program] = []
                for name in ["n1", "n2"] {
                    nodes.append(try await site.startNode(data: name, ["--name", name]))
                }
                try await Self.create(site)
                try await Self.ticked(site, 3)
                for kill in 0..<6 {
                    try await Self.ticked(site, 2)
                    // Somewhere in the second between two ticks.
                    let moment = try await Self.ticks(site)
                    try await eventually("the next tick") { try await Self.ticks(site) > moment }
                    for _ in 0..<Int.random(in: 0...40, using: &random) { await Task.yield() }
                    // The third and the sixth time nobody is left.
                    let victims = kill % 3 == 2 ? [0, 1] : [kill % 2]
                    for victim in victims { try await nodes[victim].killHard() }
                    for victim in victims {
                        let name = "n\(victim + 1)"
                        nodes[victim] = try await site.startNode(data: name, ["--name", name])
                    }
                }
                try await Self.ticked(site, 5)
                for name in Self.names {
                    let paused = try await site.run(["schedules", "pause", name], data: "n1")
                    #expect(paused.code == 0, "\(paused.error)")
                }
                try await eventually("every run ended", within: .seconds(60)) {
                    try await Self.number(
                        site,
                        """
                        SELECT count(*) FROM run
                        WHERE status IN ('queued', 'claimed', 'running', 'waiting')
                        """
                    ) == 0
                }
                try await Self.check(site)
            }
        }

        @Test("between ticks nothing is asked of the database")
        func quiet() async throws {
            try await Site.with(.embedded) { site in
                _ = try await site.startListeningNode()
                let plan = try site.plan("nap", "steps: [{id: a, system: {sleep: 1ms}}]")
                for (name, rule) in [("far", "0 0 29 2 *"), ("near", "* * * * * *")] {
                    let made = try await site.run(
                        ["schedules", "create", name, "--plan", plan, "--cron", rule]
                            + ["--overlap", "queue", "--lane", name]
                    )
                    #expect(made.code == 0, "\(made.error)")
                }
                try await eventually("five ticks") {
                    let rows = try await site.rows("SELECT count(*) FROM schedule_run")
                    return Int(rows[0][0]) ?? 0 >= 5
                }
                try await APIClient.with(site) { api in
                    let page = try await api.send(.get, "/metrics")
                    let text = String(decoding: page.bytes, as: UTF8.self)
                    #expect(text.contains("ops_gateway_open_runs_count{status=\"queued\"} "))
                    #expect(text.contains("\nops_gateway_front_wait_seconds "))
                    let asked = text.split(separator: "\n")
                        .first { $0.contains("exchange_seconds_count{statement=\"ticks.due\"}") }
                    let count = asked.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
                    let rows = try await site.rows("SELECT count(*) FROM schedule_run")
                    let fired = try #require(Int(rows[0][0]))
                    // Two for each tick, and a few for changes and shards.
                    #expect(try #require(count) <= 4 * fired + 50)
                }
            }
        }

        private static func create(_ site: Site) async throws {
            let plan = try site.plan("nap", "steps: [{id: a, system: {sleep: 1ms}}]")
            for name in Self.names {
                let made = try await site.run(
                    [
                        "schedules", "create", name, "--plan", plan, "--every", "1s", "--lane",
                        name, "--misfire", "all", "--catch-up-max", "1000", "--overlap", "queue",
                    ],
                    data: "n1"
                )
                #expect(made.code == 0, "\(made.error)")
            }
        }

        /// Waits until every schedule has made `count` runs more.
        private static func ticked(_ site: Site, _ count: Int) async throws {
            let before = try await Self.ticks(site)
            try await eventually("\(count) ticks", within: .seconds(60)) {
                try await Self.ticks(site) >= before + count
            }
        }

        /// How many runs the schedule has that made the fewest.
        private static func ticks(_ site: Site) async throws -> Int {
            try await Self.number(
                site,
                """
                SELECT coalesce(min(n), 0) FROM (SELECT (SELECT count(*) FROM schedule_run o
                    WHERE o.schedule_id = s.id) AS n FROM schedule s) q
                """
            )
        }

        private static func number(_ site: Site, _ sql: String) async throws -> Int {
            Int(try await site.rows(sql, data: "n1")[0][0]) ?? -1
        }

        private static func check(_ site: Site) async throws {
            let rows = try await site.rows(
                """
                SELECT s.name, count(*), count(DISTINCT o.tick), count(DISTINCT o.run_id),
                    extract(epoch FROM max(o.tick) - min(o.tick))::bigint + 1,
                    extract(epoch FROM s.cursor_at - max(o.tick))::bigint, s.dropped
                FROM schedule s JOIN schedule_run o ON o.schedule_id = s.id
                GROUP BY s.id ORDER BY s.name
                """,
                data: "n1"
            )
            #expect(rows.map { $0[0] } == Self.names)
            for row in rows {
                let numbers = row.dropFirst().compactMap { Int($0) }
                // Every second from the first tick to the last has one run of its own.
                #expect(Set(numbers.prefix(4)).count == 1, "\(row)")
                #expect(numbers[4] == 0 && numbers[5] == 0, "\(row)")
            }
            let runs = try await Self.number(site, "SELECT count(*) FROM schedule_run")
            print("\(runs) ticks of \(rows.count) schedules, each with one run, through 6 kills")
        }
    }
}
