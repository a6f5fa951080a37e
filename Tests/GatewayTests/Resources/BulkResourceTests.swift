// Decides that an action on many runs does what its preview said, tells what came of each, and goes on after a crash.

import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct BulkResourceTests {
    /// Waits until an action has ended.
    private func end(_ bed: GatewayBed, _ id: String) async throws -> JSONValue {
        try await eventually {
            let json = try await bed.get("/v1/bulk/\(id)").json
            return json["status"] == .string("running") ? nil : json
        }
    }

    @Test(
        "many runs are cancelled as previewed, and what came of each is told",
        arguments: Depth.allCases
    )
    func cancel(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let runs = try await bed.store.manyRuns(450)
            _ = try await bed.store.manyRuns(5, lane: "other")
            _ = try await bed.store.requestCancel(runs[0], reason: "before")
            let filter: JSONValue = .object(["lane": .string("A")])
            let wish: [String: JSONValue] = ["action": .string("cancel"), "filter": filter]
            let preview = try await bed.post("/v1/bulk?preview=true", .object(wish))
            #expect(try preview.json["count"]?["runs"] == .integer(449), "\(preview.text)")
            #expect(try preview.json["sample"]?.arrayValue?.count == 10)
            var wrong = wish
            wrong["expected_count"] = .integer(450)
            let refused = try await bed.post("/v1/bulk", .object(wrong))
            #expect(refused.status == 409 && refused.text.contains("449"))
            var right = wish
            right["expected_count"] = .integer(449)
            let made = try await bed.post("/v1/bulk", .object(right))
            #expect(made.status == 202, "\(made.text)")
            let id = try #require(try made.json["id"]?.stringValue)
            #expect(made.fields[.location] == "/v1/bulk/\(id)")
            let done = try await self.end(bed, id)
            #expect(done["status"] == .string("completed"))
            #expect(done["progress"]?["ok"] == .integer(449))
            #expect(try await bed.store.openCounts(session: nil) == ["queued": 5])
            let ok = try await bed.get("/v1/bulk/\(id)/runs?state=ok&limit=200")
            #expect(try ok.json["runs"]?.arrayValue?.count == 200)
            #expect(try await bed.post("/v1/bulk/\(id)/cancel", .object([:])).status == 409)
        }
    }

    @Test("a preview counts as far as an action goes, further than a list tells")
    func large() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.store.manyRuns(10_050)
            let wish: [String: JSONValue] = ["action": "pause", "filter": .object(["lane": "A"])]
            let listed = try await bed.get("/v1/runs?lane=A&count=true&limit=1").json["count"]
            #expect(listed?["exact"] == .bool(false))
            let count = try await bed.post("/v1/bulk?preview=true", .object(wish)).json["count"]
            #expect(count?["runs"] == .integer(10_050) && count?["exact"] == .bool(true))
            var order = wish
            order["expected_count"] = count?["runs"]
            let made = try await bed.post("/v1/bulk", .object(order))
            #expect(made.status == 202, "\(made.text)")
        }
    }

    @Test("a retry of many says which runs it skipped, and why")
    func retry() async throws {
        try await GatewayBed.with { bed in
            let runs = try await bed.store.manyRuns(1)
            let id = try await bed.run()
            for run in [runs[0], try #require(RunID(id))] {
                _ = try await bed.store.requestCancel(run, reason: "stop")
            }
            let made = try await bed.post(
                "/v1/bulk",
                .object([
                    "action": .string("retry"),
                    "filter": .object(["status": .array([.string("cancelled")])]),
                ])
            )
            let bulk = try #require(try made.json["id"]?.stringValue, "\(made.text)")
            let done = try await self.end(bed, bulk)
            #expect(done["progress"]?["ok"] == .integer(1))
            #expect(done["progress"]?["skipped"] == .integer(1))
            let skipped = try await bed.get("/v1/bulk/\(bulk)/runs?state=skipped")
            let item = try #require(try skipped.json["runs"]?.arrayValue?.first)
            #expect(item["run"] == .string(runs[0].description))
            #expect(item["reason"]?.stringValue?.isEmpty == false)
        }
    }

    @Test("paused runs are resumed, others left out of the count")
    func resume() async throws {
        try await GatewayBed.with { bed in
            let runs = try await bed.store.manyRuns(8)
            for run in runs.prefix(3) { _ = try await bed.store.requestPause(run, by: "me") }
            let wish: JSONValue = .object(["action": .string("resume"), "filter": .object([:])])
            let preview = try await bed.post("/v1/bulk?preview=true", wish)
            #expect(try preview.json["count"]?["runs"] == .integer(3))
            let made = try await bed.post("/v1/bulk", wish)
            let id = try #require(try made.json["id"]?.stringValue)
            #expect(try await self.end(bed, id)["progress"]?["ok"] == .integer(3))
            #expect(
                try await bed.text("SELECT count(*) FROM run_any WHERE paused_by IS NOT NULL")
                    == "0"
            )
        }
    }

    @Test("whoever paused many runs is named with each, the reason with the action")
    func pause() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.store.manyRuns(2)
            let made = try await bed.post(
                "/v1/bulk",
                ["action": "pause", "filter": ["lane": "A"], "reason": "release freeze"]
            )
            let id = try #require(try made.json["id"]?.stringValue, "\(made.text)")
            let done = try await self.end(bed, id)
            #expect(done["reason"] == "release freeze" && done["by"] == "test")
            #expect(
                try await bed.text("SELECT string_agg(DISTINCT paused_by, ',') FROM run") == "test"
            )
        }
    }

    @Test("what a dead worker left is taken up and done once")
    func takeOver() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.store.manyRuns(100)
            var query = RunQuery()
            query.statuses = [.queued]
            // Held from the start, so that the gateway's own worker does not take it first.
            let made = try await bed.store.makeBulk(
                .cancel,
                query,
                filter: "{}",
                expected: nil,
                reason: "r",
                actor: "a"
            )
            let id = try #require(made.id)
            if let claim = try await bed.store.takeBulk(silence: .seconds(15)) {
                _ = try await bed.store.cancelNext(claim, limit: 30)
                _ = try await bed.text("UPDATE bulk SET heartbeat_at = now() - interval '1 h'")
            }
            // Any other action wakes the worker; it finds the orphan too.
            _ = try await bed.post(
                "/v1/bulk",
                .object(["action": .string("pause"), "filter": .object([:])])
            )
            let done = try await self.end(bed, String(id))
            #expect(done["progress"]?["ok"] == .integer(100))
            #expect(
                try await bed.text("SELECT count(*) FROM run_any WHERE status = 'cancelled'")
                    == "100"
            )
        }
    }

    @Test("an empty list or text in a filter is refused, and never means every run")
    func nothing() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.store.manyRuns(3)
            for name in RunFilterReader.names {
                for value: JSONValue in [.array([]), .string(""), .array([.string("")])] {
                    let wish: JSONValue = ["action": "cancel", "filter": .object([name: value])]
                    for path in ["/v1/bulk", "/v1/bulk?preview=true"] {
                        let answer = try await bed.post(path, wish)
                        #expect(answer.status == 422, "\(name): \(answer.text)")
                        #expect(answer.text.contains("filter/\(name)"), "\(answer.text)")
                    }
                }
            }
            #expect(try await bed.get("/v1/bulk").json["bulk"] == .array([]))
            #expect(try await bed.store.openCounts(session: nil) == ["queued": 3])
        }
    }

    @Test("runs that were picked are told by their number, not each in every row")
    func picked() async throws {
        try await GatewayBed.with { bed in
            let runs = try await bed.store.manyRuns(3)
            let ids = runs.prefix(2).map { JSONValue.string($0.description) }
            let made = try await bed.post(
                "/v1/bulk",
                ["action": "cancel", "filter": ["run": .array(Array(ids)), "lane": "A"]]
            )
            #expect(made.status == 202, "\(made.text)")
            #expect(try made.json["filter"] == ["run": 2, "lane": "A"])
            let id = try #require(try made.json["id"]?.stringValue)
            #expect(try await self.end(bed, id)["progress"]?["ok"] == .integer(2))
            // One that an earlier version made keeps the ids themselves.
            try await bed.text(
                """
                UPDATE bulk SET filter = '{"run":["a","b","c"]}' WHERE id = \(id) RETURNING id
                """
            )
            let list = try await bed.get("/v1/bulk").json["bulk"]
            #expect(list?[0]?["filter"] == ["run": 3])
            let items = try await bed.get("/v1/bulk/\(id)/runs").json["runs"]?.arrayValue
            #expect(items?.count == 2)
        }
    }

    @Test("a wish that cannot be meant is refused with what was meant")
    func refused() async throws {
        try await GatewayBed.with { bed in
            let answer = try await bed.post(
                "/v1/bulk",
                .object([
                    "action": .string("cancle"), "filter": .object(["lanes": .string("A")]),
                ])
            )
            #expect(answer.status == 422)
            #expect(answer.text.contains("did you mean 'cancel'"))
            #expect(answer.text.contains("did you mean 'lane'"))
            let status = try await bed.post(
                "/v1/bulk",
                .object([
                    "action": .string("cancel"), "filter": .object(["status": .string("failed")]),
                ])
            )
            #expect(status.status == 422)
            #expect(try await bed.get("/v1/bulk/99").status == 404)
            #expect(try await bed.get("/v1/nodes").json["nodes"] == .array([]))
        }
    }
}
