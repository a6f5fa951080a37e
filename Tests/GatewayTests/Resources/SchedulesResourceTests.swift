// Decides that schedules are made, changed, asked for now and for the past as the API's description says.

import HTTPTypes
import PulserIR
import Store
import TestKit
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct SchedulesResourceTests {
    private static let path = "/v1/schedules/nightly"

    private static func order(_ more: [String: JSONValue] = [:]) -> JSONValue {
        let members: [String: JSONValue] = [
            "name": "nightly", "plan": .string(sleepPlan),
            "rules": .array(["30 2 * * *", "every 90m"]),
            "zone": "UTC", "inputs": .object(["count": "3"]),
        ]
        return .object(members.merging(more) { $1 })
    }

    @Test("every route of schedules answers in the form described")
    func forms() async throws {
        try await GatewayBed.with { bed in
            func check(
                _ method: HTTPRequest.Method,
                _ path: String,
                _ name: String,
                _ body: JSONValue? = nil
            ) async throws -> JSONValue {
                let answer =
                    if let body { try await bed.change(method, path, body) } else {
                        try await bed.send(method, path)
                    }
                #expect(answer.status < 300, "\(name): \(answer.text)")
                if answer.status == 204 { return .null }
                try await OpenAPITests.check(answer, name)
                return try answer.json
            }
            let made = try await check(.post, "/v1/schedules", "schedules.create", Self.order())
            #expect(made["inputs"] == .object(["count": 3]))
            #expect(made["next_at"]?.stringValue != nil && made["paused"] == .null)
            _ = try await check(.get, "/v1/schedules?session=default", "schedules.list")
            _ = try await check(.get, Self.path, "schedules.get")
            let other = JSONValue.object(["rules": .array(["@daily"]), "overlap": "queue"])
            let edited = try await check(.patch, Self.path, "schedules.update", other)
            #expect(edited["rules"] == .array(["@daily"]) && edited["revision"] == 2)
            #expect(edited["plan_digest"] == made["plan_digest"])
            let reason = JSONValue.object(["reason": "audit"])
            let paused = try await check(.post, "\(Self.path)/pause", "schedules.pause", reason)
            #expect(paused["paused"]?["reason"] == "audit" && paused["next_at"] == .null)
            let list = try await bed.get("/v1/schedules?paused=false")
            #expect(try list.json["schedules"]?.arrayValue?.isEmpty == true)
            let run = try await check(.post, "\(Self.path)/trigger", "schedules.trigger")
            #expect(run["inputs"] == .object(["count": 3]))
            #expect(run["schedule"]?["manual"] == .bool(true))
            let id = try #require(run["id"]?.stringValue)
            let seen = try await check(.get, "/v1/runs/\(id)", "runs.get")
            #expect(seen["schedule"]?["name"] == "nightly")
            _ = try await check(.post, "\(Self.path)/resume", "schedules.resume")
            let range = JSONValue.object([
                "from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z",
            ])
            let filled = try await check(
                .post,
                "\(Self.path)/backfill",
                "schedules.backfill",
                range
            )
            #expect(filled["made"] == 3 && filled["ticks"] == 3)
            let again = try await check(
                .post,
                "\(Self.path)/backfill",
                "schedules.backfill",
                range
            )
            #expect(again["made"] == 0 && again["ticks"] == 3)
            let runs = try await check(.get, "\(Self.path)/runs", "schedules.runs")
            #expect(runs["runs"]?.arrayValue?.count == 4)
            let preview = try await check(
                .get,
                "\(Self.path)/preview?count=2&from=2026-03-01T00:00:00Z",
                "schedules.preview"
            )
            #expect(preview["ticks"]?[0]?["local"] == "2026-03-01T00:00:00+00:00")
            #expect(preview["ticks"]?[1]?["tick"] == "2026-03-02T00:00:00.000Z")
            _ = try await check(.delete, Self.path, "schedules.delete")
            #expect(try await bed.get(Self.path).status == 404)
        }
    }

    @Test("what does not fit is refused with its place and a next step")
    func refusals() async throws {
        try await GatewayBed.with { bed in
            func refused(_ more: [String: JSONValue], _ status: Int, _ words: String) async throws {
                let answer = try await bed.post("/v1/schedules", Self.order(more))
                #expect(answer.status == status, "\(answer.text)")
                #expect(answer.text.contains(words), "\(answer.text)")
                #expect(try answer.json["next"]?.stringValue != nil)
            }
            try await refused(["rules": .array(["61 * * * *"])], 422, "minute 61 does not exist")
            try await refused(["rules": .array(["0 0 31 2 *"])], 422, "no day fits")
            try await refused(["rules": .array([])], 422, "from 1 to 32 rules")
            try await refused(["zone": "Mars/Olympus"], 422, "no time zone 'Mars/Olympus'")
            try await refused(["overlap": "allow"], 422, "skip, queue, cancel")
            try await refused(["inputs": .object(["size": 1])], 422, "unknown input 'size'")
            try await refused(["jitter_ms": 99_999_999], 422, "jitter")
            try await refused(["start": "tomorrow"], 422, "not a time")
            try await refused(["session": "nowhere"], 404, "nowhere")
            try await refused(["every": "10m"], 422, "'every' is not known")
            try await refused(["name": "7"], 422, "name")
            #expect(try await bed.post("/v1/schedules", Self.order()).status == 201)
            let twice = try await bed.post("/v1/schedules", Self.order())
            #expect(twice.status == 409, "\(twice.text)")
            let future = JSONValue.object([
                "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z",
            ])
            let answer = try await bed.post("\(Self.path)/backfill", future)
            #expect(answer.status == 422 && answer.text.contains("past"), "\(answer.text)")
            let long = JSONValue.object([
                "from": "1990-01-01T00:00:00Z", "to": "2020-01-01T00:00:00Z",
            ])
            let many = try await bed.post("\(Self.path)/backfill", long)
            #expect(many.status == 422 && many.text.contains("1000 ticks"), "\(many.text)")
        }
    }

    @Test("a key makes one schedule, one run, one backfill; another request with it is refused")
    func keys() async throws {
        try await GatewayBed.with { bed in
            let field = try #require(HTTPField.Name("idempotency-key"))
            for (path, body, other) in [
                ("/v1/schedules", Self.order(), Self.order(["title": "x"])),
                ("\(Self.path)/trigger", .object([:]), .object(["overlap": "queue"])),
                (
                    "\(Self.path)/backfill",
                    .object(["from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"]),
                    .object(["from": "2026-01-01T00:00:00Z", "to": "2026-01-04T00:00:00Z"])
                ),
            ] {
                let key: HTTPFields = [field: path]
                let first = try await bed.change(.post, path, body, key)
                #expect(first.status == 201, "\(first.text)")
                let second = try await bed.change(.post, path, body, key)
                #expect(second.status == 200, "\(second.text)")
                for member in ["id", "made"] {
                    #expect(try first.json[member] == second.json[member])
                }
                let refused = try await bed.change(.post, path, other, key)
                #expect(refused.status == 409, "\(refused.text)")
            }
        }
    }

    @Test("of two editors one is told; an open run is in the way of another one unless queued")
    func conflicts() async throws {
        try await GatewayBed.with { bed in
            let made = try await bed.post("/v1/schedules", Self.order())
            let tag = try #require(made.fields[.eTag])
            let title = JSONValue.object(["title": "every night"])
            #expect(try await bed.patch(Self.path, title, [.ifMatch: tag]).status == 200)
            #expect(try await bed.patch(Self.path, title, [.ifMatch: tag]).status == 412)
            #expect(try await bed.send(.delete, Self.path, [.ifMatch: tag]).status == 412)
            let trigger = "\(Self.path)/trigger"
            #expect(try await bed.post(trigger, .object([:])).status == 201)
            let second = try await bed.post(trigger, .object([:]))
            #expect(second.status == 409 && second.text.contains("is open"), "\(second.text)")
            let queued = try await bed.post(trigger, .object(["overlap": "queue"]))
            #expect(queued.status == 201)
            let replaced = try await bed.post(trigger, .object(["overlap": "cancel"]))
            #expect(replaced.status == 201)
            let open = try await bed.get("/v1/runs?status=open")
            #expect(try open.json["runs"]?.arrayValue?.count == 1)
        }
    }

    @Test("a schedule goes by its template as it is then; without it nothing is made")
    func templates() async throws {
        try await GatewayBed.with { bed in
            let plan = JSONValue.object(["plan": .string(sleepPlan)])
            #expect(try await bed.change(.put, "/v1/templates/nap", plan).status == 201)
            let order = Self.order(["plan": .null, "template": "nap"])
            let made = try await bed.post("/v1/schedules", order)
            #expect(made.status == 201, "\(made.text)")
            let newer = sleepPlan.replacing("sleep: 1ms", with: "sleep: 2ms")
            let changed = JSONValue.object(["plan": .string(newer)])
            #expect(try await bed.change(.put, "/v1/templates/nap", changed).status < 300)
            let run = try await bed.post("\(Self.path)/trigger", .object([:]))
            #expect(try run.json["plan_digest"] != made.json["plan_digest"])
            #expect(try run.json["template"] == "nap")
            #expect(try await bed.send(.delete, "/v1/templates/nap").status == 204)
            let gone = try await bed.post("\(Self.path)/trigger", .object(["overlap": "queue"]))
            #expect(gone.status == 409 && gone.text.contains("template 'nap'"), "\(gone.text)")
        }
    }
}
