// Decides that what the resources of work and evidence answer has the form that the API's description gives it.

import HTTPTypes
import PulserIR
import Store
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct AnswerFormTests {
    private func check(
        _ bed: GatewayBed,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil,
        _ name: String
    ) async throws -> Answer {
        let answer =
            if let body {
                try await bed.change(method, path, body)
            } else {
                try await bed.send(method, path)
            }
        #expect(answer.status < 300, "\(name): \(answer.text)")
        try await OpenAPITests.check(answer, name)
        return answer
    }

    @Test("sessions, lanes, plans, templates and nodes answer in the forms described")
    func places() async throws {
        try await GatewayBed.with { bed in
            let session = JSONValue.object([
                "name": "s", "lanes": .array([.object(["name": "A", "width": 2])]),
            ])
            _ = try await self.check(bed, .post, "/v1/sessions", session, "sessions.create")
            _ = try await self.check(bed, .get, "/v1/sessions", nil, "sessions.list")
            _ = try await self.check(bed, .get, "/v1/sessions/s", nil, "sessions.get")
            let intent = JSONValue.object(["intent": "more"])
            _ = try await self.check(bed, .patch, "/v1/sessions/s", intent, "sessions.update")
            let lanes = "/v1/sessions/s/lanes"
            _ = try await self.check(bed, .post, lanes, .object(["name": "B"]), "lanes.create")
            _ = try await self.check(bed, .get, lanes, nil, "lanes.list")
            _ = try await self.check(bed, .get, "\(lanes)/B", nil, "lanes.get")
            let wide = JSONValue.object(["width": 3])
            _ = try await self.check(bed, .patch, "\(lanes)/B", wide, "lanes.update")
            _ = try await self.check(bed, .post, "/v1/sessions/s/archive", nil, "sessions.archive")
            let plan = JSONValue.object(["plan": .string(sleepPlan)])
            _ = try await self.check(bed, .post, "/v1/plans/check", plan, "plans.check")
            let bad = JSONValue.object(["plan": "kind: Plan"])
            _ = try await self.check(bed, .post, "/v1/plans/check", bad, "plans.check")
            _ = try await self.check(bed, .post, "/v1/plans", plan, "plans.create")
            _ = try await self.check(bed, .put, "/v1/templates/t", plan, "templates.put")
            _ = try await self.check(bed, .get, "/v1/templates/t", nil, "templates.get")
            _ = try await self.check(bed, .get, "/v1/templates", nil, "templates.list")
            _ = try await self.check(
                bed,
                .get,
                "/v1/templates/t/versions",
                nil,
                "templates.versions"
            )
            try await TestNode.with(bed.store) { _ in
                _ = try await self.check(bed, .get, "/v1/nodes", nil, "nodes.list")
            }
        }
    }

    @Test("a session's stream is found by name and by number")
    func streams() async throws {
        try await GatewayBed.with { bed in
            let session = JSONValue.object(["name": "billing"])
            let made = try await bed.post("/v1/sessions", session)
            let id = try #require(try made.json["id"]?.integerValue)
            let fields: HTTPFields = [.accept: "text/event-stream"]
            for (text, status) in [("billing", 200), ("\(id)", 200), ("nothing", 404)] {
                let answer = try await bed.send(.head, "/v1/sessions/\(text)/events", fields)
                #expect(answer.status == status, "\(text)")
            }
        }
    }

    @Test("runs, their evidence and actions on many answer in the forms described")
    func runs() async throws {
        try await GatewayBed.with { bed in
            let order = JSONValue.object(["plan": .string(sleepPlan), "lane": "A"])
            let made = try await self.check(bed, .post, "/v1/runs", order, "runs.create")
            let run = "/v1/runs/\(try #require(try made.json["id"]?.stringValue))"
            _ = try await self.check(bed, .get, "/v1/runs?count=true", nil, "runs.list")
            let full = "\(run)?include=steps,artifacts"
            _ = try await self.check(bed, .get, full, nil, "runs.get")
            _ = try await self.check(bed, .get, "\(run)/steps", nil, "runs.steps")
            _ = try await self.check(bed, .get, "\(run)/children", nil, "runs.children")
            _ = try await self.check(bed, .get, "/v1/counts", nil, "runs.counts")
            _ = try await self.check(bed, .get, "\(run)/log", nil, "log.page")
            _ = try await self.check(bed, .get, "\(run)/log/search?q=x", nil, "log.search")
            _ = try await self.check(bed, .get, "\(run)/artifacts", nil, "artifacts.list")
            _ = try await self.check(bed, .post, "\(run)/pause", nil, "runs.pause")
            _ = try await self.check(bed, .post, "\(run)/resume", nil, "runs.resume")
            _ = try await self.check(bed, .post, "\(run)/cancel", nil, "runs.cancel")
            _ = try await self.check(bed, .post, "\(run)/retry", nil, "runs.retry")
            let wish = JSONValue.object(["action": "pause", "filter": .object([:])])
            _ = try await self.check(bed, .post, "/v1/bulk?preview=true", wish, "bulk.create")
            let bulk = try await self.check(bed, .post, "/v1/bulk", wish, "bulk.create")
            let id = try #require(try bulk.json["id"]?.stringValue)
            _ = try await self.check(bed, .get, "/v1/bulk", nil, "bulk.list")
            _ = try await self.check(bed, .get, "/v1/bulk/\(id)", nil, "bulk.get")
            _ = try await self.check(bed, .get, "/v1/bulk/\(id)/runs", nil, "bulk.runs")
            let upload = try await bed.upload([1, 2, 3])
            try await OpenAPITests.check(upload, "uploads.create")
        }
    }
}
