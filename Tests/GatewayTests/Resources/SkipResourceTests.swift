// Decides what the API answers when somebody says that a step was done by hand.

import Gateway
import HTTPTypes
import PulserIR
import Store
import Testing

@Suite("Done by hand", .timeLimit(.minutes(2)))
struct SkipResourceTests {
    /// A step behind an approval, and one that does what cannot be taken back behind that.
    private static let three = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: publishes}
        steps:
          - id: ask
            system: {approval: {message: "publish?"}}
          - id: build
            needs: [ask]
            effects: none
            shell: {argv: ["true"]}
          - id: publish
            needs: [build]
            effects: destructive
            shell: {argv: ["true"]}
          - id: beside
            effects: none
            shell: {argv: ["true"]}
        """
    private static let plan = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: waits}
        steps:
          - id: ask
            system: {approval: {message: "go on?"}}
          - id: work
            needs: [ask]
            effects: none
            shell: {argv: ["true"]}
        """

    @Test("what is under way, unknown, or waits for people is refused with what to do")
    func refused() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run(["plan": .string(Self.plan)])
            let steps = "/v1/runs/\(id)/steps"
            let note = JSONValue.object(["note": "by hand"])
            let queued = try await bed.post("\(steps)/work/skip", note)
            #expect(queued.status == 409 && queued.text.contains("is queued"), "\(queued.text)")
            #expect(try await bed.post("/v1/runs/\(id)/cancel", .object([:])).status == 202)
            let ended = try await bed.get("/v1/runs/\(id)").json["status"]
            #expect(ended == "cancelled")
            for body in [
                JSONValue.object([:]), .object(["note": ""]), .object(["note": 1]),
                .object(["note": .string(String(repeating: "x", count: 1_025))]),
                .object(["note": "n", "why": "m"]),
            ] {
                let answer = try await bed.post("\(steps)/work/skip", body)
                #expect(answer.status == 422, "\(answer.text)")
            }
            let unknown = try await bed.post("\(steps)/none/skip", note)
            #expect(unknown.status == 422 && unknown.text.contains("no step"), "\(unknown.text)")
            let asks = try await bed.post("\(steps)/ask/skip", note)
            #expect(asks.status == 409 && asks.text.contains("approve or reject"), "\(asks.text)")
        }
    }

    @Test("what comes behind an approval that nobody gave is not done by hand")
    func approvals() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run(["plan": .string(Self.three)])
            #expect(try await bed.post("/v1/runs/\(id)/cancel", .object([:])).status == 202)
            let note = JSONValue.object(["note": "by hand"])
            for step in ["build", "publish"] {
                let answer = try await bed.post("/v1/runs/\(id)/steps/\(step)/skip", note)
                #expect(answer.status == 409, "\(answer.text)")
                let why = "step '\(step)' needs 'ask', an approval that has not succeeded"
                #expect(answer.text.contains(why), "\(answer.text)")
                #expect(answer.text.contains("POST /v1/runs/\(id)/retry"), "\(answer.text)")
            }
            #expect(try await bed.get("/v1/runs/\(id)").json["status"] == "cancelled")
            let beside = try await bed.post("/v1/runs/\(id)/steps/beside/skip", note)
            #expect(beside.status == 202, "\(beside.text)")
            #expect(try beside.json["steps"] == ["ask", "build", "publish"])
        }
    }

    @Test("a step is skipped once, with a row of the journal that says by whom and why")
    func once() async throws {
        try await GatewayBed.with { bed in
            let id = try await bed.run(["plan": .string(Self.three)])
            #expect(try await bed.post("/v1/runs/\(id)/cancel", .object([:])).status == 202)
            let path = "/v1/runs/\(id)/steps/beside/skip"
            let key = try #require(HTTPField.Name("idempotency-key"))
            let note = JSONValue.object(["note": "it was \u{1F600}"])
            let first = try await bed.post(path, note, [key: "k1"])
            #expect(first.status == 202, "\(first.text)")
            #expect(try first.json["steps"] == ["ask", "build", "publish"])
            #expect(try first.json["status"] == "queued")
            let again = try await bed.post(path, note, [key: "k1"])
            #expect(again.status == 200, "\(again.text)")
            #expect(try again.json["attempt"] == 2)
            let rows = try await bed.get("/v1/runs/\(id)/steps").json["steps"]?.arrayValue ?? []
            #expect(rows.count == 1)
            #expect(rows[0]["state"] == "skipped" && rows[0]["step"] == "beside")
            #expect(rows[0]["by_hand"]?["note"] == "it was \u{1F600}")
            #expect(rows[0]["by_hand"]?["at"] == rows[0]["ended_at"])
        }
    }
}
