// Decides that runs are found by their ids, in lists and in actions on many, and without a schedule's successes.

import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct RunChoiceTests {
    private static func ids(_ answer: Answer) throws -> [String] {
        try answer.json["runs"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
    }

    @Test("runs that are named are listed and acted upon, those alone, as far as they fit")
    func named() async throws {
        try await GatewayBed.with { bed in
            let runs = try await bed.store.manyRuns(6).map(\.description)
            let wanted = [runs[1], runs[4]]
            let listed = try await bed.get(
                "/v1/runs?run=\(wanted.joined(separator: ","))&count=true"
            )
            #expect(try Set(Self.ids(listed)) == Set(wanted), "\(listed.text)")
            #expect(try listed.json["count"]?["runs"] == .integer(2))
            _ = try await bed.store.requestCancel(try #require(RunID(runs[1])), reason: "before")
            let open = try await bed.get(
                "/v1/runs?status=open&run=\(wanted.joined(separator: ","))"
            )
            #expect(try Self.ids(open) == [runs[4]])
            let wish: JSONValue = .object([
                "action": "cancel", "filter": .object(["run": .array(wanted.map { .string($0) })]),
                "expected_count": 1,
            ])
            let made = try await bed.post("/v1/bulk", wish)
            #expect(made.status == 202, "\(made.text)")
            let id = try #require(try made.json["id"]?.stringValue)
            let done = try await eventually {
                let json = try await bed.get("/v1/bulk/\(id)").json
                return json["status"] == "running" ? nil : json
            }
            #expect(done["progress"]?["ok"] == 1)
            #expect(try await bed.store.openCounts(session: nil) == ["queued": 4])
            let short = try await bed.get("/v1/runs?run=\(runs[0].prefix(5))")
            #expect(short.status == 400 && short.text.contains("whole id"), "\(short.text)")
        }
    }

    @Test("a plan is meant by its name in all its versions, by its digest in that one alone")
    func plan() async throws {
        try await GatewayBed.with { bed in
            let first = try await bed.run()
            let changed = sleepPlan.replacing("1ms", with: "2ms")
            let second = try await bed.run(["plan": .string(changed)])
            let other = sleepPlan.replacing("{name: nap}", with: "{name: other}")
            let third = try await bed.run(["plan": .string(other)])
            let named = try await bed.get("/v1/runs?plan=nap&count=true")
            #expect(try Self.ids(named) == [second, first], "\(named.text)")
            let documents = try await bed.get("/v1/runs?run=\(second)").json["runs"]?.arrayValue
            let digest = try #require(documents?.first?["plan_digest"]?.stringValue)
            let alone = try await bed.get("/v1/runs?plan=\(digest)&count=true")
            #expect(try Self.ids(alone) == [second], "\(alone.text)")
            #expect(try alone.json["count"]?["runs"] == .integer(1))
            let unknown = try await bed.get("/v1/runs?plan=sha256:none")
            #expect(try Self.ids(unknown).isEmpty && unknown.status == 200, "\(third)")
        }
    }

    @Test("what a schedule made and succeeded can be left out, what failed stays")
    func quiet() async throws {
        try await GatewayBed.with { bed in
            let runs = try await bed.store.manyRuns(1).map(\.description)
            let made = try await bed.post(
                "/v1/schedules",
                ["name": "often", "plan": .string(sleepPlan), "rules": ["0 0 * * *"]]
            )
            #expect(made.status == 201, "\(made.text)")
            _ = try await bed.text(
                """
                INSERT INTO run_done (id, lane_id, shard_id, plan_digest, status, finished_at)
                SELECT r.id + v.i, r.lane_id, r.shard_id, r.plan_digest, v.status, now()
                FROM run r, (VALUES (1, 'succeeded'), (2, 'failed'), (3, 'succeeded')) v (i, status)
                """
            )
            _ = try await bed.text(
                """
                INSERT INTO schedule_run (schedule_id, tick, manual, run_id)
                SELECT s.id, now() + i * interval '1 s', false, r.id + i
                FROM schedule s, run r, generate_series(1, 2) i
                """
            )
            let first = try #require(RunID(runs[0])).number
            let others = (1...3).map { RunID(first + $0).description }
            let loud = try await bed.get("/v1/runs?quiet=false")
            #expect(try Self.ids(loud).count == 4)
            let quiet = try await bed.get("/v1/runs?quiet=true&count=true")
            #expect(try Set(Self.ids(quiet)) == Set(runs + others[1...]), "\(quiet.text)")
            #expect(try quiet.json["count"]?["runs"] == .integer(3))
            #expect(try await bed.get("/v1/runs?quiet=perhaps").status == 400)
        }
    }
}
