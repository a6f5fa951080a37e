// Decides that runs are made once, listed without gaps, and changed by who sees them as they are.

import Foundation
import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RunsResourceTests {
    @Test("a run ends within a year, however that is said")
    func deadlines() async throws {
        try await GatewayBed.with { bed in
            let wishes: [(name: String, value: JSONValue, words: String)] = [
                ("deadline_at", "2999-01-01T00:00:00Z", "at most a year from now"),
                ("deadline_ms", 31_536_000_001, "from 1 to"),
                ("ttl_ms", 31_536_000_001, "from 1 to"),
            ]
            for wish in wishes {
                let body: [String: JSONValue] = [
                    "plan": .string(sleepPlan), wish.name: wish.value,
                ]
                let answer = try await bed.post("/v1/runs", .object(body))
                #expect(answer.status == 422 && answer.text.contains(wish.words), "\(answer.text)")
            }
            let end = Date.now.addingTimeInterval(300 * 86_400).formatted(.iso8601)
            let id = try await bed.run(["deadline_at": .string(end)])
            let stored = try await bed.get("/v1/runs/\(id)").json["deadline"]?["end_by"]
            #expect(stored?.stringValue?.prefix(19) == end.prefix(19))
        }
    }

    @Test("a run is made from a plan inline, by digest and by template", arguments: Depth.allCases)
    func create(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let made = try await bed.post(
                "/v1/runs",
                .object([
                    "plan": .string(sleepPlan), "inputs": .object(["count": .string("3")]),
                    "lane": .string("B"),
                ])
            )
            #expect(made.status == 201, "\(made.text)")
            let document = try made.json
            let id = try #require(document["id"]?.stringValue)
            #expect(made.fields[.location] == "/v1/runs/\(id)")
            #expect(document["inputs"]?["count"] == .integer(3))
            #expect(document["lane"] == .string("B"))
            let digest = try #require(document["plan_digest"])

            let second = try await bed.post("/v1/runs", .object(["plan_digest": digest]))
            #expect(try second.json["plan"] == .string("nap"))

            let put = try await bed.change(
                .put,
                "/v1/templates/nap",
                .object(["plan_digest": digest, "title": .string("A nap")])
            )
            #expect(put.status == 201, "\(put.text)")
            let third = try await bed.post("/v1/runs", .object(["template": .string("nap")]))
            #expect(try third.json["template"] == .string("nap"))
            let listed = try await bed.get("/v1/runs?template=nap&count=true")
            #expect(try listed.json["runs"]?.arrayValue?.count == 1)
            #expect(try listed.json["count"]?["runs"] == .integer(1))

            let got = try await bed.get("/v1/runs/\(id.prefix(7))?include=steps,artifacts")
            #expect(try got.json["id"] == .string(id))
            #expect(try got.json["steps"] == .array([]))
            let tag = try #require(try await bed.get("/v1/runs/\(id)").fields[.eTag])
            let again = try await bed.get("/v1/runs/\(id)", [.ifNoneMatch: tag])
            #expect(again.status == 304 && again.bytes.isEmpty)
        }
    }

    @Test("a bad request says everything that is wrong, where, and what was meant")
    func refused() async throws {
        try await GatewayBed.with { bed in
            let broken = try await bed.post("/v1/runs", .object(["plan": .string("kind: Plam\n")]))
            #expect(broken.status == 422 && broken.code == "invalid_plan")
            let finding = try #require(try broken.json["errors"]?.arrayValue?.first)
            #expect(finding["line"] != nil && finding["column"] != nil)

            let inputs = try await bed.post(
                "/v1/runs",
                .object(["plan": .string(sleepPlan), "inputs": .object(["cuont": .integer(1)])])
            )
            #expect(inputs.code == "invalid_inputs" && inputs.text.contains("count"))

            let unknown = try await bed.get("/v1/runs?statsu=failed")
            #expect(unknown.status == 400 && unknown.text.contains("did you mean 'status'"))
            let status = try await bed.get("/v1/runs?status=faild")
            #expect(status.code == "invalid_parameter" && status.text.contains("failed"))
            #expect(try await bed.get("/v1/runs?limit=201").status == 400)
            #expect(try await bed.get("/v1/runs?cursor=bogus").status == 400)
            #expect(try await bed.get("/v1/runs/zzzzzzzz").status == 404)
            let nowhere = try await bed.post(
                "/v1/runs",
                .object(["plan": .string(sleepPlan), "session": .string("none")])
            )
            #expect(nowhere.status == 404 && nowhere.text.contains("POST /v1/sessions"))
            let both = try await bed.post(
                "/v1/runs",
                .object(["plan": .string(sleepPlan), "template": .string("x")])
            )
            #expect(both.code == "invalid_body")
            #expect(try await bed.text("SELECT count(*) FROM run_any") == "0")
        }
    }

    @Test("child plans come with their parent, and paths between them hold")
    func files() async throws {
        try await GatewayBed.with { bed in
            let parent = """
                apiVersion: pulser/v1
                kind: Plan
                metadata: {name: parent}
                steps:
                  - id: child
                    system: {run: {plan: sub/child.yaml}}
                """
            let files: JSONValue = .object([
                "main.yaml": .string(parent), "sub/child.yaml": .string(sleepPlan),
            ])
            let body: JSONValue = .object(["files": files, "main": .string("main.yaml")])
            #expect(try await bed.post("/v1/runs", body).status == 201)
            #expect(try await bed.text("SELECT count(*) FROM plan") == "2")
            let missing = try await bed.post(
                "/v1/plans/check",
                .object(["files": .object(["main.yaml": .string(parent)])])
            )
            #expect(try missing.json["valid"] == .bool(false))
            #expect(missing.text.contains("sub/child.yaml"))
        }
    }

    @Test("one key makes one run, however often and at once it is sent", arguments: Depth.allCases)
    func keys(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let body: JSONValue = .object(["plan": .string(sleepPlan)])
            let key = try #require(HTTPField.Name("idempotency-key"))
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<12 {
                    group.addTask { try await bed.post("/v1/runs", body, [key: "k-1"]) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.filter { $0.status == 201 }.count == 1)
            #expect(answers.filter { $0.status == 200 }.count == 11)
            #expect(Set(try answers.map { try $0.json["id"] }).count == 1)
            #expect(try await bed.text("SELECT count(*) FROM run_any") == "1")
            let other: JSONValue = .object(["plan": .string(sleepPlan), "lane": .string("Z")])
            let refused = try await bed.post("/v1/runs", other, [key: "k-1"])
            #expect(refused.status == 409 && refused.code == "idempotency_conflict")
        }
    }

    @Test("pages tell every run once while others are made", arguments: Depth.allCases)
    func pages(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let there = try await bed.store.manyRuns(60)
            var seen: [String] = []
            var path: String? = "/v1/runs?limit=7&status=-failed"
            while let next = path {
                async let more = bed.store.manyRuns(3)
                let page = try await bed.get(next)
                #expect(page.status == 200, "\(page.text)")
                seen +=
                    try page.json["runs"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
                let link = page.fields[try #require(HTTPField.Name("link"))]
                path = link.map { String($0.dropFirst().prefix { $0 != ">" }) }
                #expect((try page.json["next"] == .null) == (path == nil))
                _ = try await more
            }
            #expect(Set(seen).count == seen.count)
            #expect(Set(there.map(\.description)).isSubset(of: seen))
        }
    }

    @Test("a run is cancelled, retried from a step with other inputs, paused and resumed")
    func changes() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run()
            let cancelled = try await bed.post(
                "/v1/runs/\(id)/cancel",
                .object(["reason": .string("wrong")])
            )
            #expect(cancelled.status == 202, "\(cancelled.text)")
            #expect(try cancelled.json["status"] == .string("cancelled"))
            #expect(try await bed.post("/v1/runs/\(id)/cancel", .object([:])).status == 409)
            let unknown = try await bed.post(
                "/v1/runs/\(id)/retry",
                .object(["from": .string("none")])
            )
            #expect(unknown.status == 422)
            let retried = try await bed.post(
                "/v1/runs/\(id)/retry",
                .object(["from": .string("nap"), "inputs": .object(["count": .integer(9)])])
            )
            #expect(retried.status == 202, "\(retried.text)")
            #expect(try retried.json["steps"] == .array([.string("nap")]))
            #expect(try retried.json["inputs"]?["count"] == .integer(9))
            #expect(try retried.json["attempt"] == .integer(2))
            #expect(try await bed.post("/v1/runs/\(id)/retry", .object([:])).status == 409)
            let paused = try await bed.post("/v1/runs/\(id)/pause", .object([:]))
            #expect(try paused.json["paused_by"] == .string("test"))
            let list = try await bed.get("/v1/runs?status=paused")
            #expect(try list.json["runs"]?.arrayValue?.count == 1)
            let other = try await bed.run()
            _ = try await bed.post("/v1/runs/\(other)/cancel", .object([:]))
            let either = try await bed.get("/v1/runs?status=paused,cancelled")
            #expect(try either.json["runs"]?.arrayValue?.count == 2)
            #expect(try await bed.get("/v1/runs?status=paused,open,-queued").status == 400)
            #expect(try await bed.get("/v1/runs?status=-paused").status == 400)
            let resumed = try await bed.post("/v1/runs/\(id)/resume", .object([:]))
            #expect(try resumed.json["paused_by"] == .null)
            let counts = try await bed.get("/v1/counts")
            #expect(try counts.json["open"]?["queued"] == .integer(1))
        }
    }
}

extension Store {
    /// Enqueues runs of one plan.
    func manyRuns(_ count: Int, lane: String = "A") async throws -> [RunID] {
        let bytes = try Plan(name: "many").canonicalBytes()
        let plan = PlanRow(
            digest: Digest(of: bytes),
            name: "many",
            body: String(decoding: bytes, as: UTF8.self)
        )
        let lane = try await self.ensureLane(session: Store.defaultSession, lane: lane)
        let runs = (0..<count).map { _ in NewRun(lane: lane, planDigest: plan.digest) }
        return try await self.enqueue(runs, plans: [plan])
    }
}
