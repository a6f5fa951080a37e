// Decides that of two people who edit one thing at once, one wins and the other is told.

import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite(.timeLimit(.minutes(2)))
struct EditingTests {
    @Test("of two editors of a session one is told that it was changed", arguments: Depth.allCases)
    func sessions(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            let made = try await bed.post(
                "/v1/sessions",
                .object([
                    "name": .string("billing"), "intent": .string("migrate"),
                    "lanes": .array([
                        .object(["name": .string("A")]),
                        .object(["name": .string("B"), "width": .integer(4)]),
                    ]),
                ])
            )
            #expect(made.status == 201, "\(made.text)")
            #expect(try made.json["lane_list"]?.arrayValue?.count == 2)
            let tag = try #require(made.fields[.eTag])
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for number in 0..<2 {
                    group.addTask {
                        try await bed.patch(
                            "/v1/sessions/billing",
                            .object(["intent": .string("\(number)")]),
                            [.ifMatch: tag]
                        )
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.map(\.status).sorted() == [200, 412])
            // What others do to its runs does not make an edit stale.
            let now = try await bed.get("/v1/sessions/billing")
            _ = try await bed.run(["session": .string("billing")])
            let patched = try await bed.patch(
                "/v1/sessions/billing",
                .object(["context": .object(["ticket": .integer(7)])]),
                [.ifMatch: try #require(now.fields[.eTag])]
            )
            #expect(patched.status == 200, "\(patched.text)")
            #expect(try patched.json["context"]?["ticket"] == .integer(7))
            #expect(try patched.json["runs"]?["queued"] == .integer(1))
            #expect(try await bed.post("/v1/sessions/billing/complete", .object([:])).status == 409)
            let ended = try await bed.post("/v1/sessions/billing/cancel", .object([:]))
            #expect(try ended.json["status"] == .string("cancelled"))
            #expect(try ended.json["runs"]?["queued"] == .integer(0))
        }
    }

    @Test("of two people who act on a run one is told that it was changed")
    func runs() async throws {
        try await GatewayBed.with { bed in
            let run = "/v1/runs/\(try await bed.run())"
            let tag = try #require(try await bed.get(run).fields[.eTag])
            let full = try await bed.get("\(run)?include=steps")
            #expect(full.fields[.eTag] != tag)
            let empty = JSONValue.object([:])
            let first = try await bed.post("\(run)/cancel", empty, [.ifMatch: tag])
            #expect(first.status == 202, "\(first.text)")
            for verb in ["cancel", "retry", "pause", "resume"] {
                let late = try await bed.post("\(run)/\(verb)", empty, [.ifMatch: tag])
                #expect(late.code == "precondition_failed", "\(verb)")
            }
            let now = try #require(try await bed.get("\(run)?include=steps").fields[.eTag])
            let retried = try await bed.post("\(run)/retry", empty, [.ifMatch: now])
            #expect(retried.status == 202, "\(retried.text)")
        }
    }

    @Test("words may hold any character, also one that the database cannot keep")
    func anyCharacter() async throws {
        try await GatewayBed.with { bed in
            let odd = JSONValue.string("a\u{0}b")
            let session = JSONValue.object(["name": .string("odd"), "intent": odd])
            #expect(try await bed.post("/v1/sessions", session).status == 201)
            let run = "/v1/runs/\(try await bed.run())"
            let reason = JSONValue.object(["reason": odd])
            #expect(try await bed.post("\(run)/cancel", reason).status == 202)
            let token = try await bed.post("/v1/tokens", .object(["name": odd]))
            #expect(token.status == 201, "\(token.text)")
            #expect(try await bed.get("/v1/tokens/%00").status == 404)
        }
    }

    @Test("who paused a run is named with the token that did")
    func person() async throws {
        try await GatewayBed.with { bed in
            let run = "/v1/runs/\(try await bed.run())"
            let body = JSONValue.object(["by": .string("ana")])
            let paused = try await bed.post("\(run)/pause", body)
            #expect(try paused.json["paused_by"] == .string("ana (test)"))
            let long = JSONValue.object(["by": .string(String(repeating: "x", count: 101))])
            #expect(try await bed.post("\(run)/pause", long).code == "invalid_body")
        }
    }

    @Test("the reason of a session's end is bounded: each of its runs keeps it")
    func reason() async throws {
        try await GatewayBed.with { bed in
            _ = try await bed.post("/v1/sessions", .object(["name": .string("s")]))
            let long = JSONValue.object(["reason": .string(String(repeating: "x", count: 2_000))])
            #expect(try await bed.post("/v1/sessions/s/cancel", long).code == "invalid_body")
            #expect(try await bed.get("/v1/sessions/s").json["status"] == .string("active"))
        }
    }

    @Test("of two editors of a lane one is told that it was changed", arguments: Depth.allCases)
    func lanes(_ depth: Depth) async throws {
        try await GatewayBed.with(depth) { bed in
            _ = try await bed.run()
            let lane = "/v1/sessions/default/lanes/A"
            let seen = try await bed.get(lane)
            let tag = try #require(seen.fields[.eTag])
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for width in [2, 3] {
                    group.addTask {
                        try await bed.patch(
                            lane,
                            .object(["width": .integer(Int64(width))]),
                            [.ifMatch: tag]
                        )
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.map(\.status).sorted() == [200, 412])
            #expect(try await bed.patch(lane, .object(["width": .integer(0)])).status == 422)
            let made = try await bed.post(
                "/v1/sessions/default/lanes",
                .object(["name": .string("C"), "priority": .integer(5)])
            )
            #expect(made.status == 201)
            let again = try await bed.post(
                "/v1/sessions/default/lanes",
                .object(["name": .string("C")])
            )
            #expect(again.status == 409)
            let first = try await bed.get("/v1/sessions/default/lanes?limit=1")
            #expect(try first.json["lanes"]?.arrayValue?.count == 1)
            #expect(try first.json["next"] != .null)
        }
    }

    @Test("a template is made once, changed by who saw it, and keeps its versions")
    func templates() async throws {
        try await GatewayBed.with { bed in
            let body: JSONValue = .object(["plan": .string(sleepPlan)])
            let made = try await bed.change(.put, "/v1/templates/t", body, [.ifNoneMatch: "*"])
            #expect(made.status == 201, "\(made.text)")
            let again = try await bed.change(.put, "/v1/templates/t", body, [.ifNoneMatch: "*"])
            #expect(again.status == 412 && again.text.contains("a template 't' already"))
            let tag = try #require(made.fields[.eTag])
            let changed = try await bed.change(.put, "/v1/templates/t", body, [.ifMatch: tag])
            #expect(try changed.json["revision"] == .integer(2))
            #expect(changed.status == 200)
            #expect(try await bed.send(.delete, "/v1/templates/t", [.ifMatch: tag]).status == 412)
            let versions = try await bed.get("/v1/templates/t/versions")
            #expect(try versions.json["versions"]?.arrayValue?.count == 2)
            #expect(try await bed.send(.delete, "/v1/templates/t").status == 204)
            #expect(try await bed.get("/v1/templates/t").status == 404)
            #expect(try await bed.get("/v1/templates").json["templates"] == .array([]))
        }
    }

    @Test("any of several tags is enough, * means that it is there, a weak tag never edits")
    func tags() async throws {
        try await GatewayBed.with { bed in
            let plan: JSONValue = .object(["plan": .string(sleepPlan)])
            let path = "/v1/templates/t"
            #expect(try await bed.change(.put, path, plan, [.ifMatch: "*"]).status == 412)
            #expect(try await bed.get(path).status == 404)
            let made = try await bed.change(.put, path, plan)
            let tag = try #require(made.fields[.eTag])
            for (field, status) in [
                ("*", 200), ("\"7.x\" , \(tag)", 412), ("\"7.x\",\"2.y\"", 200),
                ("W/\"3.x\"", 412), ("3", 400), ("", 400),
            ] {
                let answer = try await bed.change(.put, path, plan, [.ifMatch: field])
                #expect(answer.status == status, "\(field): \(answer.text)")
            }
            let now = try #require(try await bed.get(path).fields[.eTag])
            let weak = try await bed.get(path, [.ifNoneMatch: "\"1.x\", W/\(now)"])
            #expect(weak.status == 304)
            _ = try await bed.post("/v1/sessions", .object(["name": "s"]))
            let seen = try #require(try await bed.get("/v1/sessions/s").fields[.eTag])
            for (field, status) in [
                ("\"9.x\", \(seen)", 200), ("\(seen), \"9.x\"", 412), ("*", 200),
            ] {
                let body = JSONValue.object(["intent": .string(field)])
                let answer = try await bed.patch("/v1/sessions/s", body, [.ifMatch: field])
                #expect(answer.status == status, "\(field): \(answer.text)")
            }
            let none = try await bed.patch("/v1/sessions/none", .object([:]), [.ifMatch: "*"])
            #expect(none.status == 404)
        }
    }

    @Test("a plan is checked without being stored, stored by digest, and never changes")
    func plans() async throws {
        try await GatewayBed.with { bed in
            let body: JSONValue = .object(["plan": .string(sleepPlan)])
            let checked = try await bed.post("/v1/plans/check", body)
            #expect(try checked.json["valid"] == .bool(true))
            #expect(try await bed.text("SELECT count(*) FROM plan") == "0")
            let stored = try await bed.post("/v1/plans", body)
            let digest = try #require(try stored.json["digest"]?.stringValue)
            #expect(stored.status == 201)
            let got = try await bed.get("/v1/plans/\(digest)")
            #expect(Digest(of: got.bytes).description == digest)
            #expect(got.fields[.cacheControl]?.contains("immutable") == true)
            let tag = try #require(got.fields[.eTag])
            #expect(try await bed.get("/v1/plans/\(digest)", [.ifNoneMatch: tag]).status == 304)
        }
    }
}
