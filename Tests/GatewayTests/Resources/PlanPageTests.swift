// Decides what the API answers about a plan's drawing, and about a template as it was written.

import HTTPTypes
import PulserIR
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2)))
struct PlanPageTests {
    private static let plan = """
        # A comment that only the source has.
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: drawn}
        steps:
          - id: one
            title: First
            shell: {argv: ["true"]}
            effects: none
          - id: go
            needs: [one]
            system: {approval: {message: "really?"}}
          - id: each
            needs: [one]
            system:
              fan_out: {over: [1, 2], shell: {argv: ["true"]}}
          - id: end
            needs: [go, each]
            system: {sleep: 1ms}
        """

    @Test("a plan is drawn in the form described, and not again when nothing changed")
    func graph() async throws {
        try await GatewayBed.with { bed in
            let made = try await bed.post("/v1/plans", ["plan": .string(Self.plan)])
            try #require(made.status == 201, "\(made.text)")
            let digest = try made.json["digest"]?.stringValue ?? ""
            let answer = try await bed.get("/v1/plans/\(digest)/graph")
            try await OpenAPITests.check(answer, "plans.graph")
            let json = try answer.json
            let nodes = json["nodes"]?.arrayValue ?? []
            #expect(nodes.map { $0["id"] } == ["one", "go", "each", "end"])
            #expect(nodes.map { $0["rank"] } == [0, 1, 1, 2])
            #expect(nodes.map { $0["kind"] } == ["shell", "approval", "fan_out", "sleep"])
            #expect(nodes[0]["title"] == "First" && nodes[0]["effects"] == "none")
            #expect(nodes[2]["item_kind"] == "shell")
            #expect(json["edges"]?.arrayValue?.count == 4)
            let tag = try #require(answer.fields[.eTag] as String?)
            let again = try await bed.get("/v1/plans/\(digest)/graph", [.ifNoneMatch: tag])
            #expect(again.status == 304)
            #expect(try await bed.get("/v1/plans/none/graph").code == "invalid_parameter")
            let other = "sha256:" + String(repeating: "0", count: 64)
            #expect(try await bed.get("/v1/plans/\(other)/graph").status == 404)
        }
    }

    @Test("a template's source is what was written, of every version, and null when nothing tells")
    func source() async throws {
        try await GatewayBed.with { bed in
            let path = "/v1/templates/t"
            let first = try await bed.change(
                .put,
                path,
                ["plan": .string(Self.plan), "title": "T"]
            )
            try #require(first.status == 201, "\(first.text)")
            let files = JSONValue.object(["a.yaml": .string(sleepPlan)])
            let second = try await bed.change(.put, path, ["files": files])
            #expect(second.status == 200, "\(second.text)")
            let now = try await bed.get("\(path)/source")
            try await OpenAPITests.check(now, "templates.source")
            #expect(try now.json["revision"] == 2 && now.json["main"] == "a.yaml")
            #expect(try now.json["source"]?.stringValue == sleepPlan && now.json["files"] == files)
            let old = try await bed.get("\(path)/source?revision=1")
            try await OpenAPITests.check(old, "templates.source")
            #expect(try old.json["source"]?.stringValue == Self.plan && old.json["title"] == "T")

            // The same plan by its digest keeps what it was made of, another one has nothing.
            let digest = try now.json["plan_digest"] ?? .null
            let same = try await bed.change(.put, path, ["plan_digest": digest, "title": "U"])
            #expect(same.status == 200, "\(same.text)")
            let kept = try await bed.get("\(path)/source").json
            #expect(kept["revision"] == 3 && kept["source"]?.stringValue == sleepPlan)
            let stored = try old.json["plan_digest"] ?? .null
            #expect(try await bed.change(.put, path, ["plan_digest": stored]).status == 200)
            let none = try await bed.get("\(path)/source")
            try await OpenAPITests.check(none, "templates.source")
            #expect(try none.json["source"] == .null && none.json["files"] == .null)

            for missing in ["\(path)/source?revision=9", "/v1/templates/none/source"] {
                #expect(try await bed.get(missing).status == 404)
            }
            #expect(try await bed.send(.delete, path).status == 204)
            #expect(try await bed.get("\(path)/source").status == 404)
            #expect(try await bed.get("\(path)/source?revision=1").status == 200)
        }
    }
}
