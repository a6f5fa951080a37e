// Decides that each run of a session that is cancelled ends once, however many there are.

import Foundation
import HTTPTypes
import PulserIR
import Testing

extension SystemTests {
    @Suite("The end of a session", .timeLimit(.minutes(3)))
    struct SessionEnd {
        private static let plan = "steps: [{id: one, shell: {argv: [echo, hello]}}]"

        /// A session with a lane that is worked outside, so that its runs stay queued.
        private static func session(_ api: APIClient) async throws {
            _ = try await api.send(.post, "/v1/sessions", ["name": "mail"])
            let lane = try await api.send(
                .post,
                "/v1/sessions/mail/lanes",
                ["name": "out", "width": 4, "worker": "external"]
            )
            #expect(lane.status == 201, "\(lane.json)")
        }

        /// Queues so many runs of the session.
        private static func queue(_ site: Site, _ count: Int) async throws {
            let plan = try site.plan("outside", Self.plan)
            let made = try await site.run([
                "run", plan, "--detach", "--session", "mail", "--lane", "out",
            ])
            try #require(made.code == 0, "\(made.error)")
            _ = try await site.rows(
                """
                INSERT INTO run (lane_id, shard_id, plan_digest)
                SELECT r.lane_id, r.shard_id, r.plan_digest
                FROM run r, generate_series(2, \(count))
                """
            )
        }

        /// How many events of that type runs have, and how many runs these are.
        private static func events(_ site: Site, _ type: String) async throws -> [String] {
            try await site.rows(
                """
                SELECT count(*), count(DISTINCT e.run) FROM run_events c
                CROSS JOIN LATERAL string_to_table(
                    rtrim(convert_from(c.bytes, 'UTF8'), E'\\n'), E'\\n') l (text)
                CROSS JOIN LATERAL json_to_record(l.text::json) AS e (type text, run text)
                WHERE e.type = '\(type)'
                """
            )[0]
        }

        /// Waits until all have ended.
        ///
        /// - Returns: How many events tell so, of how many runs.
        private static func allEnd(_ site: Site, _ count: Int) async throws -> [String] {
            let open = "SELECT count(*) FROM run"
            try await eventually("all runs end", within: .seconds(100)) {
                try await site.rows(open) == [["0"]]
            }
            let statuses = "SELECT status, count(*) FROM run_any GROUP BY 1"
            #expect(try await site.rows(statuses) == [["cancelled", "\(count)"]])
            return try await Self.events(site, "run.cancelled")
        }

        @Test("each queued run that is cancelled ends once, however often its node is told")
        func once() async throws {
            try await Site.with { site in
                _ = try await site.startListeningNode()
                try await APIClient.with(site) { try await Self.session($0) }
                try await Self.queue(site, 500)
                // Whatever told of them, all notices come at once.
                _ = try await site.rows(
                    """
                    WITH asked AS (
                        UPDATE run SET request = 'cancel', request_reason = 'why' RETURNING id)
                    SELECT pg_notify('opsroom_request', asked.id::text) FROM asked
                    """
                )
                #expect(try await Self.allEnd(site, 500) == ["500", "500"])
            }
        }

        @Test("a session of 20,000 queued runs ends in steps, also when who cancels it is gone")
        func large() async throws {
            try await Site.with { site in
                let node = try await site.startListeningNode()
                try await APIClient.with(site) { try await Self.session($0) }
                try await Self.queue(site, 20_000)
                // Cancelled and not one of its runs asked: whoever did that died at once.
                _ = try await site.rows(
                    """
                    UPDATE session SET status = 'cancelled', asked_to = 0, end_reason = 'no more'
                    WHERE name = 'mail'
                    """
                )
                try await eventually("runs are asked to end") {
                    let asked = "SELECT 1 FROM session WHERE name = 'mail' AND asked_to > 0"
                    return try await !site.rows(asked).isEmpty
                }
                try await node.program.killHard()
                _ = try await site.startNode()
                // What was asked while nobody had the lane ended at once, without an event.
                let events = try await Self.allEnd(site, 20_000)
                #expect(events[0] == events[1])
                try await eventually("the session is done") {
                    let left = "SELECT 1 FROM session WHERE asked_to IS NOT NULL"
                    return try await site.rows(left).isEmpty
                }
            }
        }
    }
}
